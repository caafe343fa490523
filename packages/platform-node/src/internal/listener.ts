/**
 * The fiber that waits for the head of an answer.
 *
 * A class, not a literal with two functions: V8 may come to make such a literal in its old space, from where it would keep all
 * that the request holds until the next full collection.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import { NodeResponse, type RawHeaders } from "./response.ts"
import type { Transfer, TransferListener } from "./transfer.ts"

type Resume = (effect: Effect.Effect<HttpClientResponse, HttpClientError.HttpClientError>) => void

export class Listener implements TransferListener {
  private readonly request: HttpClientRequest
  private readonly href: string
  private readonly abandoned: FinalizationRegistry<Transfer> | undefined
  private readonly resume: Resume

  /** With `abandoned`, a response that is collected while its body is still on its way lets go of its transfer. */
  constructor(
    request: HttpClientRequest,
    href: string,
    abandoned: FinalizationRegistry<Transfer> | undefined,
    resume: Resume
  ) {
    this.request = request
    this.href = href
    this.abandoned = abandoned
    this.resume = resume
  }

  onHead(transfer: Transfer, status: number, headers: RawHeaders): void {
    const response = new NodeResponse(this.request, this.href, status, headers, transfer)
    if (!transfer.isOver) this.abandoned?.register(response, transfer)
    this.resume(Effect.succeed(response))
  }

  onFailure(cause: unknown): void {
    this.resume(Effect.fail(
      new HttpClientError.HttpClientError({
        reason: new HttpClientError.TransportError({ request: this.request, cause })
      })
    ))
  }
}
