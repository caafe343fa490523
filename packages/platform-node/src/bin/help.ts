/**
 * How a command explains itself, in lines that fit the terminal.
 *
 * @internal
 */
import { displayWidth } from "effect/cli/CliOutput"
import type { ArgDoc, FlagDoc, HelpDoc } from "effect/cli/HelpDoc"
import * as Option from "effect/Option"
import { exitCodes } from "./failure.ts"
import { columns, paragraph, type Style } from "./style.ts"

export const helpText = (doc: HelpDoc, look: Style): string =>
  [
    section(look, "DESCRIPTION", doc.description.split("\n").map((line) => paragraph(line.trim(), look)).join("\n")),
    section(look, "USAGE", `  ${doc.usage}`),
    section(look, "ARGUMENTS", columns((doc.args ?? []).map((arg) => rowOf(arg, arg.name)), look)),
    section(
      look,
      "COMMANDS",
      columns(
        (doc.subcommands ?? []).flatMap(({ commands }) =>
          commands.map(({ description, name, shortDescription }) => [name, shortDescription ?? description])
        ),
        look
      )
    ),
    section(look, "FLAGS", columns(doc.flags.map(flagRow), look)),
    section(look, "FLAGS OF EVERY COMMAND", columns((doc.globalFlags ?? []).map(flagRow), look)),
    section(
      look,
      "EXAMPLES",
      (doc.examples ?? []).map(({ command, description }) =>
        [
          ...(description === undefined ? [] : [look.dim(paragraph(`# ${description}`, look))]),
          commandText(command, look)
        ].join("\n")
      ).join("\n\n")
    ),
    // They are those of all commands.
    section(
      look,
      "EXIT CODES",
      doc.subcommands === undefined
        ? ""
        : exitCodes.map(([code, what]) => paragraph(`${code}  ${what}`, look)).join("\n")
    )
  ].filter((text) => text !== "").join("\n\n")

/** A command to copy: where it is too long for a line, it goes on in the next one as a shell understands it. */
export const commandText = (command: string, look: Pick<Style, "width">): string =>
  command.split(/ (?=--|[|>] )/).reduce<ReadonlyArray<string>>((lines, part) => {
    const line = lines.at(-1)
    return line === undefined
      ? [`  ${part}`]
      : displayWidth(`${line} ${part} \\`) <= look.width
      ? [...lines.slice(0, -1), `${line} ${part}`]
      : [...lines.slice(0, -1), `${line} \\`, `    ${part}`]
  }, []).join("\n")

const section = (look: Style, title: string, text: string): string => text === "" ? "" : `${look.bold(title)}\n${text}`

const rowOf = ({ description }: ArgDoc | FlagDoc, name: string): ReadonlyArray<string> => [
  name,
  Option.getOrElse(description, () => "")
]

const flagRow = (flag: FlagDoc): ReadonlyArray<string> =>
  rowOf(flag, [[`--${flag.name}`, ...flag.aliases].join(", "), valueOf(flag)].filter((part) => part !== "").join(" "))

/** What follows a flag. */
const valueOf = ({ type }: FlagDoc): string => type === "boolean" ? "" : type.toUpperCase()
