import { assert, describe, it } from "@effect/vitest"
import { HttpClientRequest, HttpClientResponse } from "effect/http"
import { demandsNonce } from "../../../packages/core/src/internal/nonceDemand.ts"

const request = HttpClientRequest.post("https://op.example/register")

const demands = (status: number, headers: Record<string, string>, body?: unknown) => {
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body)
  const response = HttpClientResponse.fromWeb(request, new Response(null, { status, headers }))
  return demandsNonce({ request, response, status, headers: response.headers, text, isTruncated: false })
}

const challenge = (value: string) => ({ "www-authenticate": value })

describe("demandsNonce", () => {
  it("is told by the body of an authorization server (RFC 9449 §8)", () => {
    assert.isTrue(demands(400, {}, { error: "use_dpop_nonce" }))
    assert.isTrue(demands(401, {}, { error: "use_dpop_nonce" }))
    assert.isTrue(demands(400, { "content-type": "text/html" }, `\ufeff{"error":"use_dpop_nonce"}`))
  })

  it("is told by the challenge of a resource (RFC 9449 §9), wherever it stands and however it is spelt", () => {
    for (
      const value of [
        `DPoP error="use_dpop_nonce", error_description="..."`,
        "DPoP error=use_dpop_nonce",
        `dpop ERROR="USE_DPOP_NONCE"`,
        `DPOP realm="a, b", error="use_dpop_nonce"`,
        `Bearer realm="x", error="invalid_token", DPoP algs="ES256", error="use_dpop_nonce"`,
        `DPoP error="use_dpop_nonce", Bearer realm="x"`,
        // Two challenges of one scheme.
        `DPoP algs="ES256", DPoP error="use_dpop_nonce"`,
        `DPoP error="use_dpop_nonce" algs="ES256"`
      ]
    ) {
      assert.isTrue(demands(401, challenge(value)), value)
      assert.isTrue(demands(400, challenge(value)), value)
    }
  })

  it("is not told by anything else", () => {
    assert.isFalse(demands(400, {}))
    assert.isFalse(demands(400, {}, "use_dpop_nonce"))
    assert.isFalse(demands(400, {}, ["use_dpop_nonce"]))
    assert.isFalse(demands(400, {}, { error: ["use_dpop_nonce"] }))
    assert.isFalse(demands(400, {}, { error: "invalid_dpop_proof" }))
    assert.isFalse(demands(400, {}, { error_description: "use_dpop_nonce" }))
    assert.isFalse(demands(401, challenge(`DPoP error="invalid_dpop_proof"`)))
    assert.isFalse(demands(401, challenge(`Bearer error="use_dpop_nonce"`)))
    assert.isFalse(demands(401, challenge(`Bearer realm="DPoP error=use_dpop_nonce"`)))
    assert.isFalse(demands(401, { "dpop-nonce": "n" }))
  })

  it("only 400 and 401 demand", () => {
    for (const status of [200, 201, 403, 404, 500, 503]) {
      assert.isFalse(
        demands(status, challenge(`DPoP error="use_dpop_nonce"`), { error: "use_dpop_nonce" }),
        String(status)
      )
    }
  })
})
