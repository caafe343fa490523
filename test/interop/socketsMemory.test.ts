/** A server that sends 200 MB does not fill the memory of who registers there. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { allowance, type Flood, floods, measure } from "../support/socketMemory.ts"
import { fetchTransport, nodeTransport, type Transport } from "../support/socketTransports.ts"

/** What `sockets.long.ts` measures many times, in all its forms, here once. */
const cases: ReadonlyArray<{ readonly transport: Transport; readonly forms: ReadonlyArray<Flood> }> = [
  { transport: nodeTransport, forms: [floods.chunks, floods.tinyChunks, floods.declared] },
  { transport: fetchTransport, forms: [floods.chunks, floods.gzip] }
]

describe("200 MB", () => {
  it.live.each(cases)("$transport.name", ({ forms, transport }) =>
    Effect.gen(function*() {
      const [control, flooded] = yield* Effect.all(
        [measure(transport), Effect.forEach(forms, (form) => measure(transport, form))],
        { concurrency: 2 }
      )
      assert.strictEqual(control.outcome, "registered")
      forms.forEach(({ outcome, what }, index) => {
        const measured = flooded[index]
        assert.strictEqual(measured?.outcome, outcome(transport), what)
        assert.isBelow((measured?.growth ?? Infinity) - control.growth, allowance, what)
        // what the buffers of the system take, and no more
        assert.isBelow(measured?.sent ?? Infinity, 40_000_000, what)
      })
    }))
})
