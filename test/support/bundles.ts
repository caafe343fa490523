/** Programs that tests start so often that they start them bundled: `interop/globalSetup.ts` does it before any test runs. */
import * as Path from "node:path"

const root = Path.join(import.meta.dirname, "../..")

// Beside what is not bundled, and as far from the manifest of the package as the source of the command line.
const folder = Path.join(root, "packages/platform-node/build")

export const sources = {
  commandLine: Path.join(root, "packages/platform-node/src/bin/main.ts"),
  start: Path.join(root, "examples/start.ts")
}

export const outputs = {
  commandLine: Path.join(folder, "command-line/main.js"),
  start: Path.join(folder, "start/start.js")
}
