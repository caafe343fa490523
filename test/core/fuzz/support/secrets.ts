/** The secrets that fuzz cases put in, and how one is found again in a text. */
import { Redacted } from "effect"

/** With characters that look otherwise once they are encoded. */
export const secrets = {
  initialAccessToken: "iat-Canary/7f+Qz~9.odd_==",
  /** Of the registration that the operations of RFC 7592 work on. */
  clientSecret: "cs-Canary/%+& \"<ü>'9f",
  registrationToken: "rat-Canary%2F+x/9_==",
  /** What answers bring. */
  newSecret: "new-cs-Canary/&+%41 \"ö\"",
  newToken: "new-rat-Canary/%+z=="
} as const

export const initialAccessToken = Redacted.make<string>(secrets.initialAccessToken)

const known = new Map<string, ReadonlyArray<string>>()

/** A secret as it is, and as it looks in a URL, a form, a JSON string, a page, base64 and base64url. */
export const formsOf = (secret: string): ReadonlyArray<string> => {
  const before = known.get(secret)
  if (before !== undefined) return before
  const forms = makeForms(secret)
  // Those of the fixed secrets are asked for in every case.
  if (known.size < 1000) known.set(secret, forms)
  return forms
}

const makeForms = (secret: string): ReadonlyArray<string> => {
  const json = JSON.stringify(secret).slice(1, -1)
  const base64 = Buffer.from(secret).toString("base64").replace(/=+$/, "")
  return [
    ...new Set([
      secret,
      percentEncoded(secret),
      percentEncoded(secret).replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()),
      new URLSearchParams({ s: secret }).toString().slice(2),
      json,
      json.replaceAll("/", "\\/"),
      JSON.stringify(json).slice(1, -1),
      secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")
        .replaceAll("'", "&#39;"),
      base64,
      base64.replaceAll("+", "-").replaceAll("/", "_")
    ])
  ]
}

/** Half of a surrogate pair has no percent-encoding. */
const percentEncoded = (text: string): string => encodeURIComponent(text.replace(/\p{Cs}/gu, "\ufffd"))

/** Every form of every secret, to be put into answers. */
export const allForms: ReadonlyArray<string> = Object.values(secrets).flatMap(formsOf)

/** The strings anywhere inside a value. Not recursive: some values are deep. */
export const stringsIn = (value: unknown): ReadonlyArray<string> => {
  const strings: Array<string> = []
  const open = [value]
  while (open.length > 0) {
    const next = open.pop()
    if (typeof next === "string") strings.push(next)
    else if (typeof next === "object" && next !== null) open.push(...Object.values<unknown>({ ...next }))
  }
  return strings
}

/** The strings inside the members of these names, wherever they stand. */
export const stringsUnder = (value: unknown, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const strings: Array<string> = []
  const open = [value]
  while (open.length > 0) {
    const next = open.pop()
    if (typeof next !== "object" || next === null) continue
    for (const [name, inner] of Object.entries<unknown>({ ...next })) {
      if (names.includes(name)) strings.push(...stringsIn(inner))
      else open.push(inner)
    }
  }
  return strings
}

/** The first of these secrets that a text holds, with what stands before it. */
export const findSecret = (text: string, searched: Iterable<string>): string | undefined => {
  for (const secret of searched) {
    for (const form of formsOf(secret)) {
      const at = text.indexOf(form)
      if (at >= 0) return `${form}, after ${text.slice(Math.max(0, at - 100), at)}`
    }
  }
  return undefined
}
