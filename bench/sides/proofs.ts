/** Who makes DPoP proofs (ES256), each for the same request. */
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { exportJWK, SignJWT } from "jose"
import * as oauth from "oauth4webapi"
import { repeatEffect } from "./repeatEffect.ts"
import { mustBe, repeat, type Side } from "./side.ts"

const url = new URL("https://op.example.com/register")

const effectDcr = async (): Promise<Side["run"]> => {
  const runtime = ManagedRuntime.make(DpopSigner.layer())
  const sign = Effect.flatMap(DpopSigner.DpopSigner, (signer) => signer.sign({ method: "POST", url }))
  const proof = await runtime.runPromise(sign)
  mustBe(proof._tag === "Some" && proof.value.jwt.split(".").length === 3, "a proof")
  return (total, inFlight) => runtime.runPromise(repeatEffect(sign, total, inFlight))
}

interface ProofMaker {
  readonly addProof: (url: URL, headers: Headers, method: string) => Promise<void>
}

/** Its way to a proof alone, which its declarations do not mention. */
const hasAddProof = (handle: object): handle is ProofMaker =>
  "addProof" in handle && typeof handle.addProof === "function"

const oauth4webapi = async (): Promise<Side["run"]> => {
  const handle = oauth.DPoP({}, await oauth.generateKeyPair("ES256"))
  if (!hasAddProof(handle)) throw new Error("oauth4webapi has no addProof any more")
  const once = async () => {
    const headers = new Headers()
    await handle.addProof(url, headers, "POST")
    return headers
  }
  mustBe((await once()).get("dpop")?.split(".").length === 3, "a proof")
  return repeat(once)
}

const jose = async (): Promise<Side["run"]> => {
  const { privateKey, publicKey } = await oauth.generateKeyPair("ES256", { extractable: true })
  const jwk = await exportJWK(publicKey)
  const once = () =>
    new SignJWT({ htm: "POST", htu: url.origin + url.pathname, jti: crypto.randomUUID() })
      .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk })
      .setIssuedAt()
      .sign(privateKey)
  return repeat(once)
}

/** The floor: the signature of so many bytes. */
const bareSignature = async (): Promise<Side["run"]> => {
  const { privateKey } = await oauth.generateKeyPair("ES256")
  const bytes = new TextEncoder().encode("x".repeat(380))
  const algorithm = { name: "ECDSA", hash: "SHA-256" }
  return repeat(() => crypto.subtle.sign(algorithm, privateKey, bytes))
}

export const proofMakers: Readonly<Record<string, (() => Promise<Side["run"]>) | undefined>> = {
  "effect-dcr": effectDcr,
  oauth4webapi,
  jose,
  "bare signature": bareSignature
}
