/** Serves the page as one develops it, on loopback. */
import { fileURLToPath } from "node:url"
import { createServer } from "vite"

export interface Page {
  readonly url: string
  readonly stop: () => Promise<void>
}

export const startPage = async (port: number): Promise<Page> => {
  const server = await createServer({
    configFile: fileURLToPath(new URL("../vite.config.ts", import.meta.url)),
    logLevel: "warn",
    server: { host: "127.0.0.1", port, strictPort: true }
  })
  await server.listen()
  const [url] = server.resolvedUrls?.local ?? []
  if (url === undefined) throw new Error("the page is not served")
  return { url, stop: () => server.close() }
}
