/** One Chromium for all tests; each of them has a context, and so a profile, of its own. */
import type { TestProject } from "vitest/node"
import { start } from "./chromium.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** Where Chromium is reached. */
    readonly chromium: string
  }
}

export default async ({ provide }: TestProject): Promise<() => Promise<void>> => {
  const started = await start()
  if (started._tag === "none") throw new Error(`no Chromium starts: ${started.reason}`)
  provide("chromium", started.server.wsEndpoint())
  return () => started.server.close()
}
