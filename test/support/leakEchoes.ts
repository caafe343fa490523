/** Servers that repeat what they were sent, and what they issue, wherever an answer has room for it. */
import { Effect } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"

// -----------------------------------------------------------------------------
// what is repeated
// -----------------------------------------------------------------------------

/** What such a server issues. */
export const issued = {
  client_secret: "new-cs-canary/%+& \"<>'41",
  registration_access_token: "new-rat-canary/%2F+z=="
} as const

/** A text in the spellings that servers give it. */
export const spellings = {
  plain: (text: string) => text,
  "percent-encoded": (text: string) => encodeURIComponent(text),
  "percent-encoded, lower case": (text: string) =>
    encodeURIComponent(text).replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()),
  "form-encoded": (text: string) => new URLSearchParams({ s: text }).toString().slice(2),
  "JSON-escaped": (text: string) => JSON.stringify(text).slice(1, -1),
  "JSON-escaped twice": (text: string) => JSON.stringify(JSON.stringify(text).slice(1, -1)).slice(1, -1),
  "HTML": (text: string) =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")
      .replaceAll("'", "&#39;"),
  base64: (text: string) => Buffer.from(text).toString("base64"),
  base64url: (text: string) => Buffer.from(text).toString("base64url")
} as const

export type Spelling = keyof typeof spellings

const isSpelling = (name: string): name is Spelling => Object.hasOwn(spellings, name)

export const spellingNames: ReadonlyArray<Spelling> = Object.keys(spellings).filter(isSpelling)

// -----------------------------------------------------------------------------
// where it is repeated
// -----------------------------------------------------------------------------

/** A part of an answer: members of its body or another body, headers, the URL that it says it came from. */
interface Part {
  readonly members?: { readonly [name: string]: unknown }
  readonly body?: string
  readonly headers?: { readonly [name: string]: string }
  readonly url?: string
}

const page = (text: string) => `<!doctype html><html><body><p>${text}</p></body></html>`

/** Every place of an answer, by what is put there. */
export const places = {
  "error_description": (text) => ({ members: { error: "invalid_client_metadata", error_description: `got ${text}` } }),
  "a list of descriptions": (text) => ({ members: { error: "invalid_request", error_description: ["got", text] } }),
  "a description that is an object": (text) => ({ members: { error: "x", error_description: { got: text } } }),
  "error": (text) => ({ members: { error: text } }),
  "an error that is an object": (text) => ({ members: { error: { message: text, code: text } } }),
  "error_uri": (text) => ({ members: { error: "invalid_request", error_uri: `https://op.example/why?t=${text}` } }),
  "message": (text) => ({ members: { message: `no: ${text}` } }),
  "detail and code": (text) => ({ members: { detail: text, code: text } }),
  "declared strings": (text) => ({
    members: { client_name: text, "client_name#fr": text, client_uri: text, scope: text }
  }),
  "declared lists": (text) => ({ members: { contacts: [text], redirect_uris: ["https://a.example/", text] } }),
  "strings in place of lists": (text) => ({ members: { grant_types: text, response_types: text, contacts: text } }),
  "lists in place of strings": (text) => ({ members: { scope: [text, "openid"], client_name: [text] } }),
  "objects in place of strings": (text) => ({ members: { client_uri: { text }, logo_uri: { [text]: 1 } } }),
  "numbers and booleans": (text) => ({
    members: { client_id_issued_at: text, default_max_age: text, require_auth_time: text }
  }),
  "objects": (text) => ({
    members: { jwks: { keys: [{ kty: text, [text]: text }] }, vp_formats_supported: { [text]: text } }
  }),
  "names": (text) => ({ members: { [text]: 1, [`client_name#${text}`]: "x", [`tos_uri#${text}`]: null } }),
  "members of the vendor": (text) => ({ members: { vendor: text, deep: { list: [{ text }] } } }),
  "secrets of the wrong type": (text) => ({ members: { client_secret: [text], registration_access_token: { text } } }),
  "the software statement": (text) => ({ members: { software_statement: text } }),
  "a challenge": (text) => ({
    members: {},
    headers: { "www-authenticate": `Bearer realm="${text}", error="invalid_token", error_description="got ${text}"` }
  }),
  "an unquoted challenge": (text) => ({
    members: {},
    headers: {
      "www-authenticate": `DPoP error=${text}, Bearer ${text}, ${text} x=y, Basic ${text}=z, Bearer error="${text}`
    }
  }),
  "a redirect": (text) => ({
    body: "",
    headers: { location: `https://u:${text}@else.example/${text}?t=${text}#${text}` }
  }),
  "a relative redirect": (text) => ({ body: "", headers: { location: `/${text}/x` } }),
  "another URL": (text) => ({
    members: {},
    url: `https://else.example/${encodeURI(text)}?t=${encodeURIComponent(text)}`
  }),
  "a page": (text) => ({ body: page(text) }),
  "a text": (text) => ({ body: `got ${text} and no more` }),
  "a text of JSON": (text) => ({ body: JSON.stringify(`got ${text}`) }),
  "a list": (text) => ({ body: JSON.stringify([text, { client_secret: text }]) }),
  "JSON that is cut off": (text) => ({ body: `{"registration_access_token":"${text}","client_secret":"${text}` }),
  "XML": (text) => ({ body: `<?xml version="1.0"?><error>${text}</error>` }),
  "a form": (text) => ({ body: `error=invalid_request&error_description=${text}` }),
  "a nonce": (text) => ({
    members: { error: "use_dpop_nonce", error_description: text },
    headers: { "dpop-nonce": text }
  }),
  "any header": (text) => ({
    members: {},
    headers: {
      "x-echo": text,
      "retry-after": text,
      "set-cookie": `s=${text}`,
      "content-type": `application/json; x="${text}"`,
      "cache-control": text,
      allow: text,
      link: `<https://op.example/${text}>; rel="x"`,
      server: text
    }
  })
} as const satisfies { readonly [place: string]: (text: string) => Part }

