/**
 * Whether the body of a response is the one that its transport received. A client of the user may have put another one before
 * it, by `Object.create` or by a `Proxy`, which a reader of the web response behind it would pass over.
 *
 * @internal
 */
import * as Predicate from "effect/Predicate"

/** What is built otherwise than Effect 4.1 builds it counts as somebody else's, which is slower and no less right. */
export const isTransportBody = (response: object): boolean => {
  if (isShadowed(response)) return false
  // Around what fetch gave, Effect puts a response that aborts the request when nobody reads it to its end.
  const original = Predicate.hasProperty(response, "original") ? response.original : undefined
  return Predicate.isObjectKeyword(original)
    ? isMadeOf(response, "text", "original") && isTransportBody(original)
    : isMadeOf(response, "stream", "source")
}

const isShadowed = (response: object): boolean => {
  if (Object.hasOwn(response, "constructor")) return false
  const prototype: unknown = Object.getPrototypeOf(response)
  return Object.hasOwn(response, "stream") || (Predicate.isObjectKeyword(prototype) && isShadowed(prototype))
}

/** A `Proxy` cannot be told from what is behind it, but what it gives for `name` is not made of the receiver's own `part`. */
const isMadeOf = (response: object, name: string, part: string): boolean => {
  let asked = false
  const receiver = Object.defineProperty({ applyInterrupt: () => {} }, part, {
    get: () => {
      asked = true
      return { body: true }
    }
  })
  try {
    Reflect.get(response, name, receiver)
  } catch {
    // A class of somebody else's, which knows its own instances only.
  }
  return asked
}
