import { EndpointPolicy } from "@effect-dcr/core"
import { NodeHttpClient } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { type HttpClient, type HttpClientError, HttpClientRequest } from "effect/http"
import type * as Net from "node:net"
import { httpServer, tcpServer } from "../support/nodeServers.ts"

/** Refuses the loopback interface in every form, and remembers what it was asked. */
const noLoopback = () => {
  const asked: Array<string> = []
  const policy: EndpointPolicy.EndpointPolicy = {
    judgeUrl: () => undefined,
    judgeAddress: (address) => {
      asked.push(address)
      return /^127\.|^::1$|^fe80::1$|^::ffff:(127\.|7f)/i.test(address)
        ? { rule: "PrivateAddress", message: "a loopback address" }
        : undefined
    }
  }
  return { asked, policy }
}

type Answer = ReadonlyArray<string> | string

/** A resolver under control: each question takes the next answer, the last one stays. */
const resolver = (...answers: ReadonlyArray<Answer>) => {
  const questions: Array<string> = []
  const familyOf = (address: string) => address.includes(":") ? 6 : 4
  const lookup: Net.LookupFunction = (hostname, options, callback) => {
    const answer = answers[Math.min(questions.length, answers.length - 1)] ?? []
    questions.push(hostname)
    if (typeof answer === "string") return callback(null, answer, familyOf(answer))
    const all = answer.map((address) => ({ address, family: familyOf(address) }))
    const [first] = all
    if (options.all === true || first === undefined) callback(null, all)
    else callback(null, first.address, first.family)
  }
  return { lookup, questions }
}

const get = (
  url: string,
  policy: EndpointPolicy.EndpointPolicy,
  options?: NodeHttpClient.Options
): Effect.Effect<number, HttpClientError.HttpClientError> =>
  Effect.scoped(Effect.flatMap(NodeHttpClient.make(options), (client) => status(client, url, policy)))

const status = (client: HttpClient.HttpClient, url: string, policy: EndpointPolicy.EndpointPolicy) =>
  client.execute(HttpClientRequest.post(url)).pipe(
    Effect.map((response) => response.status),
    Effect.provideService(EndpointPolicy.EndpointPolicy, policy)
  )

/** Checks that the request was refused as to its address, and that nothing was sent. */
const assertRefused = <A>(effect: Effect.Effect<A, HttpClientError.HttpClientError, Scope.Scope>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => {
    assert.strictEqual(reason._tag, "TransportError")
    assert.instanceOf(reason.cause, NodeHttpClient.NotSent)
    const cause = reason.cause instanceof Error ? reason.cause.cause : undefined
    assert.instanceOf(cause, EndpointPolicy.AddressRefused)
    assert.propertyVal(cause, "name", "AddressRefused")
    assert.deepPropertyVal(cause, "refusal", { rule: "PrivateAddress", message: "a loopback address" })
  })

