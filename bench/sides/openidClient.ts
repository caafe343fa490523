/** It discovers the server before each registration; that part is answered from memory, so that it is not measured. */
import * as oauth from "oauth4webapi"
import * as openid from "openid-client"
import { asked, metadata } from "../support/documents.ts"
import { type MakeSide, mustBe, repeat } from "./side.ts"

export const make: MakeSide = async (target) => {
  const keys = target.dpop ? await oauth.generateKeyPair("ES256") : undefined
  const server = new URL(target.origin)
  const document = JSON.stringify(metadata(target.origin, target.size))
  const headers = { "content-type": "application/json" }
  const customFetch: openid.CustomFetch = (url, options) =>
    url.includes("/.well-known/")
      ? Promise.resolve(new Response(document, { headers }))
      : fetch(url, { ...options, body: typeof options.body === "string" ? options.body : null })
  const options: openid.DynamicClientRegistrationRequestOptions = {
    ...(target.origin.startsWith("http:") ? { execute: [openid.allowInsecureRequests] } : undefined),
    [openid.customFetch]: customFetch,
    ...(keys === undefined ? undefined : { DPoP: oauth.DPoP({}, keys) })
  }
  const once = () => openid.dynamicClientRegistration(server, asked, undefined, options)
  mustBe(typeof (await once()).clientMetadata().client_id === "string", "a client")
  return { run: repeat(once) }
}
