import { NodeHttpClient } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { HttpClientError } from "effect/http"
import { HttpClientRequest } from "effect/http"
import * as Crypto from "node:crypto"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { inspect } from "node:util"
import { encryptKey, makeAuthority, makeCertificate } from "../support/nodeCertificates.ts"
import { bodyOf, eventually, httpServer, httpsServer, tcpServer } from "../support/nodeServers.ts"

const post = (url: string, options?: NodeHttpClient.Options) =>
  Effect.scoped(Effect.gen(function*() {
    const client = yield* NodeHttpClient.make(options)
    const response = yield* client.execute(HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post(url), { a: 1 }))
    return yield* response.text
  }))

const failure = (url: string, options?: NodeHttpClient.Options) =>
  Effect.map(Effect.flip(post(url, options)), (error: HttpClientError.HttpClientError) => error.reason)

/** The code of a failure that is known not to have been sent. */
const notSent = (url: string, options?: NodeHttpClient.Options) =>
  Effect.map(failure(url, options), (reason) => {
    assert.strictEqual(reason._tag, "TransportError")
    assert.instanceOf(reason.cause, NodeHttpClient.NotSent)
    return reason.cause instanceof NodeHttpClient.NotSent ? reason.cause.code : undefined
  })

const answers = (address: string): Net.LookupFunction => (_hostname, _options, callback) =>
  callback(null, [{ address, family: Net.isIPv6(address) ? 6 : 4 }])

/** A port on which nobody listens. */
const closedPort = Effect.scoped(Effect.map(tcpServer(), ({ port }) => port))

describe("NodeHttpClient: what is known not to have been sent", () => {
  it.live("no such name, nobody there, no connection in time", () =>
    Effect.gen(function*() {
      const port = yield* closedPort
      assert.strictEqual(yield* notSent(`http://127.0.0.1:${port}/`), "ECONNREFUSED")
      assert.strictEqual(yield* notSent("http://does-not-exist.invalid/"), "ENOTFOUND")
      assert.strictEqual(
        yield* notSent("http://a.test/", {
          lookup: (_hostname, _options, callback) =>
            callback(Object.assign(new Error("later"), { code: "EAI_AGAIN" }), [])
        }),
        "EAI_AGAIN"
      )
      assert.strictEqual(
        yield* notSent("http://slow.test/", { lookup: () => {}, connectTimeout: 30 }),
        "UND_ERR_CONNECT_TIMEOUT"
      )
      // every address of a name is tried
      const several = yield* failure(`http://several.test:${port}/`, {
        lookup: (_hostname, _options, callback) =>
          callback(null, [{ address: "127.0.0.1", family: 4 }, { address: "127.0.0.2", family: 4 }])
      })
      assert.propertyVal(several.cause, "code", "ECONNREFUSED")
    }))

  it.live("a TLS handshake that does not succeed", () =>
    Effect.gen(function*() {
      const authority = makeAuthority("Test CA")
      const ca = authority.cert
      const lookup = answers("127.0.0.1")
      const serve = (certificate: Tls.SecureContextOptions) =>
        httpsServer(certificate, (_request, response) => response.end("ok"))

      const good = yield* serve(makeCertificate({ commonName: "a", altNames: ["a.test"], authority }))
      assert.strictEqual(yield* post(`https://a.test:${good.port}/`, { tls: { ca }, lookup }), "ok")
      assert.strictEqual(
        yield* notSent(`https://b.test:${good.port}/`, { tls: { ca }, lookup }),
        "ERR_TLS_CERT_ALTNAME_INVALID"
      )
      // a literal address is looked for among the addresses of the certificate
      assert.strictEqual(yield* notSent(good.origin, { tls: { ca } }), "ERR_TLS_CERT_ALTNAME_INVALID")
      assert.strictEqual(yield* post(good.origin, { tls: { ca, servername: "a.test" } }), "ok")
      const literal = yield* serve(makeCertificate({ commonName: "a", altNames: ["127.0.0.1"], authority }))
      assert.strictEqual(yield* post(literal.origin, { tls: { ca } }), "ok")
      // without the authority
      assert.strictEqual(yield* notSent(literal.origin), "UNABLE_TO_VERIFY_LEAF_SIGNATURE")
      const selfSigned = yield* serve(makeCertificate({ commonName: "a", altNames: ["127.0.0.1"] }))
      assert.strictEqual(yield* notSent(selfSigned.origin), "DEPTH_ZERO_SELF_SIGNED_CERT")
      const expired = yield* serve(makeCertificate({ commonName: "a", altNames: ["127.0.0.1"], authority, days: -1 }))
      assert.strictEqual(yield* notSent(expired.origin, { tls: { ca } }), "CERT_HAS_EXPIRED")

      const plain = yield* httpServer((_request, response) => response.end("ok"))
      assert.match(String(yield* notSent(`https://127.0.0.1:${plain.port}/`)), /^(EPROTO|ERR_SSL_|ECONNRESET)/)
      const closes = yield* tcpServer((socket) => socket.once("data", () => socket.destroy()))
      assert.strictEqual(yield* notSent(`https://127.0.0.1:${closes.port}/`), "ECONNRESET")
      const resets = yield* tcpServer((socket) => socket.once("data", () => socket.resetAndDestroy()))
      assert.strictEqual(yield* notSent(`https://127.0.0.1:${resets.port}/`), "ECONNRESET")
      const silent = yield* tcpServer()
      assert.strictEqual(
        yield* notSent(`https://127.0.0.1:${silent.port}/`, { connectTimeout: 50 }),
        "UND_ERR_CONNECT_TIMEOUT"
      )
      yield* eventually(() => silent.open() === 0, "the connection is closed")
    }))

  it.live("a header that HTTP does not allow", () =>
    Effect.gen(function*() {
      const server = yield* tcpServer()
      const reason = yield* Effect.scoped(Effect.gen(function*() {
        const client = yield* NodeHttpClient.make()
        const request = HttpClientRequest.setHeader(
          HttpClientRequest.get(server.origin),
          "authorization",
          "Bearer s3cret\n"
        )
        return yield* Effect.flip(client.execute(request))
      }))
      assert.instanceOf(reason.cause, NodeHttpClient.NotSent)
      assert.notInclude(inspect(reason.cause, { depth: 9 }), "s3cret")
      assert.strictEqual(server.bytes(), 0)
    }))
})

