/**
 * What an `HttpClient` gives as the cause of its failure: anything, which may hold the request and its credentials.
 *
 * @internal
 */
import { repeatsOneOf } from "./secrets.ts"
import { withoutSecrets } from "./serverText.ts"

/** The cause itself, or, where it quotes a secret, an error with its name, its code and its scrubbed message. */
export const shownCause = (cause: unknown, secrets: ReadonlyArray<string>): unknown => {
  const isSecret = repeatsOneOf(secrets)
  if (!quotes(cause, isSecret)) return cause
  const text = (name: string): string | undefined => {
    const value = typeof cause === "object" && cause !== null ? read(cause, name) : undefined
    return typeof value === "string" ? withoutSecrets(value, secrets) : undefined
  }
  const shown = new Error(text("message") ?? "(a cause that quotes a secret)")
  const code = text("code")
  shown.name = text("name") ?? shown.name
  return code === undefined ? shown : Object.assign(shown, { code })
}

/** How many objects are looked into. A cause that holds more is not shown. */
const maximum = 2000

const quotes = (cause: unknown, isSecret: (value: unknown) => boolean): boolean => {
  const open = [cause]
  const seen = new Set<object>()
  while (open.length > 0) {
    const next = open.pop()
    if (typeof next === "string" && isSecret(next)) return true
    if ((typeof next !== "object" && typeof next !== "function") || next === null || seen.has(next)) continue
    if (seen.size === maximum) return true
    seen.add(next)
    // Hidden properties and symbols too: whoever prints one may show all.
    for (const key of Reflect.ownKeys(next)) {
      if (typeof key === "string" && isSecret(key)) return true
      open.push(Reflect.getOwnPropertyDescriptor(next, key)?.value)
    }
    open.push(read(next, "message"), read(next, "stack"))
    if (isCollection(next)) open.push(...next)
  }
  return false
}

/** What a foreign object says; its getters may throw. */
const read = (object: object, name: string): unknown => {
  try {
    return Reflect.get(object, name)
  } catch {
    return undefined
  }
}

/** Maps, sets and what is like them, such as `Headers`, whose items are no properties. */
const isCollection = (value: object): value is Iterable<unknown> =>
  value instanceof Map || value instanceof Set || Object.prototype.toString.call(value) === "[object Headers]"
