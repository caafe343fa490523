/** A registration with a nonce challenge, over HTTP, and what a collector of OpenTelemetry got of it by OTLP. */
import { Registrar, RegistrationStore, Telemetry } from "@effect-dcr/core"
import { NodeRegistration } from "@effect-dcr/platform-node"
import { Effect, Layer, Schema } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Otlp from "effect/observability/Otlp"
import type { RecordedSpan } from "../../scripts/tracePicture.ts"
import { mountedServer } from "./childPrograms.ts"
import { httpServer } from "./nodeServers.ts"

// -----------------------------------------------------------------------------
// what OTLP looks like as JSON
// -----------------------------------------------------------------------------

const Attribute = Schema.Struct({
  key: Schema.String,
  value: Schema.Union([
    Schema.Struct({ stringValue: Schema.String }),
    Schema.Struct({ intValue: Schema.Union([Schema.Number, Schema.String]) }),
    Schema.Struct({ doubleValue: Schema.Number }),
    Schema.Struct({ boolValue: Schema.Boolean })
  ])
})

const Span = Schema.Struct({
  traceId: Schema.String,
  spanId: Schema.String,
  parentSpanId: Schema.optionalKey(Schema.String),
  name: Schema.String,
  kind: Schema.Number,
  startTimeUnixNano: Schema.String,
  endTimeUnixNano: Schema.String,
  attributes: Schema.Array(Attribute),
  events: Schema.Array(
    Schema.Struct({ name: Schema.String, timeUnixNano: Schema.String, attributes: Schema.Array(Attribute) })
  ),
  status: Schema.Struct({ code: Schema.Number })
})

type Span = typeof Span.Type

const Traces = Schema.Struct({
  resourceSpans: Schema.Array(
    Schema.Struct({ scopeSpans: Schema.Array(Schema.Struct({ spans: Schema.Array(Span) })) })
  )
})

const Metrics = Schema.Struct({
  resourceMetrics: Schema.Array(
    Schema.Struct({
      scopeMetrics: Schema.Array(
        Schema.Struct({ metrics: Schema.Array(Schema.Struct({ name: Schema.String })) })
      )
    })
  )
})

// -----------------------------------------------------------------------------
// what is recorded
// -----------------------------------------------------------------------------

export interface Recorded {
  /** In the order in which they began, each after its parent. */
  readonly spans: ReadonlyArray<RecordedSpan>
  /** The names of the metrics that came along. */
  readonly metrics: ReadonlyArray<string>
}

/** The collector, the server and the program; nothing of it is left. */
export const recordTrace: Effect.Effect<Recorded> = Effect.scoped(Effect.gen(function*() {
  const bodies: Array<{ readonly path: string; readonly body: string }> = []
  const collector = yield* httpServer((request, response) => {
    let body = ""
    request.setEncoding("utf8").on("data", (chunk: string) => body += chunk).on("end", () => {
      bodies.push({ path: request.url ?? "", body })
      response.writeHead(200, { "content-type": "application/json" }).end("{}")
    })
  })
  const { issuer } = yield* mountedServer({ dpop: { required: true, nonce: "stable" } })
  const another = yield* mountedServer({ dpop: { required: true, nonce: "stable" } })

  const observability = Layer.merge(
    Telemetry.layerMetrics,
    Otlp.layerJson({ baseUrl: collector.origin, resource: { serviceName: "my-app" } }).pipe(
      Layer.provide(FetchHttpClient.layer)
    )
  )
  const registrar = Registrar.layer().pipe(
    Layer.provide([RegistrationStore.layerMemory, NodeRegistration.layerDpop()])
  )
  const signUp = (server: string, profile: string) =>
    Registrar.Registrar.use((registrar) =>
      registrar.ensure({
        server,
        profile,
        metadata: { redirect_uris: ["https://app.example.com/cb"] }
      })
    ).pipe(Effect.withSpan("sign-up"))
  // The first ones are slower than all others, because their code is compiled.
  yield* Effect.forEach(["1", "2", "3", "4", "5"], (profile) => signUp(another.issuer, profile)).pipe(
    Effect.andThen(signUp(issuer, "default")),
    Effect.provide(registrar),
    Effect.provide(observability),
    Effect.orDie
  )

  const read = <A>(schema: Schema.ConstraintDecoder<A>, path: string) =>
    Effect.forEach(
      bodies.filter((sent) => sent.path === path),
      ({ body }) => Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(body)
    ).pipe(Effect.orDie)
  const traces = yield* read(Traces, "/v1/traces")
  const metrics = yield* read(Metrics, "/v1/metrics")
  const spans = traces.flatMap(({ resourceSpans }) => resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans)
    .toSorted((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)))
  const last = spans.filter(({ name }) => name === "sign-up").at(-1)
  return {
    spans: last === undefined ? [] : below(undefined, spans.filter(({ traceId }) => traceId === last.traceId), last, 0),
    metrics: metrics.flatMap(({ resourceMetrics }) => resourceMetrics)
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap(({ metrics }) => metrics.map(({ name }) => name))
  }
}))

/** For the script, which has no Effect. */
export const recordTraceOnce = (): Promise<Recorded> => Effect.runPromise(recordTrace)

/** Those below a span, in the order of a tree. */
const below = (
  parent: string | undefined,
  spans: ReadonlyArray<Span>,
  root: Span,
  depth: number
): ReadonlyArray<RecordedSpan> =>
  spans.filter((span) => (span.parentSpanId === "" ? undefined : span.parentSpanId) === parent).flatMap((span) => [
    {
      name: span.name,
      depth,
      kind: kinds[span.kind] ?? "unspecified",
      failed: span.status.code === 2,
      start: millis(root, span.startTimeUnixNano),
      end: millis(root, span.endTimeUnixNano),
      attributes: attributesOf(span.attributes),
      events: span.events.map(({ attributes, name, timeUnixNano }) => ({
        name,
        at: millis(root, timeUnixNano),
        attributes: attributesOf(attributes)
      }))
    },
    ...below(span.spanId, spans, root, depth + 1)
  ])

const kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"]

/** What is beside the message again, and the places of the code, which are nobody's concern. */
const stack = "exception.stacktrace"

/** Since the trace began, to a hundredth. */
const millis = (root: Span, nanos: string): number =>
  Math.round(Number(BigInt(nanos) - BigInt(root.startTimeUnixNano)) / 10_000) / 100

const attributesOf = (attributes: ReadonlyArray<typeof Attribute.Type>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    attributes.filter(({ key }) => key !== stack).map(({ key, value }) => [key, String(Object.values(value)[0])])
  )
