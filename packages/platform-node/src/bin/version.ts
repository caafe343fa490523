/**
 * The version of the package.
 *
 * @internal
 */
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"

const Manifest = Schema.fromJsonString(Schema.Struct({ version: Schema.String }))

// As far from the sources as from what is built of them.
const manifest = new URL("../../package.json", import.meta.url)

export const { version } = Schema.decodeUnknownSync(Manifest)(readFileSync(manifest, "utf8"))
