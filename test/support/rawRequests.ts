/** Requests to a `TestAuthorizationServer` that our own client would never send. */
import type { ClientMetadata } from "@effect-dcr/core"
import { Effect } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"

const issuer = "https://op.example.com"

export interface Raw {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE" | "PATCH" | "HEAD"
  readonly url?: string
  readonly headers?: Record<string, string>
  readonly json?: unknown
  readonly text?: string
}

export const raw = Effect.fnUntraced(function*({ headers = {}, json, method = "POST", text, url = "/register" }: Raw) {
  const client = yield* HttpClient.HttpClient
  const body = text ?? (json === undefined ? undefined : JSON.stringify(json))
  const request = HttpClientRequest.make(method)(URL.canParse(url) ? url : issuer + url)
  const response = yield* client.execute(
    (body === undefined ? request : HttpClientRequest.bodyText(request, body, "application/json")).pipe(
      HttpClientRequest.setHeaders(headers)
    )
  )
  const answer = yield* response.text
  const members: unknown = answer === "" ? undefined : JSON.parse(answer)
  return { status: response.status, headers: response.headers, members: isObject(members) ? members : {} }
})

/** The answer's status and error, or the code of the connection's failure. */
export const verdict = (request: Raw) =>
  raw(request).pipe(
    Effect.map(({ headers, members, status }) => {
      const challenge = headers["www-authenticate"]
      return [status, members["error"], ...(challenge === undefined ? [] : [challenge.split(" ")[0]])]
    }),
    Effect.catch((error) => Effect.succeed([String(error.reason.cause)]))
  )

export const registered = (metadata: ClientMetadata.ClientMetadata) =>
  Effect.gen(function*() {
    const { members } = yield* raw({ json: metadata })
    return {
      ...members,
      id: String(members["client_id"]),
      secret: String(members["client_secret"]),
      token: String(members["registration_access_token"]),
      uri: String(members["registration_client_uri"])
    }
  })

export const basic = (id: string, secret: string) =>
  `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`

export const askToken = (headers: Record<string, string>, form: Record<string, string> = {}) =>
  verdict({
    url: "/token",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    text: new URLSearchParams({ grant_type: "client_credentials", ...form }).toString()
  })

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null
