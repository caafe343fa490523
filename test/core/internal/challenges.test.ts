import { assert, describe, it } from "@effect/vitest"
import { parseChallenges } from "../../../packages/core/src/internal/challenges.ts"

const bearer = (parameters: Record<string, string> = {}) => ({ scheme: "Bearer", parameters })
const dpop = (parameters: Record<string, string> = {}) => ({ scheme: "DPoP", parameters })

/** What the grammar of RFC 9110 §11.6.1 allows. */
const wellFormed: ReadonlyArray<readonly [header: string, challenges: ReturnType<typeof parseChallenges>]> = [
  ["Bearer", [bearer()]],
  [`Bearer realm="a"`, [bearer({ realm: "a" })]],
  ["Bearer realm=a", [bearer({ realm: "a" })]],
  [`Bearer realm="a", error="invalid_token"`, [bearer({ realm: "a", error: "invalid_token" })]],
  [`Bearer realm="a,b", error=x`, [bearer({ realm: "a,b", error: "x" })]],
  [`Bearer realm="a, DPoP error=\\"x\\""`, [bearer({ realm: `a, DPoP error="x"` })]],
  [`Bearer realm="\\\\"`, [bearer({ realm: "\\" })]],
  [`Bearer realm=""`, [bearer({ realm: "" })]],
  [`Bearer realm = "a" , error\t=\tx`, [bearer({ realm: "a", error: "x" })]],
  [`Bearer REALM="A"`, [bearer({ realm: "A" })]],
  ["Bearer, DPoP", [bearer(), dpop()]],
  [
    `Bearer realm="a", error="invalid_token", DPoP algs="ES256 PS256", error="use_dpop_nonce"`,
    [bearer({ realm: "a", error: "invalid_token" }), dpop({ algs: "ES256 PS256", error: "use_dpop_nonce" })]
  ],
  [
    `DPoP algs="ES256", DPoP error="use_dpop_nonce"`,
    [dpop({ algs: "ES256" }), dpop({ error: "use_dpop_nonce" })]
  ],
  ["Negotiate YWJj", [{ scheme: "Negotiate", token68: "YWJj", parameters: {} }]],
  ["Negotiate YWI=, Bearer", [{ scheme: "Negotiate", token68: "YWI=", parameters: {} }, bearer()]],
  ["Negotiate YQ==", [{ scheme: "Negotiate", token68: "YQ==", parameters: {} }]],
  ["Bearer a=b", [bearer({ a: "b" })]],
  [
    `Digest qop="auth, auth-int", algorithm=SHA-256, nonce="7=/+", Basic realm="x"`,
    [
      { scheme: "Digest", parameters: { qop: "auth, auth-int", algorithm: "SHA-256", nonce: "7=/+" } },
      { scheme: "Basic", parameters: { realm: "x" } }
    ]
  ],
  [", ,Bearer ,, realm=a,,", [bearer({ realm: "a" })]],
  [`x-custom!#$%&'*+-.^_\`|~1 a=b`, [{ scheme: "x-custom!#$%&'*+-.^_`|~1", parameters: { a: "b" } }]]
]

/** What servers and strangers send besides. Nothing is invented: no scheme that is not at the place of one. */
const malformed: ReadonlyArray<readonly [header: string, challenges: ReturnType<typeof parseChallenges>]> = [
  ["", []],
  ["   ", []],
  [",,,,", []],
  ["=", []],
  [`"Bearer"`, []],
  [`realm="a", Bearer error=x`, [bearer({ error: "x" })]],
  // Without commas between the parameters, as some frameworks write them.
  [`Bearer realm="a" error="invalid_token"`, [bearer({ realm: "a", error: "invalid_token" })]],
  [`DPoP error="use_dpop_nonce" algs="ES256"`, [dpop({ error: "use_dpop_nonce", algs: "ES256" })]],
  // Unquoted values with characters that no token has.
  ["Bearer scope=a:b/c, key=YQ==, error=x", [bearer({ scope: "a:b/c", key: "YQ==", error: "x" })]],
  ["Bearer realm=My Realm, error=x", [bearer({ realm: "My", error: "x" })]],
  [`Bearer realm="a"b, error=x`, [bearer({ realm: "a", error: "x" })]],
  [`Bearer "stray", error=x`, [bearer({ error: "x" })]],
  // A quote that is never closed: what follows is inside it.
  [`Bearer realm="a, DPoP error=use_dpop_nonce`, [bearer()]],
  [`Bearer error=x, realm="a\\"`, [bearer({ error: "x" })]],
  // By the grammar, `error=` is a token68.
  ["Bearer error=, realm=a", [{ scheme: "Bearer", token68: "error=", parameters: { realm: "a" } }]],
  ["Bearer realm=a, error=, scope=x", [bearer({ realm: "a", scope: "x" })]],
  ["Bearer error=x, error=y", [bearer({ error: "x" })]],
  ["Bearer (comment), error=x", [bearer({ error: "x" })]],
  ["Bearer @@@ error=x", [bearer({ error: "x" })]],
  ["Bearer \u0000\u0001", [bearer()]],
  ["\u{1f512} Bearer", []],
  ["\u{1f512}, Bearer", [bearer()]]
]

describe("parseChallenges", () => {
  for (const [header, challenges] of [...wellFormed, ...malformed]) {
    it(JSON.stringify(header), () => {
      assert.deepStrictEqual(parseChallenges(header), challenges)
    })
  }

  it("no header, no challenges", () => {
    assert.deepStrictEqual(parseChallenges(undefined), [])
  })

  it("names of inherited properties are parameters like any other", () => {
    const [challenge] = parseChallenges(`Bearer constructor=a, toString="b", __proto__=c, hasOwnProperty=d`)
    assert.deepStrictEqual(Object.entries(challenge?.parameters ?? {}), [
      ["constructor", "a"],
      ["tostring", "b"],
      ["__proto__", "c"],
      ["hasownproperty", "d"]
    ])
    assert.strictEqual(Object.getPrototypeOf(challenge?.parameters), Object.prototype)
  })

  it("a header longer than 16,384 characters is not looked at", () => {
    const header = (length: number) => `Bearer a="${"x".repeat(length - 11)}"`
    assert.strictEqual(parseChallenges(header(16_384)).length, 1)
    assert.deepStrictEqual(parseChallenges(header(16_385)), [])
  })

  it("takes time in proportion to the length, whatever it is made of", () => {
    const units = [
      ",",
      " ",
      "a",
      "a ",
      "a,",
      `"`,
      `\\"`,
      "=",
      "a=",
      `a="`,
      `a="\\`,
      `a="b"c `,
      `x a="b\\"`,
      `x a="\\",`,
      "x a=b,",
      "x a= ",
      "x  \t",
      "a=\t\t",
      `"",`
    ]
    for (const unit of units) {
      const header = unit.repeat(Math.floor(16_384 / unit.length))
      // The best of some: a machine that is busy with something else is no fault of the parser.
      const times = Array.from({ length: 5 }, () => {
        const start = performance.now()
        parseChallenges(header)
        parseChallenges(`Bearer ${header.slice(0, 16_000)}`)
        parseChallenges(`Bearer a="${header.slice(0, 16_000)}`)
        return performance.now() - start
      })
      // Linear is some milliseconds on the slowest machine; quadratic would be 100 million steps and more.
      assert.isBelow(Math.min(...times), 250, JSON.stringify(unit))
    }
  })
})
