import { join } from "node:path"
import { fileURLToPath } from "node:url"

/** The root of the repository. */
export const root = fileURLToPath(new URL("../..", import.meta.url))

/** A path inside the repository. */
export const at = (...segments: ReadonlyArray<string>): string => join(root, ...segments)

/** The published packages, in the order in which they depend on each other. */
export const packages = ["core", "platform-node", "platform-browser"] as const

/** Where the built packages are laid out as an application would have them: `consumer/node_modules/@effect-dcr/...`. */
export const consumer = at("build", "consumer")

/** Where packed tarballs go. */
export const tarballs = at("build", "tarballs")
