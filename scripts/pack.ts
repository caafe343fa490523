/**
 * Packs the built packages as they would be published, and lays them out as an application would have them installed
 * (`build/consumer/node_modules`), so that the bundle and package checks look at what users get and not at this workspace.
 */
import { existsSync, realpathSync } from "node:fs"
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { dirname, join, relative } from "node:path"
import { extract } from "tar"
import { at, consumer, packages, root, tarballs } from "./support/paths.ts"
import { main, must } from "./support/run.ts"

const pnpm = "pnpm@12.21.0"

/** What the packages stand on, and in whose `node_modules` this workspace has it. */
const dependencies: ReadonlyArray<readonly [name: string, from: string]> = [
  ["effect", "packages/core"],
  ["jose", "packages/core"],
  ["undici", "packages/platform-node"],
  ["idb", "packages/platform-browser"],
  ["@effect/platform-node", "packages/platform-node"],
  ["@types/node", "packages/platform-node"]
]

/** A page that is read at a registry has nothing beside it: a link to a file leads nowhere there. */
const checkReadme = async (path: string): Promise<void> => {
  for (const [, target = ""] of (await readFile(path, "utf8")).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (!/^(https:|#)/.test(target)) throw new Error(`${path}: the link to ${target} leads nowhere at a registry`)
  }
}

main(async () => {
  await rm(tarballs, { recursive: true, force: true })
  await rm(consumer, { recursive: true, force: true })
  await mkdir(tarballs, { recursive: true })
  for (const name of packages) {
    if (!existsSync(at("packages", name, "dist", "index.js"))) throw new Error("nothing is built: npm run build")
    await must("npx", ["--yes", pnpm, "pack", "--pack-destination", tarballs], { cwd: at("packages", name) })
  }
  const packed = await readdir(tarballs)
  for (const name of packages) {
    const tarball = packed.find((file) => file.startsWith(`effect-dcr-${name}-`))
    if (tarball === undefined) throw new Error(`${name} was not packed`)
    const target = join(consumer, "node_modules", "@effect-dcr", name)
    await mkdir(target, { recursive: true })
    await extract({ file: join(tarballs, tarball), cwd: target, strip: 1 })
    await checkReadme(join(target, "README.md"))
  }
  for (const [name, from] of dependencies) {
    const link = join(consumer, "node_modules", name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(realpathSync(at(from, "node_modules", name)), link, "junction")
  }
  await writeFile(join(consumer, "package.json"), `${JSON.stringify({ private: true, type: "module" })}\n`)
  console.log(packed.map((file) => relative(root, join(tarballs, file))).join("\n"))
})
