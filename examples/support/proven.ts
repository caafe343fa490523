/** Requests of the application itself, with the proofs of the signer that made those of the registration. */
import { DpopSigner } from "@effect-dcr/core"
import { Effect, Option, type Redacted } from "effect"
import { Headers, HttpClient, HttpClientRequest } from "effect/http"

/**
 * Sends a request with a DPoP proof, if the signer makes proofs; once more if the server demands its nonce (RFC 9449 §8, §9).
 * An access token goes with the scheme that belongs to it.
 */
export const execute = Effect.fnUntraced(function*(
  request: HttpClientRequest.HttpClientRequest,
  accessToken?: Redacted.Redacted<string>
) {
  const signer = yield* DpopSigner.DpopSigner
  const client = yield* HttpClient.HttpClient
  const url = Option.getOrThrow(HttpClientRequest.toUrl(request))
  const send = Effect.gen(function*() {
    const proof = yield* signer.sign({ method: request.method, url, accessToken })
    const response = yield* client.execute(
      Option.match(proof, {
        onNone: () => request,
        onSome: ({ jwt }) => HttpClientRequest.setHeader(request, "dpop", jwt)
      })
    )
    const nonce = Headers.get(response.headers, "dpop-nonce")
    if (Option.isSome(nonce)) yield* signer.learn(url, nonce.value)
    const used = Option.flatMapNullishOr(proof, (proof) => proof.nonce)
    const isNew = Option.isSome(proof) && Option.isSome(nonce) && nonce.value !== Option.getOrUndefined(used)
    return { response, isDemand: isNew && (response.status === 400 || response.status === 401) }
  })
  const first = yield* send
  return first.isDemand ? (yield* send).response : first.response
})