describe("NodeHttpClient: what may have been processed", () => {
  const unknown = (url: string, options?: NodeHttpClient.Options) =>
    Effect.map(failure(url, options), (reason) => {
      assert.strictEqual(reason._tag, "TransportError")
      assert.notInstanceOf(reason.cause, NodeHttpClient.NotSent)
      return reason.cause
    })

  it.live("a connection that breaks after the request was written", () =>
    Effect.gen(function*() {
      const resets = yield* tcpServer((socket) => socket.once("data", () => socket.resetAndDestroy()))
      assert.propertyVal(yield* unknown(resets.origin), "code", "ECONNRESET")
      const closes = yield* tcpServer((socket) => socket.once("data", () => socket.end()))
      assert.propertyVal(yield* unknown(closes.origin), "code", "UND_ERR_SOCKET")
      const halfHead = yield* tcpServer((socket) => socket.once("data", () => socket.end("HTTP/1.1 201 Cre")))
      assert.instanceOf(yield* unknown(halfHead.origin), Error)
      const notHttp = yield* tcpServer((socket) => socket.once("data", () => socket.end("SSH-2.0-OpenSSH\r\n")))
      assert.instanceOf(yield* unknown(notHttp.origin), Error)
    }))

  it.live("a TLS connection into which somebody on the way writes, and it ends", () =>
    Effect.gen(function*() {
      const authority = makeAuthority("Test CA")
      const certificate = makeCertificate({ commonName: "a", altNames: ["127.0.0.1"], authority })
      let interfere = () => {}
      const server = yield* httpsServer(certificate, () => interfere())
      const relay = yield* tcpServer((socket) => {
        const behind = Net.connect(server.port, "127.0.0.1")
        socket.on("error", () => behind.destroy()).on("close", () => behind.destroy()).pipe(behind)
        behind.on("error", () => socket.destroy()).pipe(socket, { end: false })
        interfere = () => socket.write("no record of TLS, but junk")
      })
      const reason = yield* failure(`https://127.0.0.1:${relay.port}/`, { tls: { ca: authority.cert } }).pipe(
        Effect.timeout("5 seconds")
      )
      assert.strictEqual(reason._tag, "TransportError")
      assert.notInstanceOf(reason.cause, NodeHttpClient.NotSent)
      yield* eventually(() => relay.open() === 0, "the connection is closed")
    }))

  it.live("a body that breaks off", () =>
    Effect.gen(function*() {
      for (const head of ["content-length: 100", "transfer-encoding: chunked"]) {
        const server = yield* tcpServer((socket) =>
          socket.once("data", () => socket.end(`HTTP/1.1 201 Created\r\n${head}\r\n\r\n3\r\nabc\r\n`))
        )
        const reason = yield* failure(server.origin)
        assert.strictEqual(reason._tag, "DecodeError")
        assert.strictEqual("response" in reason ? reason.response.status : undefined, 201)
      }
    }))

  it.live("a request is written once, and what waits behind a broken connection is not lost", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const server = yield* httpServer((request, response) => {
        void bodyOf(request).then(() => {
          seen.push(request.url ?? "")
          // every second request loses its connection after it was processed
          if (seen.length % 2 === 1) request.socket.resetAndDestroy()
          else response.end("ok")
        })
      })
      const results = yield* Effect.scoped(Effect.gen(function*() {
        const client = yield* NodeHttpClient.make({ connectionsPerOrigin: 1 })
        return yield* Effect.forEach(
          Array.from({ length: 10 }, (_, index) => index),
          (index) =>
            Effect.result(
              client.execute(HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post(`${server.origin}/${index}`), {}))
            ),
          { concurrency: "unbounded" }
        )
      }))
      assert.deepStrictEqual(seen, Array.from({ length: 10 }, (_, index) => `/${index}`))
      assert.deepStrictEqual(
        results.map((result) => result._tag),
        Array.from({ length: 10 }, (_, index) => index % 2 === 0 ? "Failure" : "Success")
      )
    }))

  it.live("an idle connection that the server closed is not written to", () =>
    Effect.gen(function*() {
      let requests = 0
      const server = yield* tcpServer((socket) =>
        socket.on("data", () => {
          requests++
          // an honest answer that promises to stay, and a close behind it
          socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
          setImmediate(() => socket.destroy())
        })
      )
      yield* Effect.scoped(Effect.gen(function*() {
        const client = yield* NodeHttpClient.make({ connectionsPerOrigin: 1 })
        for (let index = 0; index < 20; index++) {
          const response = yield* client.execute(HttpClientRequest.post(server.origin))
          assert.strictEqual(yield* response.text, "ok")
          yield* Effect.sleep(5)
        }
      }))
      assert.strictEqual(requests, 20)
      assert.strictEqual(server.connections(), 20)
    }))
})

