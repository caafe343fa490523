import { assert, describe, it } from "@effect/vitest"
import { isRateLimit, isUnprocessed } from "../../../packages/core/src/internal/unprocessed.ts"

const later = { "retry-after": "1" }

describe("isRateLimit", () => {
  it("is any 429, and a 503 that says when", () => {
    assert.isTrue(isRateLimit({ status: 429, headers: {} }))
    assert.isTrue(isRateLimit({ status: 503, headers: later }))
    assert.isFalse(isRateLimit({ status: 503, headers: {} }))
    assert.isFalse(isRateLimit({ status: 500, headers: later }))
    assert.isFalse(isRateLimit({ status: 201, headers: later }))
  })
})

describe("isUnprocessed", () => {
  it.each([400, 401, 404, 429, 499])("is a fault of the client: %i", (status) => {
    assert.isTrue(isUnprocessed({ status, headers: {} }))
  })

  it.each([307, 308])("is a redirect that keeps the method: %i", (status) => {
    assert.isTrue(isUnprocessed({ status, headers: {} }))
  })

  it.each([200, 201, 300, 301, 302, 303, 304, 500, 502, 503])(
    "is none that a request may have been processed for: %i",
    (status) => {
      assert.isFalse(isUnprocessed({ status, headers: {} }))
    }
  )

  it("is a limit", () => {
    assert.isTrue(isUnprocessed({ status: 503, headers: later }))
    assert.isFalse(isUnprocessed({ status: 500, headers: later }))
  })
})
