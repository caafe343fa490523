#!/usr/bin/env node
/**
 * The program `effect-dcr`: it starts `program.ts` with what Node compiled of it the last time.
 *
 * @internal
 */
import { existsSync } from "node:fs"
import * as Module from "node:module"
import { homedir } from "node:os"
import { join } from "node:path"

// npm only warns of an older one, which would say that some name is not exported by some module.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`effect-dcr needs Node 22.19 or later, and this is Node ${process.versions.node}\n`)
  process.exit(1)
}

// In a directory of this user: in Node's own one, under the temporary directory of all users, somebody else could put code.
const { LOCALAPPDATA, XDG_CACHE_HOME } = process.env
const home = (process.platform === "win32" ? LOCALAPPDATA : XDG_CACHE_HOME) ?? homedir()
// Where it cannot be written, nothing is lost but the time.
if (existsSync(home)) {
  Module.enableCompileCache(join(home === homedir() ? join(home, ".cache") : home, "effect-dcr", "compiled"))
}

await import("./program.ts")
