/**
 * `node examples/web-page/start.ts`: an authorization server on this machine, and the page. Ctrl-C ends both.
 *
 * Only this file knows Node: the page needs a bundler, here Vite without any configuration.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect } from "effect"
import { createServer } from "vite"
import { authorizationServer } from "../support/authorizationServer.ts"

const page = Effect.acquireRelease(
  Effect.promise(async () => {
    const server = await createServer({
      root: import.meta.dirname,
      configFile: false,
      logLevel: "warn",
      server: { host: "127.0.0.1", port: 0, strictPort: true }
    })
    return server.listen()
  }),
  (server) => Effect.promise(() => server.close())
)

const program = Effect.gen(function*() {
  const issuer = yield* authorizationServer
  const { resolvedUrls } = yield* page
  const url = new URL(resolvedUrls?.local[0] ?? "")
  url.searchParams.set("issuer", issuer)
  yield* Console.log(`The page: ${url.href}\nCtrl-C ends it.`)
  yield* Effect.never
}).pipe(Effect.scoped)

if (import.meta.main) NodeRuntime.runMain(program)
