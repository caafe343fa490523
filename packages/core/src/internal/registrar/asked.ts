/**
 * What is asked of a registrar: whether it can be kept under its key, compared, and handed out.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { AuthorizationServer } from "../../AuthorizationServer.ts"
import type { ClientMetadata } from "../../ClientMetadata.ts"
import type { RegisterOptions } from "../../ClientRegistration.ts"
import { validate } from "../../MetadataRule.ts"
import type { RegisteredClient } from "../../RegisteredClient.ts"
import { RegistrationError } from "../../RegistrationError.ts"
import type { Key } from "../../RegistrationStore.ts"
import { isJson } from "../memberTypes.ts"
import { isObject } from "../selectMembers.ts"

interface Asked {
  readonly server: AuthorizationServer | string
  readonly metadata: ClientMetadata
}

/** A string that is no text has no form in UTF-8, and could be another one in a store. */
export const checkKey = ({ issuer, profile }: Key): Effect.Effect<Key, RegistrationError> => {
  const isText = (part: unknown) => typeof part === "string" && !/\p{Surrogate}/u.test(part)
  if (!isText(issuer)) return invalidOption("issuer", "it is not a well-formed string")
  return isText(profile)
    ? Effect.succeed({ issuer, profile })
    : invalidOption("profile", "it is not a well-formed string")
}

export const invalidOption = (option: string, message: string) =>
  Effect.fail(new RegistrationError({ reason: { _tag: "InvalidOptions", option, message } }))

/** Types do not bind a JavaScript caller, and what JSON cannot say cannot be compared either. */
export const checkAsked = ({ metadata, server }: Asked): Effect.Effect<void, RegistrationError> => {
  if (typeof server !== "string" && !(isObject(server) && typeof server.issuer === "string")) {
    return invalidOption("server", "it is neither an issuer nor the metadata of one")
  }
  if (!isObject(metadata)) {
    return Effect.fail(
      new RegistrationError({ reason: { _tag: "InvalidMetadata", violations: validate(metadata) } })
    )
  }
  return Object.values(metadata).every((value) => value === undefined || isJson(value))
    ? Effect.void
    : invalidOption("metadata", "a member has a value that JSON cannot say")
}

/** Each caller says whether deviations are taken, of a registration that is kept in any case. */
export const judgeDeviations = (
  client: RegisteredClient,
  options: RegisterOptions<RegistrationError> | undefined
): Effect.Effect<RegisteredClient, RegistrationError> =>
  options?.deviations === "fail" && client.deviations.length > 0
    ? Effect.fail(
      new RegistrationError({
        reason: { _tag: "DeviationsRefused", deviations: client.deviations.map(({ id }) => id) }
      }).withRegistered(client)
    )
    : Effect.succeed(client)
