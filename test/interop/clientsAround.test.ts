/** What an exchange makes of clients that stand around the transport, and send more than they are asked for. */
import { ClientRegistration, DpopSigner } from "@effect-dcr/core"
import { NodeHttpClient } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Tracer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { failsWith } from "../support/failure.ts"
import { eventually, tcpServer } from "../support/nodeServers.ts"
import { once, oneConnection, register } from "../support/oneRegistration.ts"
import { recordSpans } from "../support/recordedSpans.ts"
import { dying, rawServer, registered } from "../support/socketServer.ts"
import { again, changed, moved, outsideOf, registerBy, rewritten, type Wrap } from "../support/wrappedClients.ts"

const refusal = JSON.stringify({ error: "invalid_redirect_uri" })
const refused =
  `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${refusal.length}\r\n\r\n${refusal}`

describe("a client whose last attempt was not sent", () => {
  const cases: ReadonlyArray<{ readonly by: string; readonly wrap: Wrap }> = [
    {
      by: "that tries again",
      wrap: (ours) => HttpClient.make((request) => Effect.retry(ours.execute(request), again))
    },
    {
      by: "that transforms into attempts",
      wrap: (ours) => HttpClient.transform(ours, (sent) => Effect.retry(sent, again))
    },
    {
      by: "that tries again with another request",
      wrap: (ours) => HttpClient.make((request) => Effect.retry(ours.execute(changed(request)), again))
    },
    {
      by: "that tries again with another query",
      wrap: (ours) =>
        HttpClient.make((request) =>
          Effect.retry(ours.execute(HttpClientRequest.setUrlParam(request, "n", "1")), again)
        )
    },
    {
      by: "that goes another way, and tries again",
      wrap: (ours) => HttpClient.transform(HttpClient.mapRequest(ours, moved), (sent) => Effect.retry(sent, again))
    },
    {
      by: "that goes another way, after another request there",
      wrap: (ours) =>
        HttpClient.mapRequestEffect(
          ours,
          (request) => Effect.as(Effect.ignore(ours.execute(changed(moved(request)))), moved(request))
        )
    },
    {
      by: "that tries again at another place",
      wrap: (ours) => HttpClient.make((request) => Effect.retry(ours.execute(moved(request)), again))
    },
    {
      by: "that writes the body anew, and tries again",
      wrap: (ours) => HttpClient.make((request) => Effect.retry(ours.execute(rewritten(request)), again))
    },
    {
      by: "that writes the body anew, and tries again at another place",
      wrap: (ours) =>
        HttpClient.mapRequest(
          HttpClient.make((request) => Effect.retry(ours.execute(moved(request)), again)),
          rewritten
        )
    },
    { by: "that sends without the fiber, and tries again", wrap: outsideOf },
    {
      by: "that writes the body anew, sends without the fiber, and tries again",
      wrap: (ours, other) => HttpClient.mapRequest(outsideOf(ours, other), rewritten)
    },
    {
      by: "that falls back on another",
      wrap: (ours, other) =>
        HttpClient.make((request) => ours.execute(request).pipe(Effect.catch(() => other.execute(request))))
    }
  ]

  it.live.each(cases)(
    "$by, has an outcome that is unknown when the attempt before was",
    ({ wrap }) =>
      Effect.gen(function*() {
        const server = yield* dying
        const { error, reason } = yield* registerBy(wrap, server.origin).pipe(failsWith("OutcomeUnknown"))
        assert.strictEqual(reason.why, "RepeatedSend")
        assert.isFalse(error.isSafeToRepeat)
        assert.strictEqual(server.posts(), 1)
      }).pipe(Effect.provide(Layer.merge(oneConnection, once)))
  )

  it.live.each(cases)("$by, has sent nothing when no attempt was", ({ wrap }) =>
    Effect.gen(function*() {
      const { origin, server } = yield* tcpServer()
      server.close()
      const { error, reason } = yield* registerBy(wrap, origin).pipe(failsWith("Transport"))
      assert.isFalse(reason.sent)
      assert.isTrue(error.isSafeToRepeat)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))
})

describe("a client that tries again by itself", () => {
  const retrying: Wrap = (ours) => HttpClient.transform(ours, (sent) => Effect.retry(sent, again))
  const nonce = "HTTP/1.1 400 Bad Request\r\ndpop-nonce: one\r\ncontent-type: application/json\r\n"
  const demand = JSON.stringify({ error: "use_dpop_nonce" })
  const code = JSON.stringify({ error: "invalid_client_metadata" })

  it.live.each([
    { what: "is told to come back", answer: "HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n" },
    { what: "is limited", answer: "HTTP/1.1 429 Slow\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n" },
    { what: "is asked for a nonce", answer: `${nonce}content-length: ${demand.length}\r\n\r\n${demand}` },
    { what: "is told of another place", answer: "HTTP/1.1 307 Moved\r\nlocation: /new\r\ncontent-length: 0\r\n\r\n" },
    { what: "is refused under a success", answer: `HTTP/1.1 200 OK\r\ncontent-length: ${code.length}\r\n\r\n${code}` },
    { what: "is refused by a failure", answer: `HTTP/1.1 500 Oops\r\ncontent-length: ${code.length}\r\n\r\n${code}` },
    { what: "is not implemented", answer: "HTTP/1.1 501 No\r\ncontent-length: 0\r\n\r\n" },
    { what: "is sent away", answer: "HTTP/1.1 302 Found\r\nlocation: /new\r\ncontent-length: 0\r\n\r\n" }
  ])(
    "and $what, is not repeated by the exchange when its first attempt was lost",
    ({ answer }) =>
      Effect.gen(function*() {
        const server = yield* rawServer((socket, { index }) => {
          if (index === 1) socket.resetAndDestroy()
          else socket.write(index === 2 ? answer : registered("second"))
        })
        const { reason } = yield* registerBy(retrying, server.origin).pipe(failsWith("OutcomeUnknown"))
        assert.strictEqual(reason.why, "RepeatedSend")
        assert.include(answer, ` ${reason.status} `)
        assert.strictEqual(server.posts(), 2)
      }).pipe(Effect.provide(Layer.merge(oneConnection, DpopSigner.layer())))
  )

  const insisting: Wrap = (ours) =>
    HttpClient.make((request) =>
      Effect.flatMap(ours.execute(request), ({ text }) => Effect.andThen(text, ours.execute(request)))
    )
  const warned = JSON.stringify({ client_id: "second", error: "none" })

  it.live("and has a registration at last, gets it although its first attempt was lost", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket, { index }) => {
        if (index === 1) socket.resetAndDestroy()
        else socket.write(`HTTP/1.1 201 Created\r\ncontent-length: ${warned.length}\r\n\r\n${warned}`)
      })
      const { information } = yield* registerBy(retrying, server.origin)
      assert.strictEqual(information.client_id, "second")
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live("and is refused, has an outcome that is unknown when the server failed before", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket, { index }) =>
        socket.write(index === 1 ? "HTTP/1.1 500 Oops\r\ncontent-length: 2\r\n\r\n{}" : refused)
      )
      const { reason } = yield* registerBy(insisting, server.origin).pipe(failsWith("OutcomeUnknown"))
      assert.strictEqual(reason.status, 400)
      assert.strictEqual(server.posts(), 2)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live("over another transport, is not believed about the attempt before", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket, { index }) => {
        if (index === 1) socket.resetAndDestroy()
        else socket.write("HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n")
      })
      const fallingBack: Wrap = (ours, other) =>
        HttpClient.make((request) => ours.execute(request).pipe(Effect.catch(() => other.execute(request))))
      const { reason } = yield* registerBy(fallingBack, server.origin).pipe(failsWith("OutcomeUnknown"))
      assert.strictEqual(reason.status, 302)
      assert.strictEqual(server.posts(), 2)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live("at a place that it was sent to, has an outcome that is unknown", () =>
    Effect.gen(function*() {
      const lost = yield* dying
      const front = yield* rawServer((socket) =>
        socket.write(`HTTP/1.1 307 Moved\r\nlocation: ${lost.origin}/register\r\ncontent-length: 0\r\n\r\n`)
      )
      const following: Wrap = (ours) =>
        HttpClient.followRedirects(HttpClient.make((request) => Effect.retry(ours.execute(request), again)), 3)
      yield* registerBy(following, front.origin).pipe(failsWith("OutcomeUnknown"))
      assert.strictEqual(lost.posts(), 1)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  const renewing: Wrap = (ours) =>
    HttpClient.make((request) =>
      Effect.flatMap(ours.execute(request), (response) =>
        response.status === 401
          ? Effect.andThen(response.text, ours.execute(HttpClientRequest.setHeader(request, "x-token", "new")))
          : Effect.succeed(response))
    )

  it.live("because the server refused, has sent nothing when the next attempt was not sent", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket) => {
        server.server.close()
        socket.end("HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}")
      })
      const { reason } = yield* registerBy(renewing, server.origin).pipe(failsWith("Transport"))
      assert.isFalse(reason.sent)
      assert.strictEqual(server.posts(), 1)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live("because the server failed, has an outcome that is unknown when the next attempt was not sent", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket) => {
        server.server.close()
        socket.end("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}")
      })
      const { reason } = yield* registerBy(insisting, server.origin).pipe(failsWith("OutcomeUnknown"))
      assert.strictEqual(reason.why, "RepeatedSend")
      assert.strictEqual(server.posts(), 1)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live.each([302, 307])("and is redirected once, is told of the redirect: %i", (status) =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket) =>
        socket.write(`HTTP/1.1 ${status} Moved\r\nlocation: /new\r\ncontent-length: 0\r\n\r\n`)
      )
      const { error } = yield* registerBy(retrying, server.origin).pipe(failsWith("RedirectRefused"))
      assert.isFalse(error.mayHaveSucceeded)
      assert.strictEqual(server.posts(), 1)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live("because the server refused, gets what the server says to the next attempt", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket, { index }) =>
        socket.write(
          index === 1
            ? "HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\n{}"
            : refused
        )
      )
      yield* registerBy(renewing, server.origin).pipe(failsWith("InvalidRedirectUri"))
      assert.strictEqual(server.posts(), 2)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))
})

