/** Bundles the programs that the tests of fleets start, for as long as they run. */
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import { bundlePrograms } from "../support/bundlePrograms.ts"
import { bundledChildren } from "../support/childPrograms.ts"

const programs = ["fleetChild.ts", "fleetIssuers.ts"]

export default async (): Promise<() => Promise<void>> => {
  // Where the packages are found that stay what they are, and nobody takes it for code of ours.
  const parent = join(import.meta.dirname, "../node_modules/.cache")
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, "children-"))
  await bundlePrograms(programs.map((program) => join(import.meta.dirname, "../support", program)), folder)
  process.env[bundledChildren] = folder
  return () => rm(folder, { recursive: true, force: true })
}
