import { assert, describe, it } from "@effect/vitest"
import { columns, labelled, unbroken } from "../../../packages/platform-node/src/bin/style.ts"

describe("columns", () => {
  it("go on under their last cell", () => {
    assert.strictEqual(
      columns([["a", "one two three four five six"], ["long", "x"]], { width: 33 }),
      "  a      one two three four five\n         six\n  long   x"
    )
  })

  it("put below what does not fit beside, and nothing that does", () => {
    const url = "https://op.example/registration/client-1"
    assert.strictEqual(
      columns([["issuer", url, ""], ["other", "", "a note"]], { width: 65 }),
      `  issuer   ${url}\n  other    ${" ".repeat(url.length)}   a note`
    )
    assert.strictEqual(columns([["managed at", url]], { width: 50 }), `  managed at\n      ${url}`)
  })

  it("are all put below where one would hardly have room", () => {
    assert.strictEqual(
      columns([["a name of some length", "one two three four five six"], ["short", "x"]], { width: 40 }),
      "  a name of some length\n      one two three four five six\n  short\n      x"
    )
  })

  it("break no line where a text is not to be broken", () => {
    assert.strictEqual(
      columns([["a", `one two three four five ${unbroken("(RFC 7591 §2)")}`]], { width: 36 }),
      "  a   one two three four five\n      (RFC 7591 §2)"
    )
  })
})

describe("a labelled text", () => {
  it("goes on under its beginning, in plain spaces", () => {
    assert.strictEqual(
      labelled("next", `Forget it: ${unbroken("effect-dcr remove x --forget")}`, { width: 40 }),
      "next    Forget it:\n        effect-dcr remove x --forget"
    )
    assert.strictEqual(labelled("failed", "it is wrong", { width: Infinity }), "failed  it is wrong")
  })
})
