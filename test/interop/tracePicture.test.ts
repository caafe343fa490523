/** The trace in the guide is a real one, and what a registration with a nonce challenge sends to a collector by OTLP. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { files, type RecordedSpan, shapeOf, svgOf, withText } from "../../scripts/tracePicture.ts"
import { recordTrace } from "../support/recordTrace.ts"

const Attributes = Schema.Record(Schema.String, Schema.String)

const Spans = Schema.Array(
  Schema.Struct({
    name: Schema.String,
    depth: Schema.Number,
    kind: Schema.String,
    failed: Schema.Boolean,
    start: Schema.Number,
    end: Schema.Number,
    attributes: Attributes,
    events: Schema.Array(Schema.Struct({ name: Schema.String, at: Schema.Number, attributes: Attributes }))
  })
)

const shown: ReadonlyArray<RecordedSpan> = Schema.decodeUnknownSync(Schema.fromJsonString(Spans))(
  readFileSync(files.json, "utf8")
)

describe("the trace of the guide", () => {
  it.live("is what is recorded now, but for times and ports: if not, node scripts/trace.ts", () =>
    Effect.gen(function*() {
      const { metrics, spans } = yield* recordTrace
      assert.deepStrictEqual(shapeOf(shown), shapeOf(spans))
      assert.deepStrictEqual(
        spans.map(({ attributes, name }) => `${name} ${attributes["http.response.status_code"] ?? ""}`.trim()),
        [
          "sign-up",
          "Registrar.ensure",
          "AuthorizationServer.discover",
          "GET 200",
          "ClientRegistration.register",
          "POST 400",
          "POST 201"
        ]
      )
      // the metrics of the guide come along
      assert.includeMembers([...metrics], [
        "dcr.operation.duration",
        "dcr.operation.attempts",
        "dcr.operation.nonce_challenges"
      ])
    }))

  it("is drawn and told from what was recorded: if not, node scripts/trace.ts", () => {
    assert.strictEqual(readFileSync(files.svg, "utf8"), svgOf(shown))
    const page = readFileSync(files.page, "utf8")
    assert.strictEqual(page, withText(page, shown))
  })
})
