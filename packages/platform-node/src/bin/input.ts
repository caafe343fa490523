/**
 * What a command reads besides its arguments: secrets, which come from files, standard input or the environment and never
 * from an argument, and metadata.
 *
 * @internal
 */
import * as ClientMetadata from "@effect-dcr/core/ClientMetadata"
import { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as Flag from "effect/cli/Flag"
import * as Prompt from "effect/cli/Prompt"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { Secrets, tokenInEnvironment } from "./secrets.ts"

const invalid = (option: string, message: string) =>
  new RegistrationError({ reason: { _tag: "InvalidOptions", option, message } })

/** The text of a file, or of standard input for `-`. */
const readText = (flag: string, path: string) =>
  Effect.gen(function*() {
    if (path === "-") return yield* Stream.mkString(Stream.decodeText((yield* Stdio.Stdio).stdin))
    return yield* (yield* FileSystem.FileSystem).readFileString(path)
  }).pipe(
    Effect.mapError(({ reason }) => invalid(flag, `${path} ${unreadable[reason._tag] ?? "cannot be read"}`))
  )

const unreadable: { readonly [tag: string]: string | undefined } = {
  NotFound: "does not exist",
  PermissionDenied: "may not be read by this user",
  BadResource: "is not a file that can be read"
}

/** What is read from standard input is read once. */
export const oneStandardInput = (input: {
  readonly tokenFile: Option.Option<string>
  readonly metadata: Option.Option<string>
}) =>
  Option.contains(input.tokenFile, "-") && Option.contains(input.metadata, "-")
    ? Effect.fail(invalid("--token-file", "standard input is for --metadata already: only one of them can be -"))
    : Effect.void

// -----------------------------------------------------------------------------
// secrets
// -----------------------------------------------------------------------------

export const tokenFile = Flag.String("token-file").pipe(
  Flag.withDescription(
    "A file with the initial access token, - for standard input (default: EFFECT_DCR_INITIAL_ACCESS_TOKEN)"
  ),
  Flag.withMetavar("FILE"),
  Flag.optional
)

/** The initial access token (RFC 7591 §3), if there is one. */
export const readToken = Effect.fnUntraced(function*(file: Option.Option<string>) {
  if (Option.isNone(file)) {
    const token = yield* Effect.mapError(
      tokenInEnvironment,
      () => invalid("EFFECT_DCR_INITIAL_ACCESS_TOKEN", "it cannot be read")
    )
    return Option.getOrUndefined(token)
  }
  const { canPrompt } = yield* TerminalCapabilities
  const token = file.value === "-" && canPrompt
    // Whoever types it may be watched.
    ? yield* Prompt.run(Prompt.Hidden({ message: "Initial access token" }))
    : Redacted.make((yield* readText("--token-file", file.value)).trim())
  if (Redacted.value(token) === "") {
    return yield* invalid("--token-file", `${file.value === "-" ? "standard input" : file.value} is empty`)
  }
  yield* warnOfReaders(file.value)
  const { remember } = yield* Secrets
  remember(token)
  return token
})

/** What is no file, such as a pipe, is nobody else's to read later. */
const warnOfReaders = Effect.fnUntraced(function*(path: string) {
  if (path === "-" || process.platform === "win32") return
  const { mode, type } = yield* (yield* FileSystem.FileSystem).stat(path)
  if (type === "File" && (mode & 0o077) !== 0) {
    yield* Effect.logWarning(`others than its owner may access the token in ${path}: chmod 600 mends it`)
  }
}, (effect) => Effect.ignore(effect))

// -----------------------------------------------------------------------------
// metadata
// -----------------------------------------------------------------------------

/** The flags from which metadata is put together. What comes later here goes before. */
export const metadataFlags = {
  metadata: Flag.String("metadata").pipe(
    Flag.withDescription("A file with the client metadata as JSON, - for standard input"),
    Flag.withMetavar("FILE"),
    Flag.optional
  ),
  redirectUri: Flag.String("redirect-uri").pipe(
    Flag.withDescription("A redirect URI; may be repeated"),
    Flag.withMetavar("URI"),
    Flag.atLeast(0)
  ),
  name: Flag.String("name").pipe(
    Flag.withDescription("The name that users see (client_name)"),
    Flag.withMetavar("TEXT"),
    Flag.optional
  ),
  scope: Flag.String("scope").pipe(
    Flag.withDescription("The scopes, separated by spaces"),
    Flag.withMetavar("SCOPES"),
    Flag.optional
  ),
  grantType: Flag.String("grant-type").pipe(
    Flag.withDescription(
      "A grant type, such as authorization_code, refresh_token or client_credentials; may be repeated"
    ),
    Flag.withMetavar("TYPE"),
    Flag.atLeast(0)
  ),
  authMethod: Flag.String("auth-method").pipe(
    Flag.withDescription(
      "How the client authenticates, such as client_secret_basic, client_secret_post, private_key_jwt, or none for a " +
        "public client (token_endpoint_auth_method)"
    ),
    Flag.withMetavar("METHOD"),
    Flag.optional
  ),
  set: Flag.String("set").pipe(
    Flag.withDescription(
      "Any other member, its value as JSON where the member can have it so, else as text; may be repeated"
    ),
    Flag.withMetavar("MEMBER=VALUE"),
    Flag.atLeast(0)
  )
}

interface MetadataInput {
  readonly metadata: Option.Option<string>
  readonly redirectUri: ReadonlyArray<string>
  readonly name: Option.Option<string>
  readonly scope: Option.Option<string>
  readonly grantType: ReadonlyArray<string>
  readonly authMethod: Option.Option<string>
  readonly set: ReadonlyArray<string>
}

const isObject = Schema.is(Schema.Record(Schema.String, Schema.Unknown))
const parseJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))
const decodeMetadata = Schema.decodeUnknownEffect(ClientMetadata.ClientMetadata, { errors: "all" })

