import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { page, parts } from "../conformance/conformance.ts"

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")

describe("conformance", () => {
  const rows = parts.flatMap((part) => part.rows)

  it("every id is there once", () => {
    for (const { rows } of parts) {
      const ids = rows.map(({ id }) => id)
      assert.isNotEmpty(ids)
      assert.strictEqual(new Set(ids).size, ids.length)
      for (const id of ids) assert.match(id, /^[a-z0-9]+(-[a-z0-9]+)*$/)
    }
  })

  it("every id has a test", () => {
    const without = rows.filter(({ test: [file, title] }) => {
      const url = new URL(`../${file}`, import.meta.url)
      return !existsSync(url) || !readFileSync(url, "utf8").includes(title)
    })
    assert.deepStrictEqual(without.map(({ id, test }) => `${id}: ${test.join(": ")}`), [])
  })

  it("docs/conformance.md is current: npm run conformance -- --write", () => {
    assert.strictEqual(read("docs/conformance.md"), page())
  })
})
