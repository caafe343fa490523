import { assert, describe, it } from "@effect/vitest"
import { cleanServerText } from "../../../packages/core/src/internal/serverText.ts"

const clean = (text: unknown, secrets: ReadonlyArray<string> = []) => cleanServerText(text, secrets)

describe("cleanServerText", () => {
  it("keeps a sentence as it is", () => {
    assert.strictEqual(
      clean("The redirect URI is not allowed: https://app.example/cb?a=1"),
      "The redirect URI is not allowed: https://app.example/cb?a=1"
    )
    assert.strictEqual(clean("日本語 🔒 ü"), "日本語 🔒 ü")
    assert.strictEqual(clean("a < b and b > c"), "a < b and b > c")
  })

  it("shows nothing that is no text", () => {
    for (const value of [undefined, null, 5, true, {}, ["a"], "", " ", "\n\t\r\n", "\u0000\u200b\ufeff"]) {
      assert.isUndefined(clean(value), JSON.stringify(value))
    }
  })

  it("makes one line of many, and nothing invisible or turning", () => {
    const table: ReadonlyArray<readonly [text: string, shown: string]> = [
      ["one\ntwo\r\nthree", "one two three"],
      ["  a \t b  ", "a b"],
      ["a\u2028b\u2029c\u0085d\u000be", "a b c d e"],
      // An escape sequence of a terminal, a right-to-left override, a zero-width joiner, a byte order mark, a soft hyphen.
      ["\u001b[31mred\u001b[0m", "[31mred [0m"],
      ["a\u202eb\u200dc\ufeffd\u00ade", "a b c d e"],
      ["a\u0000b\u007fc\u009bd", "a b c d"],
      ["a\ud800b\udc00c", "a b c"]
    ]
    for (const [text, shown] of table) assert.strictEqual(clean(text), shown)
  })

  it("shows no markup", () => {
    for (
      const page of [
        "<!DOCTYPE html>no",
        "<!DOCTYPE html><p>no",
        "<html>",
        "  <HTML lang=\"en\">",
        "<?xml version=\"1.0\"?><error/>",
        "Sorry <script>alert(1)</script>",
        "Sorry <b>no</b>",
        "<img src=x onerror=alert(1)>",
        "<br/>"
      ]
    ) {
      assert.isUndefined(clean(page), page)
    }
  })

  it("is short, and cuts no character in two", () => {
    assert.strictEqual(clean("x".repeat(300)), "x".repeat(300))
    assert.strictEqual(clean("x".repeat(301)), `${"x".repeat(299)}…`)
    const locks = clean("🔒".repeat(500)) ?? ""
    assert.strictEqual(locks.at(-1), "…")
    assert.isAtMost(Array.from(locks).length, 300)
    assert.strictEqual(encodeURIComponent(locks).includes("%F0%9F%94%92%E2%80%A6"), true)
  })

  it("finds a secret that invisible characters take apart, and leaves them elsewhere what they are", () => {
    const hidden = ["s3cr\u200bet-s3cret", "s3cret-\u00ads3cr\u2060et", "\u202es3cret-s3c\ufeffret"]
    for (const text of hidden) assert.strictEqual(clean(`no ${text} here`, ["s3cret-s3cret"]), "no <redacted> here")
    assert.strictEqual(clean("a\u200bb", ["s3cret-s3cret"]), "a b")
  })

  it("finds a secret of which only some characters are percent-encoded, and leaves other texts what they are", () => {
    assert.strictEqual(clean("at /reg/s3cret%2F+s3cret", ["s3cret/+s3cret"]), "at /reg/<redacted>")
    assert.strictEqual(clean("100%25 of %C3%A4, %zz and %E4", ["s3cret/+s3cret"]), "100%25 of %C3%A4, %zz and %E4")
  })

  describe("secrets", () => {
    const secret = "s3cr/t+Ä&\"<~"
    const bytes = new TextEncoder().encode(secret)
    const echoes: ReadonlyArray<readonly [form: string, echo: string]> = [
      ["as it is", secret],
      ["percent-encoded", encodeURIComponent(secret)],
      [
        "percent-encoded in lower case",
        encodeURIComponent(secret).replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase())
      ],
      ["form-encoded", new URLSearchParams({ secret }).toString().slice("secret=".length)],
      ["as a JSON string", JSON.stringify(secret)],
      ["as a JSON string with escaped slashes", JSON.stringify(secret).replaceAll("/", "\\/")],
      ["as a JSON string in a JSON string", JSON.stringify(JSON.stringify({ secret }))],
      ["as HTML", secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\"", "&quot;")],
      ["as base64", Buffer.from(bytes).toString("base64")],
      ["as base64url", Buffer.from(bytes).toString("base64url")]
    ]
    for (const [form, echo] of echoes) {
      it(`are replaced: ${form}`, () => {
        const text = clean(`The token ${echo} and ${echo} is not good`, ["other", "", secret]) ?? ""
        assert.notInclude(text, echo)
        assert.notInclude(text, "s3cr")
        assert.match(text, /^The token \S+ and \S+ is not good$/)
        assert.include(text, "<redacted>")
      })
    }

    it("are replaced before the text is cut", () => {
      const long = "y".repeat(200)
      assert.notInclude(clean(`${"x".repeat(200)}${long}`, [long]) ?? "", "y")
    })

    it("with a space in them, form-encoded", () => {
      assert.strictEqual(clean("got a+b%2Bc", ["a b+c"]), "got <redacted>")
    })

    it("that no URL can hold do no harm", () => {
      assert.strictEqual(clean("got \ud800x", ["\ud800x"]), "got <redacted>")
      assert.strictEqual(clean("got nothing", ["\ud800"]), "got nothing")
    })

    it("which are empty do no harm", () => {
      assert.strictEqual(clean("abc", [""]), "abc")
    })
  })

  it("takes time in proportion to the length", () => {
    for (const unit of ["<", "< ", "<a", " ", "\n", "&", "a", "\u200b", "<a ".slice(0, 2)]) {
      const start = performance.now()
      clean(unit.repeat(1_000_000 / unit.length), ["secret-token"])
      assert.isBelow(performance.now() - start, 2_000, JSON.stringify(unit))
    }
  })
})
