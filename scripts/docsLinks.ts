/** The links of the pages: the file is there, and the heading in it. */
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { dirname, join, relative } from "node:path"
import { root } from "./support/paths.ts"

/** A page without its code, in which brackets mean something else. Lines stay where they are. */
const prose = (page: string): string => {
  let ticks: string | undefined
  return page.split("\n").map((line) => {
    const fence = /^\s*(`{3,})/.exec(line)?.[1]
    if (fence !== undefined && (ticks === undefined || ticks === fence)) {
      ticks = ticks === undefined ? fence : undefined
      return ""
    }
    return ticks === undefined ? line.replaceAll(/`[^`]*`/g, "``") : ""
  }).join("\n")
}

/** The anchors of a page, as GitHub makes them of its headings. */
const anchorsOf = (page: string): ReadonlySet<string> => {
  const anchors = new Set<string>()
  const seen = new Map<string, number>()
  const visible = prose(page).split("\n")
  page.split("\n").forEach((line, at) => {
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1]
    if (heading === undefined || visible[at] === "") return
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    const slug = text.toLowerCase().replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "").replaceAll(" ", "-")
    const before = seen.get(slug) ?? 0
    seen.set(slug, before + 1)
    anchors.add(before === 0 ? slug : `${slug}-${before}`)
  })
  for (const [, id] of page.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) if (id !== undefined) anchors.add(id)
  return anchors
}

export interface LinkReport {
  readonly links: number
  readonly problems: ReadonlyArray<string>
}

/** Follows every link of these pages that stays in the repository. Links elsewhere only have to be https. */
export const checkLinks = async (pages: ReadonlyArray<string>): Promise<LinkReport> => {
  const problems: Array<string> = []
  let links = 0
  for (const path of pages) {
    const page = await readFile(path, "utf8")
    const lines = prose(page).split("\n")
    for (const [at, line] of lines.entries()) {
      const inline = [...line.matchAll(/\[[^\]]*\]\(([^)\s]+)[^)]*\)/g)]
      const references = [...line.matchAll(/^\[[^\]]+\]:\s*(\S+)/g)]
      for (const [, target = ""] of [...inline, ...references]) {
        links++
        const complain = (what: string) => problems.push(`${relative(root, path)}:${at + 1}: ${target}: ${what}`)
        if (/^(https:|mailto:)/.test(target)) continue
        if (/^[a-z]+:/i.test(target)) {
          complain("only https links leave the repository")
          continue
        }
        const [file = "", anchor] = target.split("#")
        const place = file === "" ? path : join(dirname(path), decodeURIComponent(file))
        if (!existsSync(place)) complain("there is no such file")
        else if (
          anchor !== undefined && place.endsWith(".md") && !anchorsOf(await readFile(place, "utf8")).has(anchor)
        ) {
          complain("there is no such heading")
        }
      }
    }
  }
  return { links, problems }
}
