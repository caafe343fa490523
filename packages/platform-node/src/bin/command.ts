/**
 * The command line: a thin face over the same API that programs use.
 *
 * @internal
 */
import * as Command from "effect/cli/Command"
import { discover } from "./commands/discover.ts"
import { doctor } from "./commands/doctor.ts"
import { list } from "./commands/list.ts"
import { register } from "./commands/register.ts"
import { remove } from "./commands/remove.ts"
import { rotate } from "./commands/rotate.ts"
import { show } from "./commands/show.ts"
import { update } from "./commands/update.ts"
import { settings } from "./settings.ts"

export const command = Command.make("effect-dcr").pipe(
  Command.withDescription(
    "Register OAuth clients at authorization servers (RFC 7591), keep them, and manage them (RFC 7592)."
  ),
  Command.withSubcommands([discover, register, list, show, update, rotate, remove, doctor]),
  Command.withGlobalFlags(settings),
  Command.withExamples([
    { command: "effect-dcr discover https://op.example.com", description: "See what a server offers" },
    {
      command: "effect-dcr register https://op.example.com --redirect-uri https://app.example.com/cb",
      description: "Register a client there, once"
    },
    {
      command: "effect-dcr show https://op.example.com --json --reveal",
      description: "Hand its credentials to a script"
    },
    { command: "effect-dcr doctor https://op.example.com", description: "Find out why a registration fails" }
  ])
)