/** What is wrong with a value, without the value. */
const decode = (flag: string, members: { readonly [member: string]: unknown }) =>
  Effect.mapError(
    decodeMetadata(members),
    ({ message }) => invalid(flag, message.replace(/\s+/g, " ").replaceAll(" | undefined", ""))
  )

/** What a parser says, but for what it quotes of the text, which may be a secret that was taken for metadata. */
const placeIn = (error: unknown): string => {
  const place = error instanceof Error ? /line \d+ column \d+/.exec(error.message) : null
  return place === null ? "" : ` (${place[0]})`
}

const readMembers = Effect.fnUntraced(function*(path: string) {
  const text = yield* readText("--metadata", path)
  const name = path === "-" ? "standard input" : path
  const parsed = yield* Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: (error) => invalid("--metadata", `${name} is not JSON${placeIn(error)}`)
  })
  if (!isObject(parsed)) return yield* invalid("--metadata", `${name} holds JSON, but not an object`)
  yield* decode(`--metadata ${path}`, parsed)
  return parsed
})

/** `member=value`, the value as JSON where the member can have it so, and else as text. */
const readAssignment = Effect.fnUntraced(function*(assignment: string) {
  const at = assignment.indexOf("=")
  if (at <= 0) return yield* invalid(`--set ${assignment}`, "it is not of the form member=value")
  const member = assignment.slice(0, at)
  const text = assignment.slice(at + 1)
  const decodeAs = (value: unknown) => decode(`--set ${member}`, { [member]: value })
  const value = Option.getOrElse(parseJson(text), (): unknown => text)
  return yield* decodeAs(value).pipe(
    Effect.catch((error) => Effect.mapError(decodeAs(text), () => error)),
    Effect.map((decoded): readonly [string, unknown] => [member, Object.values(decoded)[0]])
  )
})

/** The metadata that the flags say. The rules judge it later, by name and section. */
export const readMetadata = Effect.fnUntraced(function*(input: MetadataInput) {
  const members = new Map<string, unknown>()
  if (Option.isSome(input.metadata)) {
    const parsed = yield* readMembers(input.metadata.value)
    for (const [member, value] of Object.entries(parsed)) members.set(member, value)
  }
  if (input.redirectUri.length > 0) members.set("redirect_uris", input.redirectUri)
  if (Option.isSome(input.name)) members.set("client_name", input.name.value)
  if (Option.isSome(input.scope)) members.set("scope", input.scope.value)
  if (input.grantType.length > 0) members.set("grant_types", input.grantType)
  if (Option.isSome(input.authMethod)) members.set("token_endpoint_auth_method", input.authMethod.value)
  for (const assignment of input.set) members.set(...yield* readAssignment(assignment))
  return yield* decode("--metadata", Object.fromEntries(members))
})
