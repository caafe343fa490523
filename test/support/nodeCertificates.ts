/**
 * X.509 certificates for TLS on loopback, made anew by every test that needs them: no private key lies in the repository, and
 * none of them can expire there.
 */
import * as Crypto from "node:crypto"
import * as Net from "node:net"

export interface Certificate {
  readonly cert: string
  readonly key: string
}

interface Authority extends Certificate {
  readonly name: string
  readonly privateKey: Crypto.KeyObject
}

export interface CertificateOptions {
  readonly commonName: string
  /** DNS names and IP addresses. */
  readonly altNames?: ReadonlyArray<string> | undefined
  /** Who signs it; itself when absent. */
  readonly authority?: Authority | undefined
  /** Days from now until it ends. Default: 2. */
  readonly days?: number | undefined
}

/** A certificate authority of its own. */
export const makeAuthority = (commonName: string): Authority => {
  const keys = Crypto.generateKeyPairSync("ec", { namedCurve: "P-256" })
  const basicConstraints = extension("551d13", sequence(tag(0x01, Buffer.from([0xff]))))
  return {
    name: commonName,
    privateKey: keys.privateKey,
    key: keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: sign(keys.publicKey, commonName, 2, [basicConstraints], commonName, keys.privateKey)
  }
}

/** A certificate for a server or a client. */
export const makeCertificate = (options: CertificateOptions): Certificate => {
  const keys = Crypto.generateKeyPairSync("ec", { namedCurve: "P-256" })
  const altNames = (options.altNames ?? []).map((name) =>
    Net.isIPv4(name)
      ? tag(0x87, Buffer.from(name.split(".").map(Number)))
      : name === "::1"
      ? tag(0x87, Buffer.concat([Buffer.alloc(15), Buffer.from([1])]))
      : tag(0x82, Buffer.from(name))
  )
  return {
    key: keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: sign(
      keys.publicKey,
      options.commonName,
      options.days ?? 2,
      altNames.length === 0 ? [] : [extension("551d11", sequence(...altNames))],
      options.authority?.name ?? options.commonName,
      options.authority?.privateKey ?? keys.privateKey
    )
  }
}

/** The same key, encrypted with a passphrase. */
export const encryptKey = (key: string, passphrase: string): string =>
  Crypto.createPrivateKey(key).export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase }).toString()

const sign = (
  publicKey: Crypto.KeyObject,
  subject: string,
  days: number,
  extensions: ReadonlyArray<Buffer>,
  issuer: string,
  issuerKey: Crypto.KeyObject
): string => {
  const ecdsaWithSha256 = sequence(tag(0x06, Buffer.from("2a8648ce3d040302", "hex")))
  const now = Date.now()
  const toBeSigned = sequence(
    tag(0xa0, tag(0x02, Buffer.from([2]))),
    tag(0x02, Buffer.concat([Buffer.from([0x01]), Crypto.randomBytes(15)])),
    ecdsaWithSha256,
    nameOf(issuer),
    sequence(time(now + Math.min(0, days - 1) * 86_400_000 - 3_600_000), time(now + days * 86_400_000)),
    nameOf(subject),
    publicKey.export({ type: "spki", format: "der" }),
    ...(extensions.length === 0 ? [] : [tag(0xa3, sequence(...extensions))])
  )
  const signature = Crypto.sign("sha256", toBeSigned, issuerKey)
  const der = sequence(toBeSigned, ecdsaWithSha256, tag(0x03, Buffer.concat([Buffer.from([0]), signature])))
  const lines = der.toString("base64").match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`
}

const nameOf = (commonName: string): Buffer =>
  sequence(tag(0x31, sequence(tag(0x06, Buffer.from("550403", "hex")), tag(0x0c, Buffer.from(commonName)))))

const extension = (oid: string, value: Buffer): Buffer => sequence(tag(0x06, Buffer.from(oid, "hex")), tag(0x04, value))

const time = (millis: number): Buffer =>
  tag(0x18, Buffer.from(new Date(millis).toISOString().replace(/[-:T]|\.\d+/g, "")))

const sequence = (...parts: ReadonlyArray<Buffer>): Buffer => tag(0x30, Buffer.concat(parts))

/** Tag, length, value (X.690 §8.1). */
const tag = (id: number, content: Buffer): Buffer => {
  const { length } = content
  const head = length < 0x80
    ? [id, length]
    : length < 0x100
    ? [id, 0x81, length]
    : [id, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), content])
}
