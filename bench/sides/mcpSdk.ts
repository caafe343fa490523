/** `registerClient` of the SDK of the Model Context Protocol. It makes no proofs. */
import { registerClient } from "@modelcontextprotocol/sdk/client/auth.js"
import { asked, metadata } from "../support/documents.ts"
import { type MakeSide, mustBe, repeat } from "./side.ts"

export const make: MakeSide = async (target) => {
  mustBe(!target.dpop, "the MCP SDK makes no proofs")
  const server = metadata(target.origin, target.size)
  const once = () => registerClient(target.origin, { metadata: server, clientMetadata: asked })
  mustBe(typeof (await once()).client_id === "string", "a client")
  return { run: repeat(once) }
}
