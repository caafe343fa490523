/**
 * What the program `effect-dcr` does.
 *
 * @internal
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CliConfig from "effect/cli/CliConfig"
import { isCliError } from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { builtIns } from "./builtIns.ts"
import { command } from "./command.ts"
import { Exit } from "./failure.ts"
import { logger } from "./logger.ts"
import { presenter } from "./presenter.ts"
import { leaveAtSecondSignal, reportLostOutput } from "./process.ts"
import { version } from "./version.ts"

reportLostOutput()
leaveAtSecondSignal()

Command.run(command, { version }).pipe(
  // Wrong usage was told already.
  Effect.catchIf(
    isCliError,
    (error) => error._tag === "ShowHelp" && error.errors.length === 0 ? Effect.void : Effect.fail(new Exit(2))
  ),
  Effect.provide(
    presenter.pipe(
      Layer.provideMerge(TerminalCapabilities.layer),
      Layer.provideMerge(NodeServices.layer),
      Layer.provideMerge(logger),
      Layer.provideMerge(CliConfig.layer({ builtIns }))
    )
  ),
  NodeRuntime.runMain
)
