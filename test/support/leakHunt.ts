/**
 * A hunt for secrets: runs a program with everything switched on that tells about it, collects all that there is to see,
 * and searches it for canaries in every encoding.
 */
import * as core from "@effect-dcr/core"
import { assert } from "@effect/vitest"
import { Cause, Context, Exit, Layer, Logger, Metric, References, Schema, Tracer } from "effect"
import { HttpClient } from "effect/http"
import { inspect } from "node:util"
import { recordSpans } from "./recordedSpans.ts"

// -----------------------------------------------------------------------------
// canaries
// -----------------------------------------------------------------------------

/** Secrets to look for, each with a name that may be shown. */
export type Canaries = ReadonlyMap<string, string>

/** A text as it is, and as it looks in URLs, forms, JSON (also inside JSON), pages, base64 and base64url. */
const formsOf = (secret: string): ReadonlyMap<string, string> => {
  const percent = encodeURIComponent(secret)
  const json = JSON.stringify(secret).slice(1, -1)
  const base64 = (text: string) => Buffer.from(text).toString("base64").replace(/=+$/, "")
  const aligned = (text: string) => base64(text).slice(2, -2)
  return new Map([
    ["plain", secret],
    ["percent-encoded", percent],
    ["percent-encoded, lower case", percent.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase())],
    ["form-encoded", new URLSearchParams({ s: secret }).toString().slice(2)],
    ["JSON", json],
    ["JSON with escaped slashes", json.replaceAll("/", "\\/")],
    ["JSON in JSON", JSON.stringify(json).slice(1, -1)],
    [
      "HTML",
      secret.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
    ],
    [
      "HTML by name",
      secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")
        .replaceAll("'", "&#39;")
    ],
    ["base64", base64(secret)],
    ["base64url", base64(secret).replaceAll("+", "-").replaceAll("/", "_")],
    ["base64 behind a scheme", aligned(`Bearer ${secret}`)]
  ])
}

const known = new Map<string, ReadonlyMap<string, string>>()

const forms = (secret: string): ReadonlyMap<string, string> => {
  const before = known.get(secret)
  if (before !== undefined) return before
  const made = formsOf(secret)
  known.set(secret, made)
  return made
}

/** What was found where. The place and the name are told, the secret is not. */
export interface Hit {
  readonly where: string
  readonly canary: string
  readonly form: string
  /** What stands before it. */
  readonly before: string
}

export const search = (shown: ReadonlyArray<Shown>, canaries: Canaries): ReadonlyArray<Hit> => {
  const searched = [...canaries].flatMap(([canary, secret]) =>
    [...forms(secret)].map(([form, text]) => ({ canary, form, text }))
  )
  // Most texts are there more than once, and all at once are searched in a tenth of the time.
  const all = [...new Set(shown.map(({ text }) => text))].join("\n")
  return searched.filter(({ text }) => all.includes(text)).flatMap(({ canary, form, text: found }) =>
    shown.flatMap(({ text, where }) => {
      const at = text.indexOf(found)
      return at < 0 ? [] : [{ where, canary, form, before: text.slice(Math.max(0, at - 120), at) }]
    })
  )
}

// -----------------------------------------------------------------------------
// what there is to see
// -----------------------------------------------------------------------------

/** A text, and where a person or a machine would meet it. */
export interface Shown {
  readonly where: string
  readonly text: string
}

const deep = {
  depth: Infinity,
  maxStringLength: Infinity,
  maxArrayLength: Infinity,
  breakLength: Infinity,
  getters: false
} as const

export const json = (value: unknown): string => {
  try {
    return JSON.stringify(value, (_, inner: unknown) => typeof inner === "bigint" ? String(inner) : inner) ?? ""
  } catch (error) {
    return String(error)
  }
}

/**
 * Every schema that this SDK exports, by name: whatever it makes of a value may be sent on. `RegistrationRecord` alone is
 * left out: it is what stores keep, and says so.
 */
const schemas: ReadonlyArray<readonly [name: string, schema: Schema.Codec<unknown, unknown>]> = Object.entries<object>({
  ...core
}).flatMap(([module, exports]) =>
  module === "RegistrationRecord"
    ? []
    : Object.entries<unknown>({ ...exports }).flatMap(([name, value]) =>
      isCodec(value) ? [[`${module}.${name}`, value] as const] : []
    )
)

/** How many schemas were found, for the test that sees to it that there are some. */
export const schemaNames: ReadonlyArray<string> = schemas.map(([name]) => name)

const encoders = schemas.flatMap(([name, schema]) => [
  { name: `${name}, encoded`, encode: Schema.encodeUnknownExit(schema), isMain: false },
  {
    name: `${name}, encoded as JSON`,
    encode: Schema.encodeUnknownExit(Schema.toCodecJson(schema)),
    isMain: ["RegistrationError.RegistrationErrorSchema", "ClientInformation.ClientInformation"].includes(name)
  }
])

