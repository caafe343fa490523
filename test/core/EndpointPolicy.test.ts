import * as EndpointPolicy from "@effect-dcr/core/EndpointPolicy"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { BlockList } from "node:net"

const judge = (policy: EndpointPolicy.EndpointPolicy, url: string, allowInsecure = false) =>
  policy.judgeUrl(new URL(url), { role: "issuer", allowInsecure })?.rule

const judgeAddress = (address: string) => EndpointPolicy.publicOnly.judgeAddress?.(address)?.rule

/** An address as the host of a URL. */
const host = (address: string) => address.includes(":") ? `[${address}]` : address

// The rows of the IANA IPv4 and IPv6 Special-Purpose Address Registries that are not globally reachable, the multicast
// blocks, and the retired transition and site-local blocks: the first and the last address of each.
const notPublic: ReadonlyArray<readonly [first: string, last: string]> = [
  ["0.0.0.0", "0.255.255.255"],
  ["10.0.0.0", "10.255.255.255"],
  ["100.64.0.0", "100.127.255.255"],
  ["127.0.0.0", "127.255.255.255"],
  ["169.254.0.0", "169.254.255.255"],
  ["172.16.0.0", "172.31.255.255"],
  ["192.0.0.0", "192.0.0.255"],
  ["192.0.2.0", "192.0.2.255"],
  ["192.88.99.0", "192.88.99.255"],
  ["192.168.0.0", "192.168.255.255"],
  ["198.18.0.0", "198.19.255.255"],
  ["198.51.100.0", "198.51.100.255"],
  ["203.0.113.0", "203.0.113.255"],
  ["224.0.0.0", "239.255.255.255"],
  ["240.0.0.0", "255.255.255.255"],
  ["::", "::"],
  ["::1", "::1"],
  // IPv4-compatible (RFC 4291 §2.5.5.1) and IPv4-translated (RFC 2765)
  ["::0.0.0.2", "::255.255.255.255"],
  ["::ffff:0:0.0.0.0", "::ffff:0:255.255.255.255"],
  // NAT64 for local use (RFC 8215), discard-only (RFC 6666), dummy (RFC 9780)
  ["64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"],
  ["100::", "100::ffff:ffff:ffff:ffff"],
  ["100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff"],
  // IETF protocol assignments with Teredo, benchmarking, ORCHID, ORCHIDv2, DRIP
  ["2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"],
  ["2001:10::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]
]

/** Public addresses, among them the neighbours on both sides of every block above that has public neighbours. */
const publicAddresses = [
  "1.0.0.0",
  "1.1.1.1",
  "8.8.8.8",
  "9.255.255.255",
  "11.0.0.0",
  "100.63.255.255",
  "100.128.0.0",
  "126.255.255.255",
  "128.0.0.0",
  "169.253.255.255",
  "169.255.0.0",
  "172.15.255.255",
  "172.32.0.0",
  "191.255.255.255",
  "192.0.1.0",
  "192.0.1.255",
  "192.0.3.0",
  "192.88.98.255",
  "192.88.100.0",
  "192.167.255.255",
  "192.169.0.0",
  "198.17.255.255",
  "198.20.0.0",
  "198.51.99.255",
  "198.51.101.0",
  "203.0.112.255",
  "203.0.114.0",
  "223.255.255.255",
  "2000::",
  "2001:200::",
  "2001:4860:4860::8888",
  "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
  "2001:db9::",
  "2003::",
  "2606:4700:4700::1111",
  "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
  "3fff:1000::",
  // how the public IPv4 internet looks through IPv4-mapped addresses and NAT64
  "::ffff:8.8.8.8",
  "::ffff:808:808",
  "64:ff9b::8.8.8.8",
  "64:ff9b::808:808"
]

describe("EndpointPolicy", () => {
  describe("httpsOrLoopback", () => {
    it("is in force where nothing else is provided", () => {
      const policy = Effect.runSync(Effect.gen(function*() {
        return yield* EndpointPolicy.EndpointPolicy
      }))
      assert.strictEqual(policy, EndpointPolicy.httpsOrLoopback)
    })

    it.for([
      "https://op.example.com",
      "https://10.0.0.1/tenant",
      "https://localhost",
      "http://localhost:3000",
      "http://127.0.0.1:8080/a",
      "http://127.1",
      "http://127.255.255.254",
      "http://[::1]:80"
    ])("lets %s pass", (url) => {
      assert.isUndefined(judge(EndpointPolicy.httpsOrLoopback, url))
    })

    it.for([
      ["http://op.example.com", "InsecureScheme"],
      ["http://10.0.0.1", "InsecureScheme"],
      ["http://127.0.0.1.example.com", "InsecureScheme"],
      ["http://localhost.example.com", "InsecureScheme"],
      ["http://op.localhost", "InsecureScheme"],
      ["http://[::2]", "InsecureScheme"],
      ["ftp://op.example.com", "InsecureScheme"],
      ["javascript:alert(1)", "InsecureScheme"],
      ["file:///etc/passwd", "InsecureScheme"],
      ["https://user@op.example.com", "UserInformation"],
      ["https://:password@op.example.com", "UserInformation"]
    ])("refuses %s as %s", ([url = "", rule]) => {
      assert.strictEqual(judge(EndpointPolicy.httpsOrLoopback, url), rule)
    })

    it("lets plain http pass for a caller who says so, and nothing else", () => {
      assert.isUndefined(judge(EndpointPolicy.httpsOrLoopback, "http://op.example.com", true))
      assert.strictEqual(judge(EndpointPolicy.httpsOrLoopback, "ftp://op.example.com", true), "InsecureScheme")
      assert.strictEqual(judge(EndpointPolicy.httpsOrLoopback, "http://a:b@op.example.com", true), "UserInformation")
    })
  })

  describe("httpsOrLoopback, for a URL that an issuer named", () => {
    const named = (issuer: string, url = "http://localhost:2375/containers/create", allowInsecure = false) =>
      EndpointPolicy.httpsOrLoopback.judgeUrl(new URL(url), { role: "registration_endpoint", allowInsecure, issuer })
        ?.rule

    it.for(["http://localhost:3000", "https://localhost", "http://127.0.0.1/a", "https://[::1]:8443"])(
      "lets plain http on loopback pass for %s",
      (issuer) => {
        assert.isUndefined(named(issuer))
        assert.isUndefined(named(issuer, "http://127.0.0.1:1"))
      }
    )

    it.for([
      "https://op.example.com",
      "https://op.localhost",
      "https://localhost.example.com",
      "https://10.0.0.1",
      "no URL",
      ""
    ])(
      "refuses plain http on loopback for %j",
      (issuer) => {
        for (const url of ["http://localhost:2375/containers/create", "http://127.0.0.1", "http://[::1]:80"]) {
          assert.strictEqual(named(issuer, url), "InsecureScheme")
        }
        assert.isUndefined(named(issuer, "https://op.example.com/register"))
        assert.isUndefined(named(issuer, undefined, true))
      }
    )
  })

  describe("publicOnly", () => {
    it.for(notPublic.flat())("refuses the address %s", (address) => {
      assert.strictEqual(judgeAddress(address), "PrivateAddress")
      assert.strictEqual(judge(EndpointPolicy.publicOnly, `https://${host(address)}/`), "PrivateAddress")
    })

    it.for(publicAddresses)("lets the address %s pass", (address) => {
      assert.isUndefined(judgeAddress(address))
      assert.isUndefined(judge(EndpointPolicy.publicOnly, `https://${host(address)}/`))
    })

    it("agrees with the address filter of Node on every one of 20,000 addresses", () => {
      const filter = new BlockList()
      for (const [first, last] of notPublic) {
        filter.addRange(first, last, first.includes(":") ? "ipv6" : "ipv4")
      }
      filter.addAddress("168.63.129.16")
      // Outside of 2000::/3 everything is refused, but for the two blocks that carry public IPv4 addresses.
      filter.addRange("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ipv6")
      let state = 20260325
      const random = (below: number) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0
        return Math.floor((state / 2 ** 32) * below)
      }
      for (let round = 0; round < 10_000; round++) {
        const octets = Array.from({ length: 4 }, () => random(256))
        const segments = Array.from({ length: 8 }, () => random(65536))
        segments[0] = 0x2000 + random(0xe000)
        if (round % 4 === 0) segments[0] = 0x2001
        if (round % 8 === 0) segments[1] = random(0x400)
        for (
          const [address, family] of [
            [octets.join("."), "ipv4"],
            [segments.map((segment) => segment.toString(16)).join(":"), "ipv6"]
          ] as const
        ) {
          assert.strictEqual(judgeAddress(address) !== undefined, filter.check(address, family), address)
        }
      }
    })

    it.for([
      "::ffff:10.0.0.1",
      "::ffff:7f00:1",
      "::ffff:169.254.169.254",
      "64:ff9b::192.168.1.1",
      "64:ff9b::7f00:1",
      "2002:7f00:1::",
      "2002:a9fe:a9fe::1",
      "2001:0:4136:e378:8000:63bf:3fff:fdd2",
      "fd00:ec2::254",
      "169.254.169.254",
      "168.63.129.16"
    ])("refuses %s, which hides or is a private address", (address) => {
      assert.strictEqual(judgeAddress(address), "PrivateAddress")
      assert.strictEqual(judge(EndpointPolicy.publicOnly, `https://${host(address)}/`), "PrivateAddress")
    })

    it.for([
      "2130706433",
      "0x7f000001",
      "0x7f.1",
      "0177.0.0.1",
      "127.1",
      "127.0.0.1.",
      "①②⑦.⓪.⓪.①",
      "127。0。0。1",
      "%31%32%37.0.0.1",
      "0",
      "3232235777",
      "[::ffff:127.0.0.1]",
      "[0:0:0:0:0:0:0:1]",
      "[0000::0001]"
    ])("refuses the spelling https://%s/ of a private address", (spelling) => {
      assert.strictEqual(judge(EndpointPolicy.publicOnly, `https://${spelling}/`), "PrivateAddress")
    })

    it.for([
      "localhost",
      "LOCALHOST",
      "ⓛocalhost",
      "localhost.",
      "op.localhost",
      "op.localhost.",
      "localhost.localdomain",
      "printer.local",
      "metadata.google.internal",
      "idp.test",
      "idp.invalid",
      "idp.onion",
      "idp.alt",
      "vault.service.consul",
      "idp.auth.svc",
      "idp.auth.svc.cluster.local",
      "router.home.arpa",
      "router.home.arpa",
      "nas.lan",
      "idp.corp",
      "idp.intranet",
      "intranet",
      "kubernetes",
      "op.example.com.",
      "10.0.0.1.",
      "a..localhost"
    ])("refuses the local name https://%s/", (name) => {
      assert.strictEqual(judge(EndpointPolicy.publicOnly, `https://${name}/`), "PrivateAddress")
    })

    it.for([
      "op.example.com",
      "localhost.example.com",
      "local.example.com",
      "internal.example.com",
      "notlocal.example",
      "mylocal.dev",
      "10.0.0.1.example.com",
      "1.example",
      "xn--bcher-kva.example",
      "home.arpa.example.com"
    ])("lets the name https://%s/ pass", (name) => {
      assert.isUndefined(judge(EndpointPolicy.publicOnly, `https://${name}/`))
      assert.isUndefined(judge(EndpointPolicy.publicOnly, `https://${name}:8443/tenant`))
    })

    it("refuses plain http, also on loopback and for a caller who allows it", () => {
      for (const url of ["http://op.example.com", "http://localhost", "http://127.0.0.1"]) {
        assert.strictEqual(judge(EndpointPolicy.publicOnly, url), "InsecureScheme")
        assert.strictEqual(judge(EndpointPolicy.publicOnly, url, true), "InsecureScheme")
      }
      assert.strictEqual(judge(EndpointPolicy.publicOnly, "https://a:b@op.example.com"), "UserInformation")
    })

    it.for(["", "op.example.com", "10.0.0.1:80", "fe80::1%eth0", "2606:4700::1%1", "1.2.3", "1.2.3.4.5", "08.8.8.8"])(
      "refuses to connect to %j, which is no address",
      (address) => {
        assert.strictEqual(judgeAddress(address), "PrivateAddress")
      }
    )

    it("does not say which address it was", () => {
      const refusal = EndpointPolicy.publicOnly.judgeAddress?.("10.1.2.3")
      assert.notInclude(JSON.stringify(refusal), "10.1.2.3")
      assert.include(refusal?.message, "private use")
    })

    it.effect("is put in force by its layer", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* EndpointPolicy.EndpointPolicy, EndpointPolicy.publicOnly)
      }).pipe(Effect.provide(EndpointPolicy.layerPublicOnly)))
  })

  describe("withRule", () => {
    const standardPort = EndpointPolicy.withRule(
      EndpointPolicy.publicOnly,
      (url, { role }) => url.port === "" ? undefined : `the ${role} is on another port`
    )

    it("adds a rule to those that are there", () => {
      assert.isUndefined(judge(standardPort, "https://op.example.com"))
      assert.strictEqual(judge(standardPort, "http://op.example.com:80"), "InsecureScheme")
      assert.strictEqual(judge(standardPort, "https://10.0.0.1:8443"), "PrivateAddress")
      assert.deepStrictEqual(
        standardPort.judgeUrl(new URL("https://op.example.com:8443"), { role: "issuer", allowInsecure: false }),
        { rule: "Custom", message: "the issuer is on another port" }
      )
    })

    it("keeps the judge of addresses", () => {
      assert.strictEqual(standardPort.judgeAddress?.("10.0.0.1")?.rule, "PrivateAddress")
    })
  })

  describe("allowHosts", () => {
    const policy = EndpointPolicy.allowHosts(EndpointPolicy.httpsOrLoopback, [
      "OP.example.com",
      "*.tenants.example",
      "[2001:db8::1]"
    ])

    it.for([
      "https://op.example.com",
      "https://OP.EXAMPLE.COM:8443/a",
      "https://a.tenants.example",
      "https://a.b.tenants.example",
      "https://[2001:db8::1]"
    ])("lets %s pass", (url) => {
      assert.isUndefined(judge(policy, url))
    })

    it.for([
      "https://example.com",
      "https://evil-op.example.com",
      "https://op.example.com.evil.example",
      "https://tenants.example",
      "https://eviltenants.example",
      "https://localhost"
    ])("refuses %s", (url) => {
      assert.strictEqual(judge(policy, url), "Custom")
    })

    it("narrows, it does not widen", () => {
      assert.strictEqual(judge(policy, "http://op.example.com"), "InsecureScheme")
    })

    it.effect("is put in force by a layer", () =>
      Effect.gen(function*() {
        assert.strictEqual(judge(yield* EndpointPolicy.EndpointPolicy, "https://op.example.org"), "Custom")
      }).pipe(Effect.provide(EndpointPolicy.layer(policy))))
  })
})