export type Place = keyof typeof places

const isPlace = (name: string): name is Place => Object.hasOwn(places, name)

export const placeNames: ReadonlyArray<Place> = Object.keys(places).filter(isPlace)

/** The statuses under which it is tried. */
export const statuses = [201, 302, 400, 401, 404, 429, 500] as const

// -----------------------------------------------------------------------------
// the server
// -----------------------------------------------------------------------------

/** What a request told: its token, and its client secret where it has one. */
const toldBy = (headers: { readonly [name: string]: string }, body: string): ReadonlyArray<string> => {
  const token = headers["authorization"]?.replace(/^\S+ /, "")
  const parsed: unknown = body === "" ? undefined : JSON.parse(body)
  const secret: unknown = typeof parsed === "object" && parsed !== null
    ? Reflect.get(parsed, "client_secret")
    : undefined
  return [token, secret].filter((told) => typeof told === "string")
}

/** A client of a server that answers every request alike. `told` collects what it was told. */
export const echoingClient = (
  status: number,
  place: Place,
  spelling: Spelling,
  told: Set<string>
): HttpClient.HttpClient =>
  HttpClient.make((request) =>
    Effect.sync(() => {
      const sent = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
      const asked = toldBy(request.headers, sent)
      const put = (secrets: ReadonlyArray<string>): Part => places[place](secrets.map(spellings[spelling]).join(" "))
      const { body, url } = put(asked)
      // Of what the server issues nobody can know that it is a secret, unless it stands in its own member of a body that is read.
      const known = body === undefined && url === undefined && status !== 302
        ? [...asked, ...Object.values(issued)]
        : asked
      for (const secret of known) told.add(secret)
      const { headers, members } = put(known)
      const answer = body ?? JSON.stringify({
        ...(status === 201
          ? { client_id: "c1", client_secret_expires_at: 0, registration_client_uri: "https://op.example/register/c1" }
          : undefined),
        // A refusal that brings what only a success should.
        ...issued,
        ...members
      })
      const response = new Response(answer, {
        status,
        headers: Object.entries({ "content-type": "application/json", "cache-control": "no-store", ...headers })
          .map(([name, value]): [string, string] => [name, value.replace(/[^\t\x20-\x7e]/g, "")])
      })
      if (url !== undefined) Object.defineProperty(response, "url", { value: url })
      return HttpClientResponse.fromWeb(request, response)
    })
  )
