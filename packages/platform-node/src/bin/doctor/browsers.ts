/**
 * Whether a page of another origin can register: what a browser asks before it sends (CORS, Fetch §3.2).
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { bad, good, note } from "./findings.ts"
import type { Chapter, Finding } from "./report.ts"

const origin = "https://client.example"

/** Whether a page of that origin may read, or send, what it wants to. */
const isAllowed = (value: string | undefined, wanted: string): boolean =>
  value !== undefined && value.split(",").some((item) => ["*", wanted].includes(item.trim().toLowerCase()))

const ask = (method: "GET" | "OPTIONS", url: string, headers: { readonly [name: string]: string }) =>
  HttpClient.execute(HttpClientRequest.make(method)(url, { headers: { origin, ...headers } })).pipe(
    Effect.map(({ headers, status }) => ({ headers, status })),
    Effect.timeoutOption("10 seconds"),
    Effect.scoped,
    Effect.map((found) => found._tag === "Some" ? found.value : undefined),
    Effect.orElseSucceed(() => undefined)
  )

export const examineBrowsers = Effect.fnUntraced(function*(metadataUrl: string, endpoint: string) {
  const findings: Array<Finding> = []
  const metadata = yield* ask("GET", metadataUrl, {})
  findings.push(
    isAllowed(metadata?.headers["access-control-allow-origin"], origin)
      ? good("metadata for pages", "any page may read it")
      : note("metadata for pages", "pages of other origins may not read it")
  )
  const preflight = yield* ask("OPTIONS", endpoint, {
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type, dpop"
  })
  const seen = (name: string): string | undefined => preflight?.headers[`access-control-${name}`]
  if (preflight === undefined) findings.push(bad("preflight", "no answer"))
  else if (!isAllowed(seen("allow-origin"), origin)) {
    findings.push(
      note("preflight", `${preflight.status}, and it allows no other origin (CORS): web pages cannot register here`)
    )
  } else {
    findings.push(good("preflight", `${preflight.status}, other origins may register`))
    for (const header of ["content-type", "dpop"]) {
      findings.push(
        isAllowed(seen("allow-headers"), header)
          ? good(`header ${header}`, "may be sent by pages")
          : bad(`header ${header}`, "may not be sent by pages")
      )
    }
  }
  return { title: "Browsers", findings } satisfies Chapter
})