describe("a client that asks something else of the same endpoint", () => {
  it.live("by its query, gets what the server says to the request", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket, { path }) =>
        socket.write(path === "/oauth?do=token" ? "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}" : refused)
      )
      const ours = yield* HttpClient.HttpClient
      const asking = HttpClient.tapRequest(
        ours,
        () => Effect.ignore(Effect.flatMap(ours.post(`${server.origin}/oauth?do=token`), ({ text }) => text))
      )
      yield* ClientRegistration.register(
        { issuer: server.origin, registration_endpoint: `${server.origin}/oauth?do=register` },
        { redirect_uris: ["https://app.example.com/cb"] }
      ).pipe(Effect.provideService(HttpClient.HttpClient, asking), failsWith("InvalidRedirectUri"))
      assert.strictEqual(server.posts(), 2)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live("by a query that is hidden in a query, is told that an attempt before was sent", () =>
    Effect.gen(function*() {
      const server = yield* dying
      const ours = yield* HttpClient.HttpClient
      const insisting = HttpClient.make((request) =>
        Effect.retry(ours.execute(HttpClientRequest.setUrlParam(request, "n", "1")), again)
      )
      yield* ClientRegistration.register(
        { issuer: server.origin, registration_endpoint: `${server.origin}/register?a=b?c` },
        { redirect_uris: ["https://app.example.com/cb"] }
      ).pipe(Effect.provideService(HttpClient.HttpClient, insisting), failsWith("OutcomeUnknown"))
      assert.strictEqual(server.posts(), 1)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live.each([302, 303, 308])(
    "by a redirect that it follows, is told of the redirect: %i",
    (status) =>
      Effect.gen(function*() {
        const redirect = `HTTP/1.1 ${status} Moved\r\nlocation: /register?n=1\r\ncontent-length: 0\r\n\r\n`
        const server = yield* rawServer((socket, { index }) => socket.write(index === 1 ? redirect : refused))
        const following: Wrap = (ours) => HttpClient.followRedirects(ours, 3)
        yield* registerBy(following, server.origin).pipe(failsWith("RedirectRefused"))
        assert.lengthOf(server.requests, 2)
      }).pipe(Effect.provide(Layer.merge(oneConnection, once)))
  )
})

describe("a client that reads before it writes", () => {
  const reading: Wrap = (ours) => HttpClient.tapRequest(ours, ({ url }) => Effect.ignore(ours.get(url)))

  it.live("has sent nothing when the request itself was not sent", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket) => {
        server.server.close()
        socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
      })
      const { reason } = yield* registerBy(reading, server.origin).pipe(failsWith("Transport"))
      assert.isFalse(reason.sent)
      assert.lengthOf(server.requests, 1)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))
})

