import * as oauth from "oauth4webapi"
import { asked, metadata } from "../support/documents.ts"
import { type MakeSide, mustBe, repeat } from "./side.ts"

export const make: MakeSide = async (target) => {
  const server: oauth.AuthorizationServer = metadata(target.origin, target.size)
  const keys = target.dpop ? await oauth.generateKeyPair("ES256") : undefined
  const options: oauth.DynamicClientRegistrationRequestOptions = {
    [oauth.allowInsecureRequests]: target.origin.startsWith("http:"),
    ...(keys === undefined ? undefined : { DPoP: oauth.DPoP({}, keys) })
  }
  const once = async () => {
    const response = await oauth.dynamicClientRegistrationRequest(server, asked, options)
    return oauth.processDynamicClientRegistrationResponse(response)
  }
  mustBe(typeof (await once()).client_id === "string", "a client")
  return { run: repeat(once) }
}
