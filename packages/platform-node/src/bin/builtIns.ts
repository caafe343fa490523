/**
 * The flags that every Effect command line has, as far as they are of use here.
 *
 * @internal
 */
import * as Command from "effect/cli/Command"
import * as Completions from "effect/cli/Completions"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { settings } from "./settings.ts"

/** The flags that name a file, or a directory: no type of a flag completes those and takes `-` as well. */
const paths: { readonly [flag: string]: "file" | "directory" | undefined } = {
  "token-file": "file",
  metadata: "file",
  "dpop-key-file": "file",
  store: "directory"
}

/** A command that completes the flags of every command too, paths, and no negation, which nobody needs here. */
const completed = (
  command: Completions.CommandDescriptor,
  everywhere: ReadonlyArray<Completions.FlagDescriptor>
): Completions.CommandDescriptor => ({
  ...command,
  flags: [...command.flags, ...everywhere].map((flag) => {
    const pathType = paths[flag.name]
    return { ...flag, negation: false, ...(pathType === undefined ? undefined : { type: { _tag: "Path", pathType } }) }
  }),
  subcommands: command.subcommands.map((subcommand) => completed(subcommand, everywhere))
})

const completions = GlobalFlag.Action({
  flag: Flag.Literals("completions", ["bash", "zsh", "fish", "powershell"]).pipe(
    Flag.withDescription("Print the completion script of a shell"),
    Flag.withMetavar("SHELL"),
    Flag.optional
  ),
  run: (shell, { command }) => {
    const flags = [...builtIns, ...settings].map(({ flag }, index) => [String(index), flag] as const)
    const everywhere = Completions.fromCommand(Command.make("all", Object.fromEntries(flags))).flags
    return Option.match(shell, {
      onNone: () => Effect.void,
      onSome: (shell) =>
        Console.log(
          Completions.generate(command.name, shell, completed(Completions.fromCommand(command), everywhere))
        )
    })
  }
})

export const builtIns: ReadonlyArray<GlobalFlag.BuiltIn> = [GlobalFlag.Help, GlobalFlag.Version, completions]
