/**
 * The code in the documentation: every `ts` block of the pages and of the comments in the source, as a file of its own.
 *
 * An HTML comment before a block says what is special about it:
 *
 * - `<!-- run -->`: it is a program, and is run. `https://op.example.com` is then a strict server on this machine,
 *   `https://protected.example.com` one that wants the initial access token of the variable `INITIAL_ACCESS_TOKEN`, and
 *   `https://nonce.example.com` one that demands a DPoP nonce.
 * - `<!-- prelude ... -->`: lines that stand before the block for the compiler, and not on the page.
 * - `<!-- prints -->`, before a `text` block: what the program before it prints; `…` stands for anything on a line.
 *
 * A block that imports `@effect/vitest` is a test, and is run as one.
 */

export interface Block {
  /** The page or module, relative to the root. */
  readonly source: string
  /** The line of the first line of code, from 1. */
  readonly line: number
  readonly code: string
  readonly prelude: string
  readonly kind: "compile" | "run" | "test"
  /** What it prints, if the page says so. */
  readonly prints: string | undefined
}

interface Fence {
  readonly language: string
  readonly text: string
  /** From 1. */
  readonly line: number
  /** The HTML comments that stand before it, with nothing in between. */
  readonly comments: ReadonlyArray<string>
}

/** The fenced blocks of a page. */
const fencesOf = (page: string): ReadonlyArray<Fence> => {
  const fences: Array<Fence> = []
  const lines = page.split("\n")
  let comments: Array<string> = []
  for (let at = 0; at < lines.length; at++) {
    const text = lines[at] ?? ""
    const [, ticks, language = ""] = /^\s*(`{3,})(\S*)/.exec(text) ?? []
    if (ticks !== undefined) {
      const from = at + 1
      do at++
      while (at < lines.length && lines[at]?.trim() !== ticks)
      fences.push({ language, text: lines.slice(from, at).join("\n"), line: from + 1, comments })
      comments = []
    } else if (text.startsWith("<!--")) {
      const from = at
      while (at < lines.length && !(lines[at] ?? "").includes("-->")) at++
      comments.push(lines.slice(from, at + 1).join("\n").replace(/^<!--\s*/, "").replace(/\s*-->.*$/s, ""))
    } else if (text.trim() !== "") comments = []
  }
  return fences
}

const isTest = (code: string): boolean => code.includes(`from "@effect/vitest"`)

/** The blocks of a page. Fails on code of another name, and on a comment that means nothing where it stands. */
export const blocksOfPage = (source: string, page: string): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  for (const { comments, language, line, text } of fencesOf(page)) {
    if (language === "text" && comments.includes("prints")) {
      const before = blocks.pop()
      if (before?.kind !== "run") throw new Error(`${source}:${line}: no program that is run prints this`)
      blocks.push({ ...before, prints: text })
    }
    if (["typescript", "tsx", "js", "javascript"].includes(language)) {
      throw new Error(`${source}:${line}: code that nobody compiles; call it ts`)
    }
    if (language !== "ts") continue
    const unknown = comments.find((comment) => comment !== "run" && !comment.startsWith("prelude\n"))
    if (unknown !== undefined) throw new Error(`${source}:${line}: <!-- ${unknown} --> says nothing of a block`)
    const prelude = comments.filter((comment) => comment.startsWith("prelude\n")).map((text) => text.slice(8)).join(
      "\n"
    )
    const kind = isTest(text) ? "test" : comments.includes("run") ? "run" : "compile"
    blocks.push({ source, line, code: text, prelude, kind, prints: undefined })
  }
  return blocks
}

/** The examples in the comments of a module. */
export const blocksOfModule = (source: string, module: string): ReadonlyArray<Block> => {
  const uncommented = module.split("\n").map((line) => /^\s*\* ?(.*)$/.exec(line)?.[1] ?? "").join("\n")
  return blocksOfPage(source, uncommented)
}

/** Whether a program printed what the page says. */
export const isPrinted = (page: string, printed: string): boolean => {
  const pattern = page.trim().split("…").map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("[^\\n]*")
  return new RegExp(`^${pattern}$`).test(printed.trim())
}