/** None of them needs a service; one that did would fail when it is used. */
function isCodec(value: unknown): value is Schema.Codec<unknown, unknown> {
  return Schema.isSchema(value)
}

/** A value in every form in which a program may show it. */
export const show = (where: string, value: unknown): ReadonlyArray<Shown> => [
  { where: `inspect of ${where}`, text: inspect(value, deep) },
  { where: `inspect of ${where}, hidden properties too`, text: inspect(value, { ...deep, showHidden: true }) },
  { where: `JSON of ${where}`, text: json(value) },
  { where: `String of ${where}`, text: typeof value === "symbol" ? "" : String(value) },
  ...(value instanceof Error
    ? [
      { where: `message of ${where}`, text: `${value.name} ${value.message} ${value.stack ?? ""}` },
      { where: `Cause.pretty of ${where}`, text: Cause.pretty(Cause.fail(value)) },
      { where: `Cause.pretty of ${where} as a defect`, text: Cause.pretty(Cause.die(value)) },
      { where: `the cause inside ${where}`, text: inspect(value.cause, { ...deep, showHidden: true }) }
    ]
    : [])
]

/**
 * A value as every exported schema writes it, or, unless it is to be complete, as the two that are made for errors and
 * clients do. What a schema refuses tells why, which is a text too.
 */
export const showEncoded = (where: string, value: unknown, complete: boolean): ReadonlyArray<Shown> =>
  encoders.filter(({ isMain }) => complete || isMain).map(({ encode, name }) => {
    const exit = encode(value)
    return { where: `${where} as ${name}`, text: Exit.isSuccess(exit) ? json(exit.value) : Cause.pretty(exit.cause) }
  })

/** Collects what a program tells while it runs. */
export interface Watch {
  readonly shown: () => ReadonlyArray<Shown>
  readonly layer: Layer.Layer<never>
}

/**
 * Spans, logs of every level in every format, and metrics. `withHeaders`: every header of every request and answer becomes
 * an attribute of a span, as careless as an application can be. The default of Effect is none.
 */
export const makeWatch = (withHeaders = true): Watch => {
  const registry: Metric.MetricRegistry = new Map()
  const { spans, tracer } = recordSpans()
  const logged: Array<string> = []
  const loggers = [
    Logger.formatSimple,
    Logger.formatLogFmt,
    Logger.formatJson,
    // As a logger of somebody's own may write it.
    Logger.make((options) => inspect([options.message, options.cause, options.logLevel], deep)),
    Logger.make((options) => json(options.message)),
    Logger.make((options) => Cause.pretty(options.cause))
  ].map((format) =>
    Logger.map(format, (line) => {
      logged.push(line)
    })
  )
  const everything = Layer.mergeAll(
    Layer.succeed(Tracer.Tracer, tracer),
    withHeaders ? Layer.succeed(HttpClient.TracerHeaderFilter, () => true) : Layer.empty,
    Layer.succeed(References.MinimumLogLevel, "All"),
    Layer.succeed(Metric.MetricRegistry, registry),
    Logger.layer(loggers)
  )
  return {
    layer: Layer.provideMerge(core.Telemetry.layerMetrics, everything),
    shown: () => [
      ...logged.map((text) => ({ where: "a log", text })),
      ...spans.flatMap((span) => [
        {
          where: `the span ${span.name}`,
          text: `${span.name} ${json([...span.attributes])} ${json(span.events)} ${json(span.links)} ${
            inspect([span.attributes, span.events], deep)
          }`
        },
        { where: `the failure in the span ${span.name}`, text: failureOf(span) }
      ]),
      {
        where: "the metrics",
        text: inspect(Metric.snapshotUnsafe(Context.make(Metric.MetricRegistry, registry)), deep)
      }
    ]
  }
}

/** What exporters make of the end of a span: the failure, never the value. */
const failureOf = ({ status }: Tracer.NativeSpan): string =>
  status._tag === "Ended" && Exit.isFailure(status.exit)
    ? `${Cause.pretty(status.exit.cause)} ${inspect(status.exit.cause, deep)} ${json(status.exit.cause)}`
    : status._tag

// -----------------------------------------------------------------------------
// the hunt
// -----------------------------------------------------------------------------

/** Counts what was searched, and fails with what was found. */
export const makeHunt = () => {
  const tally = { texts: 0, characters: 0, canaries: 0, searches: 0 }
  const findsNone = (
    shown: ReadonlyArray<Shown>,
    canaries: Iterable<readonly [name: string, secret: string]>
  ): void => {
    const searched = new Map(canaries)
    tally.texts += shown.length
    tally.characters += shown.reduce((sum, { text }) => sum + text.length, 0)
    tally.canaries += searched.size
    tally.searches += shown.length * [...searched.values()].reduce((sum, secret) => sum + forms(secret).size, 0)
    const hits = search(shown, searched)
    assert.isEmpty(
      hits,
      hits.slice(0, 5).map(({ before, canary, form, where }) => `${where}: ${canary}, ${form}: ...${before}`).join("\n")
    )
  }
  return { tally, findsNone }
}
