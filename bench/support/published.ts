/**
 * The programs of the bench, laid out as an application has them: beside the packed packages, and without their types. From the
 * sources, Node's stripping of types would be in the time and in the memory of whoever is written in more files.
 */
import { transform } from "esbuild"
import { existsSync, globSync, realpathSync } from "node:fs"
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { dirname, join, relative } from "node:path"
import { at, consumer } from "../../scripts/support/paths.ts"
import { must } from "../../scripts/support/run.ts"

const folder = join(consumer, "bench")

const peers = ["oauth4webapi", "openid-client", "@modelcontextprotocol/sdk"]

/** Where a program lies there: `worker`, `cold/effectApp`. */
export const published = (program: string): string => join(folder, `${program}.js`)

/** Builds and packs the packages, and lays out the programs beside them. */
export const publish = async ({ quick }: { readonly quick: boolean }): Promise<void> => {
  if (!quick || !existsSync(join(consumer, "package.json"))) {
    await must(process.execPath, ["scripts/build.ts"])
    await must(process.execPath, ["scripts/pack.ts"])
  }
  await rm(folder, { recursive: true, force: true })
  for (const file of [at("bench", "worker.ts"), ...globSync(at("bench", "{cold,sides,support}", "*.ts"))]) {
    const target = join(folder, relative(at("bench"), file)).replace(/\.ts$/, ".js")
    await mkdir(dirname(target), { recursive: true })
    const { code } = await transform(await readFile(file, "utf8"), { loader: "ts", target: "es2023" })
    await writeFile(target, code.replace(/(from |import\()"(\.[^"]+)\.ts"/g, "$1\"$2.js\""))
  }
  for (const peer of peers) {
    const link = join(folder, "node_modules", peer)
    await mkdir(dirname(link), { recursive: true })
    await symlink(realpathSync(at("bench", "node_modules", peer)), link, "junction")
  }
}
