import { AuthorizationServer, ClientConfiguration, ClientRegistration, DpopSigner, Telemetry } from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer, Metric } from "effect"
import { TestClock } from "effect/testing"
import { recordSpans } from "../support/recordedSpans.ts"

const issuer = "https://op.example.com"

const metadata = { redirect_uris: ["https://app.example.com/cb"] }

const server = TestAuthorizationServer.layerHttpClient()

const layer = Layer.merge(server, DpopSigner.layerNone)

const register = Effect.gen(function*() {
  const { metadata: describe } = yield* TestAuthorizationServer.TestAuthorizationServer
  return yield* ClientRegistration.register(describe(issuer), metadata)
})

/** Runs with a tracer that keeps every span, and gives those whose name has a dot: ours. */
const traced = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const { spans, tracer } = recordSpans()
    return effect.pipe(
      Effect.exit,
      Effect.withTracer(tracer),
      Effect.map((exit) => ({
        exit,
        spans: spans.filter(({ name }) => name.includes(".") && !name.startsWith("http"))
      }))
    )
  })

/** Runs while everything that is recorded is kept. */
const recorded = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const measurements: Array<Telemetry.Measurement> = []
    const record = (measurement: Telemetry.Measurement) =>
      Effect.sync(() => measurements.push(measurement)).pipe(Effect.asVoid)
    return Effect.map(
      Effect.exit(Effect.provide(effect, Telemetry.layer({ record }))),
      (exit) => ({ exit, measurements })
    )
  })

describe("spans", () => {
  it.effect("one per public operation, with the issuer", () =>
    Effect.gen(function*() {
      const { spans } = yield* traced(Effect.gen(function*() {
        yield* AuthorizationServer.discover(issuer)
        const client = yield* register
        const read = yield* ClientConfiguration.read(client)
        const updated = yield* ClientConfiguration.update(read, { set: { client_name: "New" } })
        const { client: rotated } = yield* ClientConfiguration.rotate(updated)
        yield* ClientConfiguration.remove(rotated)
      }))
      assert.deepStrictEqual(spans.map(({ name }) => name), [
        "AuthorizationServer.discover",
        "ClientRegistration.register",
        "ClientConfiguration.read",
        "ClientConfiguration.update",
        "ClientConfiguration.rotate",
        "ClientConfiguration.remove"
      ])
      for (const span of spans) assert.strictEqual(span.kind, "client", span.name)
      for (const span of spans.slice(1)) assert.strictEqual(span.attributes.get("dcr.issuer"), issuer, span.name)
    }).pipe(Effect.provide(layer)))

  it.effect("an event per attempt, and what became of it", () =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      yield* server.misbehave({ id: "rate-limited", retryAfter: 1 }, { times: 1 })
      const fiber = yield* Effect.forkChild(traced(register))
      yield* TestClock.adjust("10 seconds")
      const { spans: [span] } = yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        span?.events.map(([name, , attributes]) => [name, attributes]),
        [
          ["dcr.attempt", { "http.request.resend_count": 0 }],
          ["dcr.attempt", { "http.request.resend_count": 1 }]
        ]
      )
      assert.strictEqual(span?.attributes.get("dcr.attempts"), 2)
      assert.strictEqual(span?.attributes.get("error.type"), undefined)
    }).pipe(Effect.provide(layer)))

  it.effect("end without what the operation gave: an exporter holds them for a while, and it has credentials", () =>
    Effect.gen(function*() {
      const { exit, spans } = yield* traced(register)
      assert.isTrue(Exit.isSuccess(exit) && exit.value.information.client_secret !== undefined)
      const [{ status } = assert.fail("no span")] = spans
      assert.isTrue(status._tag === "Ended" && Exit.isSuccess(status.exit) && status.exit.value === undefined)
    }).pipe(Effect.provide(layer)))

  it.effect("a failure has the tag of its reason", () =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      yield* server.misbehave("invalid-redirect-uri")
      const { spans: [span] } = yield* traced(register)
      assert.strictEqual(span?.attributes.get("error.type"), "InvalidRedirectUri")
    }).pipe(Effect.provide(layer)))
})

