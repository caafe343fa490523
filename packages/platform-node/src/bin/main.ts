#!/usr/bin/env node
/**
 * The program `effect-dcr`: it starts `program.ts` with what Node compiled of it the last time.
 *
 * @internal
 */
import { existsSync } from "node:fs"
import { enableCompileCache } from "node:module"
import { homedir } from "node:os"
import { join } from "node:path"

// In a directory of this user: in Node's own one, under the temporary directory of all users, somebody else could put code.
const { LOCALAPPDATA, XDG_CACHE_HOME } = process.env
const home = (process.platform === "win32" ? LOCALAPPDATA : XDG_CACHE_HOME) ?? homedir()
// Where it cannot be written, nothing is lost but the time.
if (existsSync(home)) {
  enableCompileCache(join(home === homedir() ? join(home, ".cache") : home, "effect-dcr", "compiled"))
}

await import("./program.ts")
