/**
 * From what the caller asks for to what is sent: members that the caller left out are filled in where leaving them out
 * would earn a refusal, and the whole is checked.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { AuthorizationServer } from "../AuthorizationServer.ts"
import type { ClientMetadata } from "../ClientMetadata.ts"
import type { MetadataOptions, MetadataPreset } from "../MetadataPreset.ts"
import { validate, validateTyped } from "../MetadataRule.ts"
import { RegistrationError } from "../RegistrationError.ts"
import type { Violation } from "../Violation.ts"
import { typedMembers } from "./judgeMetadata.ts"
import { isJson } from "./memberTypes.ts"
import { hasKeys, usesRedirects } from "./metadataFacts.ts"
import { definedMembers, isObject, selectMembers } from "./selectMembers.ts"
import { isNativeRedirect } from "./url.ts"

export interface PreparedMetadata {
  readonly metadata: ClientMetadata
  /** The names of the members that were filled in. */
  readonly filledIn: ReadonlyArray<string>
  /** Every rule that it breaks, warnings included. */
  readonly violations: ReadonlyArray<Violation>
  /** Whether every rule was asked, also that of values that JSON cannot say. */
  readonly isFullyJudged: boolean
}

/** What is sent for what the caller asks. It may break rules: see {@link checkMetadata}. */
export const prepareMetadata = (
  server: AuthorizationServer,
  asked: ClientMetadata,
  options: MetadataOptions | undefined
): PreparedMetadata => {
  if (!isObject(asked)) return { metadata: {}, filledIn: [], violations: validate(asked), isFullyJudged: true }
  const said = definedMembers(asked)
  const preset = options?.preset
  // Nothing is built upon what has not its type, and nothing hides it: it is refused below.
  const typed = typedMembers(said)
  const filled = said.software_statement === undefined
    ? selectMembers(complete(server, preset, typed), (name) => !Object.hasOwn(said, name))
    : nothing
  const filledIn = Object.keys(filled)
  const metadata = filledIn.length === 0 ? said : { ...said, ...filled }
  return {
    metadata,
    filledIn,
    // A preset may fill in what has not its type; what the caller said was looked at above.
    violations: validateTyped(metadata, filledIn.length === 0 ? typed : { ...typed, ...typedMembers(filled) }, {
      server,
      rules: preset?.rules,
      rulesOff: options?.rulesOff,
      failOnWarnings: options?.failOnWarnings
    }),
    isFullyJudged: options?.rulesOff === undefined
  }
}

const nothing: ClientMetadata = {}

/** Fails with all broken rules at once, and with what cannot be written. Warnings alone are none, and explain what is. */
export const checkMetadata = (prepared: PreparedMetadata): Effect.Effect<void, RegistrationError> => {
  const { violations } = prepared
  if (violations.some(({ severity }) => severity === "error")) {
    return Effect.fail(new RegistrationError({ reason: { _tag: "InvalidMetadata", violations } }))
  }
  // Whoever turns the rule off still cannot send what has no JSON.
  return prepared.isFullyJudged || Object.values(prepared.metadata).every((value) => isJson(value))
    ? Effect.void
    : Effect.fail(
      new RegistrationError({
        reason: { _tag: "InvalidOptions", option: "metadata", message: "a member has a value that JSON cannot say" }
      })
    )
}

/** What a preset fills in goes before what is filled in for anybody; what the caller said goes before both. */
const complete = (
  server: AuthorizationServer,
  preset: MetadataPreset | undefined,
  said: ClientMetadata
): ClientMetadata => {
  if (preset === undefined) return fillIns(server, said)
  const byPreset = selectMembers(
    // A copy: one that fills in by Object.assign changes nothing that the caller said.
    preset.fillIn({ ...said }),
    (name, value) => value !== undefined && !Object.hasOwn(said, name)
  )
  return { ...byPreset, ...fillIns(server, { ...typedMembers(byPreset), ...said }) }
}

/** Members of which the server's default would be wrong for this client. */
const fillIns = (server: AuthorizationServer, said: ClientMetadata): ClientMetadata => {
  const method = said.token_endpoint_auth_method ?? negotiatedMethod(server, said)
  return {
    ...(said.application_type === undefined && isNative(said) ? { application_type: "native" } : undefined),
    ...(said.response_types === undefined && said.grant_types !== undefined && !usesRedirects(said)
      ? { response_types: [] }
      : undefined),
    ...(said.token_endpoint_auth_method === undefined && method !== undefined
      ? { token_endpoint_auth_method: method }
      : undefined)
  }
}

/** A loopback or custom-scheme redirect URI makes a native client (OpenID Connect Registration §2); the default is web. */
const isNative = ({ redirect_uris }: ClientMetadata): boolean => redirect_uris?.some(isNativeRedirect) === true

/** The default is `client_secret_basic` (RFC 7591 §2). A server that says it does not take that is asked for the next best. */
const negotiatedMethod = (
  { token_endpoint_auth_methods_supported: supported }: AuthorizationServer,
  said: ClientMetadata
): string | undefined => {
  // A server that the caller described may be described badly.
  if (!Array.isArray(supported) || supported.length === 0 || supported.includes("client_secret_basic")) return undefined
  const usable = [
    "client_secret_post",
    ...(hasKeys(said) ? ["private_key_jwt"] : []),
    // A public client has nothing to show for the client credentials grant (RFC 6749 §4.4).
    ...(said.grant_types?.includes("client_credentials") === true ? [] : ["none"])
  ]
  return usable.find((method) => supported.includes(method))
}