describe("the query of a URL", () => {
  it.effect("is in no span, not even in one of the HTTP client", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recordSpans()
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      const secret = { ...server.metadata(issuer), registration_endpoint: `${issuer}/register?access=s3cret` }
      yield* ClientRegistration.register(secret, metadata).pipe(Effect.ignore, Effect.withTracer(tracer))
      assert.isNotEmpty(spans)
      const shown = spans.map(({ attributes, events, name }) => [
        name,
        ...attributes.values(),
        ...events.flatMap(([event, , more]) => [event, ...Object.values(more)])
      ])
      assert.notInclude(shown.flat().map(String).join(" "), "s3cret")
    }).pipe(Effect.provide(layer)))
})

describe("record", () => {
  it.effect("receives every finished operation: outcome, duration, attempts, nonce challenges", () =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      yield* server.misbehave("never-answers-before-processing", { times: 1 })
      const hanging = ClientRegistration.register(server.metadata(issuer), metadata, { deadline: "3 seconds" })
      const fiber = yield* Effect.forkChild(recorded(hanging))
      yield* TestClock.adjust("3 seconds")
      const { measurements } = yield* Fiber.join(fiber)
      const shown = measurements.map(({ duration, ...rest }) => ({ ...rest, seconds: Duration.toSeconds(duration) }))
      assert.deepStrictEqual(shown, [{
        operation: "ClientRegistration.register",
        outcome: "OutcomeUnknown",
        seconds: 3,
        attempts: 1,
        nonceChallenges: 0
      }])
    }).pipe(Effect.provide(layer)))

  it.live("counts the demands for a nonce", () =>
    Effect.gen(function*() {
      const { measurements } = yield* recorded(register)
      assert.deepStrictEqual(
        measurements.map(({ attempts, nonceChallenges, outcome }) => [outcome, attempts, nonceChallenges]),
        [["Success", 2, 1]]
      )
    }).pipe(Effect.provide(Layer.merge(
      TestAuthorizationServer.layerHttpClient({ dpop: { nonce: "stable" } }),
      DpopSigner.layer()
    ))))

  it.effect("an interruption is one too", () =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      yield* server.misbehave("never-answers-before-processing")
      const outcomes: Array<string> = []
      const record = ({ outcome }: Telemetry.Measurement) =>
        Effect.sync(() => outcomes.push(outcome)).pipe(Effect.asVoid)
      const fiber = yield* Effect.forkChild(Effect.provide(register, Telemetry.layer({ record })))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(outcomes, ["Interrupted"])
    }).pipe(Effect.provide(layer)))

  it.live("cannot lose, delay or hide what the server granted", () =>
    Effect.gen(function*() {
      const recorders: ReadonlyArray<NonNullable<Telemetry.Telemetry["record"]>> = [
        () => Effect.die(new Error("the exporter is down")),
        () => Effect.never,
        () => {
          throw new Error("thrown")
        }
      ]
      for (const record of recorders) {
        const exit = yield* register.pipe(
          Effect.provide(Telemetry.layer({ record })),
          Effect.timeout("5 seconds"),
          Effect.exit
        )
        assert.isTrue(Exit.isSuccess(exit))
      }
    }).pipe(Effect.provide(layer)))
})

describe("layerMetrics", () => {
  it.effect("records in Effect's metrics, by operation and error", () =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      yield* register
      yield* server.misbehave("invalid-client-metadata", { times: 1 })
      yield* Effect.flip(register)
      const snapshot = yield* Metric.snapshot
      const attempts = snapshot.filter(({ id }) => id === "dcr.operation.attempts").map(({ attributes }) => attributes)
      assert.sameDeepMembers(attempts, [
        { "dcr.operation": "ClientRegistration.register" },
        { "dcr.operation": "ClientRegistration.register", "error.type": "InvalidClientMetadata" }
      ])
      assert.sameMembers([...new Set(snapshot.map(({ id }) => id))].filter((id) => id.startsWith("dcr.")), [
        "dcr.operation.duration",
        "dcr.operation.attempts",
        "dcr.operation.nonce_challenges"
      ])
    }).pipe(
      Effect.provide(Layer.merge(layer, Telemetry.layerMetrics)),
      Effect.provideService(Metric.MetricRegistry, new Map())
    ))
})