describe("NodeHttpClient under a policy that judges addresses", () => {
  it.live("refuses a name that resolves to a refused address, in every form, before a connection", () =>
    Effect.gen(function*() {
      const server = yield* tcpServer()
      for (
        const answer of [
          ["127.0.0.1"],
          "127.0.0.1",
          ["::1"],
          ["::ffff:127.0.0.1"],
          ["::ffff:7f00:1"],
          ["fe80::1%lo"],
          // the first one would be connected to first, the second one if that fails
          ["192.0.2.1", "127.0.0.1"],
          ["127.0.0.1", "192.0.2.1"]
        ]
      ) {
        for (const scheme of ["http", "https"]) {
          const { asked, policy } = noLoopback()
          const { lookup } = resolver(answer)
          yield* assertRefused(get(`${scheme}://name.test:${server.port}/`, policy, { lookup }))
          assert.include([answer].flat().map((address) => address.replace("%lo", "")), asked.at(-1))
        }
      }
      assert.strictEqual(server.connections(), 0)
    }))

  it.live("refuses literal addresses, which no lookup sees", () =>
    Effect.gen(function*() {
      const server = yield* tcpServer()
      const { lookup, questions } = resolver(["192.0.2.1"])
      const { policy } = noLoopback()
      for (
        const host of [
          "127.0.0.1",
          "127.1",
          "2130706433",
          "0x7f.1",
          "0177.0.0.1",
          "[::1]",
          "[::ffff:127.0.0.1]",
          "１２７.0.0.1"
        ]
      ) {
        yield* assertRefused(get(`http://${host}:${server.port}/`, policy, { lookup }))
      }
      assert.deepStrictEqual(questions, [])
      assert.strictEqual(server.connections(), 0)
    }))

  it.live.each(["127.0.0.1", "localhost"])(
    "takes a judge that throws for one that refuses: %s",
    (host) =>
      Effect.gen(function*() {
        const server = yield* tcpServer()
        const broken = new Error("a broken policy")
        const policy: EndpointPolicy.EndpointPolicy = {
          judgeUrl: () => undefined,
          judgeAddress: () => {
            throw broken
          }
        }
        const { reason } = yield* Effect.flip(get(`http://${host}:${server.port}/`, policy))
        assert.strictEqual(reason._tag, "TransportError")
        assert.instanceOf(reason.cause, NodeHttpClient.NotSent)
        const refused = reason.cause.cause
        assert.instanceOf(refused, EndpointPolicy.AddressRefused)
        assert.strictEqual(refused.refusal.rule, "Custom")
        assert.strictEqual(refused.cause, broken)
        assert.strictEqual(server.connections(), 0)
      })
  )

  it.live("refuses localhost by what it resolves to", () =>
    Effect.gen(function*() {
      const server = yield* tcpServer()
      yield* assertRefused(get(`http://localhost:${server.port}/`, noLoopback().policy))
      assert.strictEqual(server.connections(), 0)
    }))

  it.live("connects to nothing but what it judged, although the name changes its answer", () =>
    Effect.gen(function*() {
      const server = yield* tcpServer()
      const { asked, policy } = noLoopback()
      // the first answer passes, and leads nowhere; the second one is the attack
      const { lookup, questions } = resolver(["192.0.2.1"], ["127.0.0.1"])
      const options = { lookup, connectTimeout: 100 }
      const reason = yield* Effect.scoped(Effect.gen(function*() {
        const client = yield* NodeHttpClient.make(options)
        const first = yield* Effect.flip(status(client, `http://name.test:${server.port}/`, policy))
        assert.deepStrictEqual(questions, ["name.test"], "one connection asks once")
        yield* assertRefused(status(client, `http://name.test:${server.port}/`, policy))
        return first.reason
      }))
      assert.strictEqual(reason._tag, "TransportError")
      assert.deepStrictEqual(asked, ["192.0.2.1", "127.0.0.1"])
      assert.strictEqual(server.connections(), 0)
    }))

  it.live("judges the address that it is connected to before the first byte", () =>
    Effect.gen(function*() {
      const server = yield* tcpServer()
      for (const scheme of ["http", "https"]) {
        const asked: Array<string> = []
        // lets the lookup pass, as if the resolver and the network did not agree
        const policy: EndpointPolicy.EndpointPolicy = {
          judgeUrl: () => undefined,
          judgeAddress: (address) =>
            asked.push(address) > 1 ? { rule: "PrivateAddress", message: "a loopback address" } : undefined
        }
        const { lookup } = resolver(["127.0.0.1"])
        yield* assertRefused(get(`${scheme}://name.test:${server.port}/`, policy, { lookup }))
        assert.deepStrictEqual(asked, ["127.0.0.1", "127.0.0.1"])
      }
      yield* Effect.sleep(20)
      assert.strictEqual(server.bytes(), 0)
    }))

  it.live("does not use a connection that was made without the policy", () =>
    Effect.gen(function*() {
      const server = yield* httpServer((_request, response) => response.end("ok"))
      const { lookup } = resolver(["127.0.0.1"])
      const url = `http://name.test:${server.port}/`
      yield* Effect.scoped(Effect.gen(function*() {
        const client = yield* NodeHttpClient.make({ lookup })
        const lax = EndpointPolicy.httpsOrLoopback
        assert.strictEqual(yield* status(client, url, lax), 200)
        assert.strictEqual(server.open(), 1)
        const before = server.bytes()
        yield* assertRefused(status(client, url, noLoopback().policy))
        assert.strictEqual(server.bytes(), before)
        // nor the other way round: each policy has its own
        const { asked, policy } = noLoopback()
        const allowing = { ...policy, judgeAddress: (address: string) => void asked.push(address) }
        assert.strictEqual(yield* status(client, url, allowing), 200)
        assert.strictEqual(yield* status(client, url, allowing), 200)
        assert.deepStrictEqual(asked, ["127.0.0.1", "127.0.0.1"], "lookup and connection, once")
        assert.strictEqual(yield* status(client, url, lax), 200)
        assert.strictEqual(server.connections(), 2)
      }))
    }))
})
