/** Where the browser comes back to an application on this machine (RFC 8252 §7.3). */
import { Data, Deferred, Effect, type Scope } from "effect"
import { createServer } from "node:http"

/** Somebody else listens there. */
export class PortTaken extends Data.TaggedError("PortTaken")<{ readonly message: string }> {}

export interface LoopbackRedirect {
  /** With the port of this run. A server takes any port for a loopback URI that is registered without one. */
  readonly redirectUri: string
  /** The URL that the browser came back to, with the code in it. */
  readonly callback: Effect.Effect<URL>
}

/** What to register: the port is another one each time. */
export const registeredRedirectUri = "http://127.0.0.1/callback"

/** Listens for as long as the scope lasts, on a port of the system's choice if none is given. */
export const loopbackRedirect = Effect.fnUntraced(function*(
  port: number = 0
): Effect.fn.Return<LoopbackRedirect, PortTaken, Scope.Scope> {
  const came = yield* Deferred.make<URL>()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", `http://${request.headers.host ?? "127.0.0.1"}`)
    if (url.pathname !== "/callback") return void response.writeHead(404).end()
    Deferred.doneUnsafe(came, Effect.succeed(url))
    response.writeHead(200, { "content-type": "text/plain", connection: "close" }).end("You may close this window.\n")
  })
  const listening = yield* Effect.acquireRelease(
    Effect.callback<number, PortTaken>((resume) => {
      server.once("error", () => resume(Effect.fail(new PortTaken({ message: `The port ${port} is taken` }))))
      server.listen(port, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
      })
    }),
    () => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
  )
  return { redirectUri: `http://127.0.0.1:${listening}/callback`, callback: Deferred.await(came) }
})