describe("NodeHttpClient: client certificates", () => {
  const authority = makeAuthority("Test CA")
  const ca = authority.cert
  const client = makeCertificate({ commonName: "the client", authority })
  const server = (options: Tls.TlsOptions = {}) =>
    httpsServer(
      {
        ...makeCertificate({ commonName: "a", altNames: ["127.0.0.1"], authority }),
        ca,
        requestCert: true,
        rejectUnauthorized: true,
        ...options
      },
      (request, response) => {
        const { socket } = request
        const certificate = socket instanceof Tls.TLSSocket
          ? JSON.stringify(socket.getPeerCertificate(), ["subject", "CN"])
          : ""
        response.end(certificate)
      }
    )

  it.live("presents its certificate", () =>
    Effect.gen(function*() {
      const { origin } = yield* server()
      const key = Redacted.make(client.key)
      const text = yield* post(origin, { tls: { ca, cert: client.cert, key } })
      assert.strictEqual(text, "{\"subject\":{\"CN\":\"the client\"}}")
      const bytes = {
        cert: Buffer.from(client.cert),
        key: Redacted.make(Buffer.from(client.key)),
        ca: [Buffer.from(ca)]
      }
      assert.include(yield* post(origin, { tls: bytes }), "the client")
      const passphrase = Crypto.randomUUID()
      const encrypted = Redacted.make(encryptKey(client.key, passphrase))
      const options = { ca, cert: client.cert, key: encrypted, passphrase: Redacted.make(passphrase) }
      assert.include(yield* post(origin, { tls: options }), "the client")
    }))

  it.live("fails when the server wants another one, or one at all", () =>
    Effect.gen(function*() {
      const stranger = makeCertificate({ commonName: "stranger", authority: makeAuthority("Other CA") })
      let requests = 0
      for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
        const refusing = yield* server({ maxVersion })
        refusing.server.on("request", () => requests++)
        for (const tls of [{ ca }, { ca, cert: stranger.cert, key: Redacted.make(stranger.key) }]) {
          assert.strictEqual((yield* failure(refusing.origin, { tls }))._tag, "TransportError")
        }
      }
      assert.strictEqual(requests, 0)
    }))

  it.live("keeps the key out of every error", () =>
    Effect.gen(function*() {
      const { origin } = yield* server()
      const body = client.key.split("\n")[1] ?? ""
      const wrong = makeCertificate({ commonName: "another", authority })
      for (
        const tls of [
          { ca, cert: wrong.cert, key: Redacted.make(client.key) },
          { ca, cert: "not a certificate", key: Redacted.make(client.key) },
          {
            ca,
            cert: client.cert,
            key: Redacted.make(encryptKey(client.key, "x")),
            passphrase: Redacted.make("s3cret")
          }
        ]
      ) {
        const error = yield* Effect.flip(post(origin, { tls }))
        assert.instanceOf(error.reason.cause, NodeHttpClient.NotSent)
        const shown = inspect(error, { depth: 20 }) + JSON.stringify(error) + String(error)
        assert.notInclude(shown, body)
        assert.notInclude(shown, "s3cret")
      }
    }))
})
