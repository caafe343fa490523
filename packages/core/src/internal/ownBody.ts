/**
 * The body as the mark of a request. Whatever a client changes of the URL and the headers, the body stays the very same object.
 *
 * @internal
 */
import * as HttpClientRequest from "effect/http/HttpClientRequest"

/**
 * The request with a body that is an object of its own: that of a request without one is the same for all, and somebody may send
 * one request twice.
 */
export const withOwnBody = (
  { body, hash, headers, method, url, urlParams }: HttpClientRequest.HttpClientRequest
): HttpClientRequest.HttpClientRequest => {
  const own = Object.assign(like(Reflect.getPrototypeOf(body)), body)
  // Not `setBody`, which would write the headers anew.
  return HttpClientRequest.makeWith(method, url, urlParams, hash, headers, own)
}

const like: (prototype: object | null) => object = Object.create
