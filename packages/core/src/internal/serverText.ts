/**
 * Text that a server sent, made fit for an error: one line, short, no markup, no secrets. What is left out of a message
 * for its length is in the data of the error.
 *
 * @internal
 */
import * as Base64Url from "./base64url.ts"

const maximumLength = 300

/** A tag begins right after its bracket, and none is called `client_name`: `a < b` and `<client_name>` are text. */
const looksLikeMarkup = /<(!doctype|\?xml|\/?[a-z][a-z0-9-]*[\s/>])/i

/** A secret and its name, in JSON that is cut off or quoted, or in a form: nobody knows where it ends. */
const namesItsSecret = /(client_secret|registration_access_token)(\\*["']\s*:|&(quot|#34);\s*:|=)/i

/** Cleans `text`, without the secrets of the exchange. `undefined` when nothing fit to show is left. */
export const cleanServerText = (text: unknown, secrets: ReadonlyArray<string>): string | undefined => {
  if (typeof text !== "string" || looksLikeMarkup.test(text) || namesItsSecret.test(text)) return undefined
  // Control characters, line breaks and the invisible or direction-changing ones would let a server forge log lines.
  const cleaned = withoutSecrets(text, secrets).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, " ").trim()
  return cleaned === "" ? undefined : shorten(cleaned)
}

/** Text of a length that fits into a message. */
export const shorten = (text: string): string =>
  text.length <= maximumLength
    ? text
    // Not in the middle of a character.
    : `${text.slice(0, maximumLength - 1).replace(/[\ud800-\udbff]$/, "")}…`

/** How many items of a list are told. */
const maximumItems = 10

/** A list of a length that fits into a message. */
export const listed = <A>(separator: string, items: ReadonlyArray<A>, tell: (item: A) => string): string => {
  const more = items.length - maximumItems
  return items.slice(0, maximumItems).map(tell).join(separator) + (more > 0 ? `${separator}and ${more} more` : "")
}

/** Text with every secret replaced, also in the encodings in which servers tend to echo one back. */
export const withoutSecrets = (text: string, secrets: ReadonlyArray<string>): string => {
  const scrubbed = scrub(text, secrets)
  // What is not to be seen, and what a path has encoded in part, would hide a secret from the search, and from nobody else.
  const plain = withoutInvisible(scrubbed).replace(/(?:%[0-9a-f]{2})+/gi, decodePercent)
  const again = plain === scrubbed ? plain : scrub(plain, secrets)
  return again === plain ? scrubbed : again
}

const decodePercent = (encoded: string): string => {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}

/** Without zero-width spaces and joiners, soft hyphens, marks of direction and their like. */
export const withoutInvisible = (text: string): string =>
  // Most texts have no character that could be one, which is quicker to see.
  /[\u00ad\u0600-\uffff]/.test(text) ? text.replace(/\p{Cf}+/gu, "") : text

const scrub = (text: string, secrets: ReadonlyArray<string>): string => {
  let scrubbed = text
  for (const secret of secrets) {
    if (secret === "") continue
    for (const form of formsOf(secret)) scrubbed = scrubbed.replaceAll(form, "<redacted>")
  }
  return scrubbed
}

/** What a secret looks like in a text, in a URL, a form, a JSON string (in one, too), a page and an encoded header. */
const formsOf = (secret: string): ReadonlySet<string> => {
  const percent = percentEncoded(secret)
  const json = jsonEscaped(secret)
  const base64url = Base64Url.encodeUtf8(secret)
  return new Set([
    secret,
    percent,
    percent.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()),
    percent.replaceAll("%20", "+").replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`),
    json,
    json.replaceAll("/", "\\/"),
    jsonEscaped(json),
    secret.replace(/[&<>"']/g, (char) => entities[char] ?? char),
    base64url,
    base64url.replaceAll("-", "+").replaceAll("_", "/")
  ])
}

const entities: { readonly [char: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\"": "&quot;",
  "'": "&#39;"
}

const jsonEscaped = (text: string): string => JSON.stringify(text).slice(1, -1)

/** A server may send half of a surrogate pair, which has no percent-encoding. */
const percentEncoded = (text: string): string => {
  try {
    return encodeURIComponent(text)
  } catch {
    return text
  }
}
