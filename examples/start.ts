/**
 * Registers a client at an authorization server and shows what came of it.
 *
 * ```
 * npm start                                             at a server that is started for it
 * npm start -- --issuer https://op.example.com --redirect-uri https://app.example.com/cb
 * npm start -- --help
 * ```
 */
import { AuthorizationServer, ClientMetadata, ClientRegistration, DpopSigner } from "@effect-dcr/core"
import { NodeRegistration } from "@effect-dcr/platform-node"
// not the barrel, which takes a second to load
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Data, DateTime, Effect, FileSystem, Option, Redacted, Schema } from "effect"
import { CliOutput, Command, Flag } from "effect/cli"
import { authorizationServer } from "./support/authorizationServer.ts"
import { clean, toJson, toText } from "./support/report.ts"

/** What the caller asked for cannot be done; the message is for a person. */
class InvalidInput extends Data.TaggedError("InvalidInput")<{ readonly message: string }> {}

// -----------------------------------------------------------------------------
// the command line
// -----------------------------------------------------------------------------

const flags = {
  issuer: Flag.String("issuer").pipe(
    Flag.withDescription("The issuer of the authorization server. Default: a server that is started for you"),
    Flag.optional
  ),
  redirectUris: Flag.String("redirect-uri").pipe(
    Flag.withDescription("Where the server sends the user back to; may be given several times"),
    Flag.atLeast(0)
  ),
  clientName: Flag.String("client-name").pipe(
    Flag.withDescription("The name that the server shows to users"),
    Flag.optional
  ),
  metadata: Flag.String("metadata").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("A JSON file with client metadata (RFC 7591 section 2); the other flags go before it"),
    Flag.optional
  ),
  initialAccessTokenFile: Flag.String("initial-access-token-file").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("A file with an initial access token, for a server that wants one"),
    Flag.optional
  ),
  dpop: Flag.Boolean("dpop").pipe(
    Flag.withDescription("Send a DPoP proof (RFC 9449) along, by a new key"),
    Flag.withDefault(false)
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print JSON. Secrets are masked there as well"),
    Flag.withDefault(false)
  )
}

const start = Command.make("start", flags, (input) =>
  Effect.gen(function*() {
    // All input is read before anything is started or sent.
    const asked = yield* readMetadata(input)
    const initialAccessToken = yield* readToken(input.initialAccessTokenFile)
    const embedded = Option.isNone(input.issuer)
    const issuer = Option.isSome(input.issuer) ? input.issuer.value : yield* authorizationServer
    const report = yield* Effect.gen(function*() {
      const discovery = yield* AuthorizationServer.discoverDetails(issuer)
      const client = yield* ClientRegistration.register(discovery.server, asked, { initialAccessToken })
      const { thumbprint } = yield* DpopSigner.DpopSigner
      return { discovery, client, embedded, thumbprint, now: yield* DateTime.now }
    }).pipe(Effect.provide(input.dpop ? NodeRegistration.layerDpop() : NodeRegistration.layer))
    yield* Console.log(input.json ? toJson(report) : toText(report))
  }).pipe(Effect.scoped)).pipe(
    Command.withDescription("Registers a client at an authorization server and shows what came of it.")
  )

// -----------------------------------------------------------------------------
// input
// -----------------------------------------------------------------------------

/** What is asked for when the caller says nothing. */
const example: ClientMetadata.ClientMetadata = {
  client_name: "My first client",
  redirect_uris: ["https://app.example.com/cb"],
  grant_types: ["authorization_code", "refresh_token"]
}

const readMetadata = Effect.fnUntraced(function*(input: {
  readonly issuer: Option.Option<string>
  readonly redirectUris: ReadonlyArray<string>
  readonly clientName: Option.Option<string>
  readonly metadata: Option.Option<string>
}) {
  const ofFile = Option.isSome(input.metadata) ? yield* readMetadataFile(input.metadata.value) : undefined
  const ofFlags: ClientMetadata.ClientMetadata = {
    ...(input.redirectUris.length === 0 ? undefined : { redirect_uris: input.redirectUris }),
    ...(Option.isNone(input.clientName) ? undefined : { client_name: input.clientName.value })
  }
  const base = ofFile ?? (Option.isNone(input.issuer) ? example : {})
  return { ...base, ...ofFlags }
})

const decodeMetadata = Schema.decodeUnknownEffect(ClientMetadata.ClientMetadata)

const readMetadataFile = Effect.fnUntraced(function*(path: string) {
  const text = yield* readFile(path)
  const json = yield* Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: () => new InvalidInput({ message: `The file ${path} is not JSON` })
  })
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return yield* new InvalidInput({ message: `The file ${path} has no JSON object in it` })
  }
  return yield* Effect.mapError(decodeMetadata(json), (error) =>
    new InvalidInput({
      message: `The file ${path} is not client metadata: ${error.message.replaceAll(/\s*\n\s*/g, " ")}`
    }))
})

const readToken = Effect.fnUntraced(function*(path: Option.Option<string>) {
  if (Option.isNone(path)) return undefined
  const token = (yield* readFile(path.value)).trim()
  return token === ""
    ? yield* new InvalidInput({ message: `The file ${path.value} is empty` })
    : Redacted.make(token, { label: "initial access token" })
})

const readFile = Effect.fnUntraced(function*(path: string) {
  const files = yield* FileSystem.FileSystem
  return yield* Effect.mapError(files.readFileString(path), ({ reason }) =>
    new InvalidInput({
      message: `The file ${path} ${
        reason._tag === "NotFound"
          ? "does not exist"
          : reason._tag === "PermissionDenied"
          ? "may not be read"
          : "cannot be read"
      }`
    }))
})

// -----------------------------------------------------------------------------
// running
// -----------------------------------------------------------------------------

/** One sentence on standard error. */
const complain = (message: string) => Console.error(`error: ${clean(message)}`)

/** A wrong command line is one sentence as well, not a page of help. */
const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? complain(
        `${event.errors.map(({ message }) => message.replaceAll(/\s*\n\s*/g, " ")).join("; ")}. --help lists the flags`
      )
      : CliOutput.defaultPresenter.present(event)
}

Command.run(start, { version: "0.1.0" }).pipe(
  Effect.tapError((error) => error._tag === "ShowHelp" ? Effect.void : complain(error.message)),
  Effect.provideService(CliOutput.Presenter, presenter),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
