/**
 * A real Chromium: the one of `CHROME_PATH`, an installed one, the one that `@sparticuz/chromium` carries for Linux, or
 * Playwright's download.
 *
 * ```
 * node browser/chromium.ts     starts it once, and says which it was; ends with 3 and the reason when none starts
 * ```
 */
import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"
import { type BrowserServer, chromium } from "playwright-core"

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]

interface Candidate {
  readonly from: string
  /** The program, or why there is none. */
  readonly find: () => Promise<string | undefined>
}

const candidates: ReadonlyArray<Candidate> = [
  { from: "CHROME_PATH", find: () => Promise.resolve(process.env["CHROME_PATH"]) },
  {
    from: "installed",
    find: () =>
      Promise.resolve(
        (process.env["PATH"] ?? "").split(delimiter)
          .flatMap((folder) => names.map((name) => join(folder, name))).find((file) => existsSync(file))
      )
  },
  {
    from: "@sparticuz/chromium",
    find: async () => {
      if (process.platform !== "linux" || process.arch !== "x64") return undefined
      // Only where it believes to be does it unpack the libraries that it needs; it looks when it is loaded.
      process.env["AWS_EXECUTION_ENV"] ??= "AWS_Lambda_nodejs24.x"
      const { default: carried } = await import("@sparticuz/chromium")
      return carried.executablePath()
    }
  },
  { from: "Playwright's download", find: () => Promise.resolve(chromium.executablePath()) }
]

const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

export type Started =
  | { readonly _tag: "started"; readonly from: string; readonly server: BrowserServer }
  | { readonly _tag: "none"; readonly reason: string }

/** Starts the first that starts. */
export const start = async (): Promise<Started> => {
  const problems: Array<string> = []
  for (const { find, from } of candidates) {
    try {
      const executablePath = await find()
      if (executablePath === undefined || !existsSync(executablePath)) continue
      return { _tag: "started", from, server: await chromium.launchServer({ executablePath, args, headless: true }) }
    } catch (error) {
      problems.push(`${from}: ${error instanceof Error ? error.message.split("\n", 1)[0] ?? "" : String(error)}`)
    }
  }
  return { _tag: "none", reason: problems.length === 0 ? "there is no Chromium" : problems.join("; ") }
}

/** How the status of `node browser/chromium.ts` says that there is none. */
export const noneStatus = 3

if (import.meta.main) {
  const started = await start()
  if (started._tag === "none") {
    console.log(started.reason)
    process.exitCode = noneStatus
  } else {
    console.log(started.from)
    await started.server.close()
  }
}