describe("a client that sends while it prepares the request", () => {
  const yielding = Effect.sleep(5)
  const mirrored: ReadonlyArray<
    { readonly how: string; readonly wrap: Wrap; readonly livesOn: boolean }
  > = [
    {
      how: "and waits for it",
      // given up with the request itself
      livesOn: false,
      wrap: (ours) => HttpClient.tapRequest(ours, (request) => Effect.ignore(ours.execute(request)))
    },
    {
      how: "and waits for it before all else",
      livesOn: false,
      wrap: (ours) =>
        HttpClient.mapRequestInputEffect(ours, (request) => Effect.as(Effect.ignore(ours.execute(request)), request))
    },
    {
      how: "in another fiber",
      livesOn: true,
      wrap: (ours) =>
        HttpClient.tapRequest(ours, (request) => Effect.forkDetach(ours.execute(request), { startImmediately: true }))
    },
    {
      how: "in another fiber that is first",
      livesOn: true,
      wrap: (ours) =>
        HttpClient.tapRequest(ours, (request) => Effect.andThen(Effect.forkDetach(ours.execute(request)), yielding))
    }
  ]

  it.live.each(mirrored)("$how, has an outcome that is unknown", ({ wrap }) =>
    Effect.gen(function*() {
      const server = yield* rawServer(() => {})
      const { reason } = yield* registerBy(wrap, server.origin, { deadline: 80 }).pipe(failsWith("OutcomeUnknown"))
      assert.strictEqual(reason.why, "Deadline")
      assert.strictEqual(server.posts(), 1)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live.each(mirrored)(
    "$how, knows while all waits whether it is given up as a whole",
    ({ livesOn, wrap }) =>
      Effect.gen(function*() {
        const server = yield* rawServer((socket, { index }) => {
          if (index === 1) setTimeout(() => socket.write(registered("first")), 150)
        })
        yield* Effect.forkChild(register(server.origin))
        yield* eventually(() => server.posts() === 1, "the first request arrives")
        const late = registerBy(wrap, server.origin, { deadline: 80 })
        if (livesOn) {
          yield* failsWith("OutcomeUnknown")(late)
          yield* eventually(() => server.posts() === 2, "what waited is sent")
        } else {
          const { reason } = yield* failsWith("Transport")(late)
          assert.isFalse(reason.sent)
          yield* Effect.sleep(150)
          assert.strictEqual(server.posts(), 1)
        }
      }).pipe(Effect.provide(Layer.merge(oneConnection, once)))
  )
})

describe("a client that changes the way", () => {
  it.live("has sent nothing when the request itself was not sent, whatever it asked elsewhere", () =>
    Effect.gen(function*() {
      const tokens = yield* rawServer((socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"))
      const { origin, server } = yield* tcpServer()
      server.close()
      const asking: Wrap = (ours) =>
        HttpClient.tapRequest(
          HttpClient.mapRequest(ours, moved),
          () => Effect.ignore(Effect.flatMap(ours.post(`${tokens.origin}/token`), ({ text }) => text))
        )
      const { reason } = yield* registerBy(asking, origin).pipe(failsWith("Transport"))
      assert.isFalse(reason.sent)
      assert.strictEqual(tokens.posts(), 1)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live("has sent nothing when it is given up in the queue", () =>
    Effect.gen(function*() {
      const server = yield* rawServer(() => {})
      yield* Effect.forkChild(register(server.origin))
      yield* eventually(() => server.posts() === 1, "the first request arrives")
      const moving: Wrap = (ours) => HttpClient.mapRequest(ours, moved)
      const { reason } = yield* registerBy(moving, server.origin, { deadline: 50 }).pipe(failsWith("Transport"))
      assert.isFalse(reason.sent)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))
})

describe("a client that changes the way, and mirrors what it sends", () => {
  it.live("has an outcome that is unknown while the request itself waits", () =>
    Effect.gen(function*() {
      const server = yield* rawServer(() => {})
      const mirroring: Wrap = (ours) =>
        HttpClient.tapRequest(
          HttpClient.mapRequest(ours, moved),
          (request) =>
            Effect.forkDetach(ours.execute(HttpClientRequest.setHeader(request, "x-mirrored", "1")), {
              startImmediately: true
            })
        )
      yield* registerBy(mirroring, server.origin, { deadline: 200 }).pipe(failsWith("OutcomeUnknown"))
      assert.strictEqual(server.posts(), 1)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))
})

describe("a client whose copy waits in the queue", () => {
  const occupied = Effect.gen(function*() {
    const server = yield* rawServer(() => {})
    yield* Effect.forkChild(register(server.origin))
    yield* eventually(() => server.posts() === 1, "the first request arrives")
    return server
  })

  it.live("has an outcome that is unknown when the request was not sent", () =>
    Effect.gen(function*() {
      const server = yield* occupied
      // what is connected stays so
      server.server.close()
      const own = yield* NodeHttpClient.make()
      const mirroring: Wrap = (ours) =>
        HttpClient.tapRequest(own, (request) => Effect.forkDetach(ours.execute(request), { startImmediately: true }))
      const { reason } = yield* registerBy(mirroring, server.origin).pipe(failsWith("OutcomeUnknown"))
      assert.strictEqual(reason.why, "RepeatedSend")
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live("sent without the fiber, has an outcome that is unknown at the deadline", () =>
    Effect.gen(function*() {
      const server = yield* occupied
      const mirroring: Wrap = (ours) =>
        HttpClient.tapRequest(ours, (request) => Effect.sync(() => void Effect.runFork(ours.execute(request))))
      const { reason } = yield* registerBy(mirroring, server.origin, { deadline: 50 }).pipe(failsWith("OutcomeUnknown"))
      assert.strictEqual(reason.why, "Deadline")
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))
})

describe("a client around the transport", () => {
  it.live("that follows redirects lets go of an answer that it does not read", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket, { path }) =>
        socket.write(
          path === "/register"
            ? "HTTP/1.1 302 Found\r\nlocation: /next\r\ncontent-length: 1000000\r\n\r\nunending"
            : registered("next")
        )
      )
      const following: Wrap = (ours) => HttpClient.followRedirects(ours, 3)
      yield* registerBy(following, server.origin).pipe(failsWith("RedirectRefused"))
      // there is one connection, and it is free
      const next = yield* Effect.timeout(HttpClient.get(`${server.origin}/other`), "2 seconds")
      assert.strictEqual(next.status, 201)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live("that brings a tracer shows it no query", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket) => socket.write(registered("client")))
      const { spans, tracer } = recordSpans()
      // what it sets is taken apart
      const traced = HttpClient.transformResponse(
        HttpClient.mapRequest(
          yield* HttpClient.HttpClient,
          (request) => HttpClientRequest.setUrl(request, new URL(request.url))
        ),
        Effect.provideService(Tracer.Tracer, tracer)
      )
      yield* ClientRegistration.register(
        { issuer: server.origin, registration_endpoint: `${server.origin}/register?token=8_secret_8` },
        { redirect_uris: ["https://app.example.com/cb"] }
      ).pipe(Effect.provideService(HttpClient.HttpClient, traced), Effect.exit)
      assert.strictEqual(server.posts(), 1)
      const shown = spans.flatMap(({ attributes, name }) => [name, ...attributes.values()])
      assert.notInclude(shown.join(), "8_secret_8")
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live.each([
    { who: "ours", transport: oneConnection },
    { who: "fetch", transport: FetchHttpClient.layer }
  ])("that brings a tracer gets the span of $who", ({ transport }) =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket) => socket.write(registered("client")))
      const { spans, tracer } = recordSpans()
      const traced: Wrap = (ours) => HttpClient.transformResponse(ours, Effect.provideService(Tracer.Tracer, tracer))
      yield* registerBy(traced, server.origin)
      assert.deepStrictEqual(spans.map(({ name }) => name), ["POST"])
    }).pipe(Effect.provide(Layer.merge(transport, once))))
})
