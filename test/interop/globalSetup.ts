/** Bundles the programs of `support/bundles.ts`. `npm test -- install` starts the command line as it is published. */
import * as Path from "node:path"
import { bundlePrograms } from "../support/bundlePrograms.ts"
import { outputs, sources } from "../support/bundles.ts"

const bundle = (source: string, output: string) => bundlePrograms([source], Path.dirname(output))

export default async (): Promise<void> => {
  await Promise.all([bundle(sources.commandLine, outputs.commandLine), bundle(sources.start, outputs.start)])
}
