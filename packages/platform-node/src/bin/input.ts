/**
 * What a command reads besides its arguments: secrets, which come from files, standard input or the environment and never
 * from an argument, and metadata.
 *
 * @internal
 */
import * as ClientMetadata from "@effect-dcr/core/ClientMetadata"
import { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"

const invalid = (option: string, message: string) =>
  new RegistrationError({ reason: { _tag: "InvalidOptions", option, message } })

/** The text of a file, or of standard input for `-`. */
const readText = (option: string, path: string) =>
  Effect.gen(function*() {
    if (path === "-") return yield* Stream.mkString(Stream.decodeText((yield* Stdio.Stdio).stdin))
    return yield* (yield* FileSystem.FileSystem).readFileString(path)
  }).pipe(
    Effect.mapError(({ message }) => invalid(option, `it cannot be read: ${message}`))
  )

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

const fromEnvironment = Config.option(Config.Redacted("EFFECT_DCR_INITIAL_ACCESS_TOKEN"))

/** The initial access token (RFC 7591 §3), if there is one. */
export const readToken = Effect.fnUntraced(function*(file: Option.Option<string>) {
  if (Option.isNone(file)) {
    const token = yield* Effect.mapError(
      fromEnvironment,
      () => invalid("EFFECT_DCR_INITIAL_ACCESS_TOKEN", "it cannot be read")
    )
    return Option.getOrUndefined(token)
  }
  const text = (yield* readText("token-file", file.value)).trim()
  return text === "" ? yield* invalid("token-file", "it is empty") : Redacted.make(text)
})

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
  name: Flag.String("name").pipe(Flag.withDescription("The name that users see (client_name)"), Flag.optional),
  scope: Flag.String("scope").pipe(Flag.withDescription("The scopes, separated by spaces"), Flag.optional),
  grantType: Flag.String("grant-type").pipe(Flag.withDescription("A grant type; may be repeated"), Flag.atLeast(0)),
  authMethod: Flag.String("auth-method").pipe(
    Flag.withDescription("How the client authenticates (token_endpoint_auth_method)"),
    Flag.optional
  ),
  set: Flag.String("set").pipe(
    Flag.withDescription("Any other member, its value as JSON or else as text; may be repeated"),
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

const parseObject = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))
const parseJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))
const decodeMetadata = Schema.decodeUnknownEffect(ClientMetadata.ClientMetadata, { errors: "all" })

/** The metadata that the flags say. The rules judge it later, by name and section. */
export const readMetadata = Effect.fnUntraced(function*(input: MetadataInput) {
  const members = new Map<string, unknown>()
  if (Option.isSome(input.metadata)) {
    const text = yield* readText("metadata", input.metadata.value)
    const parsed = yield* Effect.mapError(parseObject(text), () => invalid("metadata", "it is not a JSON object"))
    for (const [member, value] of Object.entries(parsed)) members.set(member, value)
  }
  if (input.redirectUri.length > 0) members.set("redirect_uris", input.redirectUri)
  if (Option.isSome(input.name)) members.set("client_name", input.name.value)
  if (Option.isSome(input.scope)) members.set("scope", input.scope.value)
  if (input.grantType.length > 0) members.set("grant_types", input.grantType)
  if (Option.isSome(input.authMethod)) members.set("token_endpoint_auth_method", input.authMethod.value)
  for (const assignment of input.set) {
    const at = assignment.indexOf("=")
    if (at <= 0) return yield* invalid("set", "it is not of the form member=value")
    const text = assignment.slice(at + 1)
    members.set(assignment.slice(0, at), Option.getOrElse(parseJson(text), () => text))
  }
  return yield* Effect.mapError(
    decodeMetadata(Object.fromEntries(members)),
    (error) => invalid("metadata", error.message.replace(/\s+/g, " "))
  )
})
