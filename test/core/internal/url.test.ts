import { assert, describe, it } from "@effect/vitest"
import { displayUrl, isLoopbackHost, isNativeRedirect } from "../../../packages/core/src/internal/url.ts"

describe("displayUrl", () => {
  it("shows origin and path, and nothing that can hold a secret", () => {
    const table: ReadonlyArray<readonly [url: string, shown: string]> = [
      ["https://op.example/register", "https://op.example/register"],
      ["https://user:password@op.example:8443/a?token=s3cret#s3cret", "https://op.example:8443/a"],
      ["https://op.example", "https://op.example/"],
      ["com.example.app:/cb?code=s3cret", "com.example.app:///cb"],
      ["https://op.example/a\nb", "https://op.example/ab"],
      ["https://op.example/\u202e", "https://op.example/%E2%80%AE"],
      ["/relative", "(not a URL)"],
      ["", "(not a URL)"],
      ["https://", "(not a URL)"]
    ]
    for (const [url, shown] of table) assert.strictEqual(displayUrl(url), shown)
    assert.strictEqual(displayUrl(new URL("https://a:b@op.example/?x#y")), "https://op.example/")
  })

  it("resolves against a base", () => {
    const base = new URL("https://op.example/a/b?c")
    assert.strictEqual(displayUrl("../login?token=s3cret", base), "https://op.example/login")
    assert.strictEqual(displayUrl("//evil.example/x", base), "https://evil.example/x")
    assert.strictEqual(displayUrl("http://[", base), "(not a URL)")
  })
})

describe("isNativeRedirect (RFC 8252 §7)", () => {
  it("is http on loopback, or a custom scheme", () => {
    for (const uri of ["http://localhost:3000/cb", "http://127.0.0.1/", "http://[::1]/", "com.example.app:/cb"]) {
      assert.isTrue(isNativeRedirect(uri), uri)
    }
    for (const uri of ["https://localhost/cb", "https://app.example/", "http://app.example/", "/cb", "", 5, null]) {
      assert.isFalse(isNativeRedirect(uri), String(uri))
    }
  })
})

describe("isLoopbackHost", () => {
  const hostname = (host: string) => new URL(`http://${host}/`).hostname

  it("knows the machine itself by its names and addresses (RFC 8252 §7.3)", () => {
    for (
      const host of ["localhost", "LOCALHOST", "app.localhost", "127.0.0.1", "127.1.2.3", "127.1", "0x7f.1", "[::1]"]
    ) {
      assert.isTrue(isLoopbackHost(hostname(host)), host)
    }
  })

  it("and no other machine", () => {
    for (
      const host of [
        "localhost.example",
        "notlocalhost",
        "127.0.0.1.example",
        "128.0.0.1",
        "10.0.0.1",
        "0.0.0.0",
        "[::]"
      ]
    ) {
      assert.isFalse(isLoopbackHost(hostname(host)), host)
    }
  })
})
