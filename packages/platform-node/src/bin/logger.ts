/**
 * What is logged goes to standard error, in the form of everything else there: standard output is for results alone.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Logger from "effect/Logger"
import { plain } from "./style.ts"

const levels: { readonly [level: string]: string | undefined } = { Warn: "warning", Error: "failed", Fatal: "failed" }

export const logger = Logger.layer([
  Logger.withConsoleError(
    Logger.make<unknown, string>(({ cause, logLevel, message }) =>
      [
        ...(Array.isArray(message) ? message : [message]).map((part) =>
          `${(levels[logLevel] ?? logLevel.toLowerCase()).padEnd(6)}  ${plain(String(part))}`
        ),
        ...(cause.reasons.length === 0 ? [] : [Cause.pretty(cause)])
      ].join("\n")
    )
  )
])
