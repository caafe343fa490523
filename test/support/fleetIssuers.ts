/**
 * An authorization server in a process of its own, which answers for as many issuers as are asked for, each below a path, and
 * counts. Its first line on standard input are its options, as JSON; each line after that is a question.
 *
 * ```
 * node fleetIssuers.ts    its origin; "count": how many registrations were asked for; "clients": the name and id of each client
 * ```
 */
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import { createInterface } from "node:readline"
import { startChild } from "./childPrograms.ts"
import { unchecked } from "./unchecked.ts"

export interface IssuersOptions {
  /** How long it thinks before and after it acts, in milliseconds. Default: 0. */
  readonly pause?: number
  readonly rotateSecret?: "update"
  /** How many registrations an issuer takes in a window, in milliseconds. */
  readonly rateLimit?: { readonly limit: number; readonly window: number }
}

export interface Counted {
  /** How many deletions were asked for. */
  readonly removals: number
  readonly posts: number
  /** When the first and the last registration of each issuer arrived, in milliseconds since the epoch. */
  readonly issuers: Readonly<Record<string, { readonly posts: number; readonly first: number; readonly last: number }>>
}

export type ClientList = ReadonlyArray<readonly [name: string, clientId: string]>

/** Starts one. Its issuers are `${origin}/as-0`, `${origin}/as-1`, ... */
export const startIssuers = (options: IssuersOptions = {}) =>
  Effect.gen(function*() {
    const child = yield* startChild("fleetIssuers.ts", [])
    yield* child.write(JSON.stringify(options))
    const origin = yield* child.line
    const ask = <A>(question: string) =>
      Effect.andThen(
        child.write(question),
        Effect.map(child.line, (answer) => unchecked<A>(JSON.parse(answer)))
      )
    return {
      origin,
      issuers: (count: number) => Array.from({ length: count }, (_, index) => `${origin}/as-${index}`),
      count: ask<Counted>("count"),
      clients: ask<ClientList>("clients")
    }
  })

const serve = (options: IssuersOptions, questions: AsyncIterator<string>) =>
  Effect.gen(function*() {
    const server = Context.get(
      yield* Layer.build(TestAuthorizationServer.layer({
        recordedRequests: 1,
        ...(options.rotateSecret === undefined ? undefined : { rotateSecret: options.rotateSecret }),
        ...(options.rateLimit === undefined ? undefined : { rateLimit: options.rateLimit })
      })),
      TestAuthorizationServer.TestAuthorizationServer
    )
    const http = yield* NodeHttpServer.make(() => createServer(), { port: 0, host: "127.0.0.1" })
    const pause = Effect.sleep(options.pause ?? 0)
    let posts = 0
    let removals = 0
    const issuers = new Map<string, { posts: number; first: number; last: number }>()
    const count = Effect.map(HttpServerRequest.HttpServerRequest, ({ method, url }) => {
      if (method === "DELETE") removals++
      if (method !== "POST") return
      posts++
      const issuer = url.split("/")[1] ?? ""
      const now = Date.now()
      const known = issuers.get(issuer)
      issuers.set(issuer, { posts: (known?.posts ?? 0) + 1, first: known?.first ?? now, last: now })
    })
    yield* http.serve(Effect.andThen(Effect.andThen(count, pause), Effect.tap(server.app, () => pause)))
    console.log(`http://127.0.0.1:${"port" in http.address ? http.address.port : 0}`)
    for (;;) {
      const question = yield* Effect.promise(() => questions.next())
      if (question.done === true) return
      if (question.value === "count") {
        console.log(JSON.stringify({ posts, removals, issuers: Object.fromEntries(issuers) } satisfies Counted))
      } else {
        const clients = yield* server.clients
        console.log(
          JSON.stringify(clients.map(({ clientId, metadata }) => [String(metadata["client_name"]), clientId] as const))
        )
      }
    }
  }).pipe(Effect.scoped)

if (import.meta.main) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const options = unchecked<IssuersOptions>(JSON.parse(String((await lines.next()).value)))
  await Effect.runPromise(serve(options, lines))
  process.exit()
}
