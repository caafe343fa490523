/**
 * The failures of Redis, without what stood in the commands.
 *
 * @internal
 */
import type { RedisError } from "effect/persistence/Redis"
import * as Predicate from "effect/Predicate"
import type { RegistrationError } from "../../RegistrationError.ts"
import { storeFailed } from "../storeFailure.ts"
import type { Operation } from "./bounded.ts"

/** Only the code word of an answer of the server, or the name of the driver's error, is kept, and not the cause. */
export const fromRedisError = (operation: Operation) => ({ cause }: RedisError): RegistrationError => {
  const code = codeOf(cause)
  const what = `Redis: ${code}`
  switch (code) {
    case "OOM":
      return storeFailed(operation, "Full", what)
    // A replica; a server that cannot write its disk, or that misses its replicas.
    case "READONLY":
    case "MISCONF":
    case "NOREPLICAS":
      return storeFailed(operation, "ReadOnly", what)
    // A user that may not do it, or not with these keys or this channel.
    case "NOPERM":
      return storeFailed(operation, operation === "load" || operation === "list" ? "Unavailable" : "ReadOnly", what)
    default:
      return storeFailed(operation, "Unavailable", what)
  }
}

/** Whether a key holds something of another type. */
export const isWrongType = ({ cause }: RedisError): boolean => codeOf(cause) === "WRONGTYPE"

/** As Redis 6 and 7, and Redis 7.2 and later, say it of a command inside of a script. */
const isForbidden = /^(-?NOPERM\b|ERR ACL failure\b|ERR The user executing the script can't\b)/

const codeOf = (cause: unknown): string => {
  const message = Predicate.hasProperty(cause, "message") ? String(cause.message) : ""
  // An error inside of a script may come with the word in front of it, or after `ERR`.
  const known = /\b(OOM|READONLY|MISCONF|NOREPLICAS|WRONGTYPE)\b/.exec(message)?.[1]
  const word = isForbidden.test(message) ? "NOPERM" : known ?? /^([A-Z]{3,20})(?= |$)/.exec(message)?.[1]
  if (word !== undefined) return word
  const code = Predicate.hasProperty(cause, "code") ? String(cause.code) : ""
  if (/^[A-Z0-9_]{1,40}$/.test(code)) return code
  return cause instanceof Error && /^[A-Za-z]{1,60}$/.test(cause.constructor.name) ? cause.constructor.name : "failed"
}
