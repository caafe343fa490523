/**
 * `npm run playground`: the page in which a person registers a client, with a server to try it on. Ctrl-C ends both.
 *
 * ```
 * npm run playground                    starts an oidc-provider and the page, and prints the URL
 * npm run playground -- --no-server     the page alone
 * npm run playground -- --port 5173     on a port of your choice, so that the page finds what it kept the last time
 * ```
 */
import { parseArgs } from "node:util"
import { startPage } from "../packages/platform-browser/playground/server/page.ts"
import { startAuthorizationServer } from "../packages/platform-browser/playground/server/start.ts"
import { main } from "./support/run.ts"

/** 0 is a port of the system's choice. */
const readPort = (text: string): number => {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error("--port is a number from 0 to 65535")
  return port
}

main(async () => {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      server: { type: "boolean", default: true }
    },
    allowNegative: true
  })
  const port = readPort(values.port)
  const server = values.server ? await startAuthorizationServer() : undefined
  try {
    const page = await startPage(port)
    const url = new URL(page.url)
    if (server !== undefined) url.searchParams.set("issuer", server.issuer)
    process.stdout.write(
      [
        ...(server === undefined ? [] : [`authorization server  ${server.issuer}`]),
        `playground            ${url.href}`,
        "Ctrl-C ends it",
        ""
      ].join("\n")
    )
    process.once("exit", () => server?.stop())
  } catch (error) {
    server?.stop()
    throw error
  }
})
