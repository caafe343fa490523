/**
 * A text in a folder of its own that several processes change, one at a time, without a lock.
 *
 * Each change is a new file, and its name is the next number. It is written under another name, made durable, and then given
 * its number with `link`, which fails when the number is taken: of two processes that change the same state, one gets the
 * number, and the other looks again. So nobody ever waits for a process that died or was stopped in the middle of a change,
 * there is no lock to be found stale, and a file is there as a whole or not at all.
 *
 * The highest number is the state. Whoever added it removes the lower ones, so that in between there is one file. A number
 * that was removed could be given again by a process that was stopped for long; it finds a higher one afterwards, and knows.
 *
 * @internal
 */
import { randomUUID } from "node:crypto"
import { constants, type Dirent } from "node:fs"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { codeOf, FileProblem } from "./fileFailure.ts"

/** A state: the text of the highest number. There is none before the first change, and after a text was set aside. */
export interface Generation {
  readonly number: number
  readonly text: string | undefined
}

/** What is there now. */
export const current = async (folder: string): Promise<Generation> => {
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const { isLive, number } = highest(await list(folder))
    if (!isLive) return { number, text: undefined }
    const text = await readText(Path.join(folder, nameOf(number)))
    // It was followed by another in the meantime.
    if (text === undefined) continue
    return { number, text }
  }
  throw tooBusy()
}

/**
 * Makes `text` the next state after `number`, durably. `false` when another one was faster.
 *
 * `isIn` says whether a later state knows of this change; it is asked when others have gone on before this one looked.
 */
export const advance = async (
  folder: string,
  number: number,
  text: string,
  isIn: (later: string) => boolean
): Promise<boolean> => {
  const next = number + 1
  const temporary = Path.join(folder, `.${randomUUID()}${temporarySuffix}`)
  try {
    await writeText(temporary, text)
    if (!await give(temporary, Path.join(folder, nameOf(next)))) return false
  } finally {
    await Fs.unlink(temporary).catch(ignore)
  }
  await syncFolder(folder)
  const names = await list(folder)
  if (highest(names).number > next) {
    const later = await current(folder)
    if (later.text !== undefined && isIn(later.text)) return true
    // The number had been there before, and was removed: nobody looks at it.
    await Fs.unlink(Path.join(folder, nameOf(next))).catch(ignore)
    return false
  }
  // A temporary file that is still there is that of a process that died, or of one that has lost already.
  const superfluous = names.filter((name) => name.endsWith(temporarySuffix) || isBefore(name, next))
  await Promise.all(superfluous.map((name) => Fs.unlink(Path.join(folder, name)).catch(ignore)))
  return true
}

/** Renames the state, so that it is not one any more, and tells its new name. Its number is not given again. */
export const setAside = async (folder: string, number: number, now: number): Promise<string> => {
  const name = `${nameOf(number)}.corrupt-${now}`
  try {
    await Fs.rename(Path.join(folder, nameOf(number)), Path.join(folder, name))
    await syncFolder(folder)
  } catch (error) {
    // Somebody else has set it aside.
    if (codeOf(error) !== "ENOENT") throw error
  }
  return Path.join(Path.basename(folder), name)
}

/** The names of the folders in a folder, in no order. */
export const folders = async (parent: string): Promise<ReadonlyArray<string>> => {
  const found = await Fs.readdir(parent, { withFileTypes: true }).catch((error: unknown): Array<Dirent> => {
    if (codeOf(error) === "ENOENT") return []
    throw error
  })
  return found.flatMap((each) => each.isDirectory() ? [each.name] : [])
}

/** Makes a directory that nobody but its owner can use, or makes sure that an existing one is that. */
export const makePrivate = async (directory: string): Promise<void> => {
  await makeFolder(directory)
  const stat = await Fs.stat(directory)
  const { mode, uid } = stat
  if (!stat.isDirectory()) throw new FileProblem("Unavailable", `${directory} is not a directory`)
  if (isForeign(uid)) throw new FileProblem("Unavailable", `${directory} belongs to another user`)
  if (hasModes && (mode & 0o077) !== 0) await Fs.chmod(directory, 0o700)
}

// -----------------------------------------------------------------------------
// names
// -----------------------------------------------------------------------------

const temporarySuffix = ".tmp"

const nameOf = (number: number): string => `${number}.json`

/** The number of a state, also of one that was set aside. */
const numberOf = (name: string): number | undefined => {
  const [, digits] = /^([1-9][0-9]{0,14})\.json(?:\.corrupt-[0-9]+)?$/.exec(name) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** Whether it is a state that another took the place of. What was set aside is never removed. */
const isBefore = (name: string, next: number): boolean => {
  const number = numberOf(name)
  return number !== undefined && number < next && name === nameOf(number)
}

const highest = (names: ReadonlyArray<string>): { readonly number: number; readonly isLive: boolean } => {
  const number = names.reduce((most, name) => Math.max(most, numberOf(name) ?? 0), 0)
  return { number, isLive: names.includes(nameOf(number)) }
}

// -----------------------------------------------------------------------------
// files
// -----------------------------------------------------------------------------

const mostAttempts = 1000

export const tooBusy = () => new FileProblem("Unavailable", "others change an entry all the time")

const ignore = () => {}

const hasModes = process.platform !== "win32"

const isForeign = (uid: number): boolean => process.geteuid !== undefined && uid !== process.geteuid()

const list = async (folder: string): Promise<ReadonlyArray<string>> => {
  try {
    const stat = await Fs.lstat(folder)
    if (!stat.isDirectory() || isForeign(stat.uid)) {
      throw new FileProblem("Unavailable", `${folder} is not a directory of this user`)
    }
    return await Fs.readdir(folder)
  } catch (error) {
    if (codeOf(error) === "ENOENT") return []
    throw error
  }
}

/** `undefined` when there is no such file, an empty text for what is none of ours. */
const readText = async (path: string): Promise<string | undefined> => {
  let file: Fs.FileHandle
  try {
    // A link is not followed, and a pipe not waited for.
    file = await Fs.open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    const code = codeOf(error)
    if (code === "ENOENT") return undefined
    if (code === "ELOOP" || code === "ENXIO") return ""
    throw error
  }
  try {
    const stat = await file.stat()
    if (!stat.isFile() || isForeign(stat.uid)) return ""
    if (hasModes && (stat.mode & 0o077) !== 0) await file.chmod(0o600).catch(ignore)
    return await file.readFile("utf8")
  } finally {
    await file.close()
  }
}

const writeText = async (path: string, text: string): Promise<void> => {
  const open = () => Fs.open(path, "wx", 0o600)
  const file = await open().catch(async (error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error
    await makeFolder(Path.dirname(path))
    return await open()
  })
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Gives a file a second name. `false` when that is taken, or when the file was removed because another one was faster. */
const give = async (path: string, name: string): Promise<boolean> => {
  try {
    await Fs.link(path, name)
    return true
  } catch (error) {
    const code = codeOf(error)
    if (code === "EEXIST" || code === "ENOENT") return false
    // The folder can be written to, that is known by now.
    if (code === "EPERM" || code === "ENOTSUP" || code === "EOPNOTSUPP" || code === "ENOSYS") {
      throw new FileProblem("Unavailable", "this file system has no hard links", { cause: error })
    }
    throw error
  }
}

/** Not `recursive`: that hides why a directory cannot be made. */
const makeFolder = async (folder: string, tries = 3): Promise<void> => {
  try {
    await Fs.mkdir(folder, { mode: 0o700 })
  } catch (error) {
    const code = codeOf(error)
    if (code === "EEXIST") return
    const parent = Path.dirname(folder)
    // Somebody may have removed the parent meanwhile; where nothing can be made (`/proc`), it is missing for ever.
    if (code !== "ENOENT" || parent === folder || tries === 0) throw error
    await makeFolder(parent)
    await makeFolder(folder, tries - 1)
    return
  }
  await syncFolder(Path.dirname(folder))
}

/** Makes names durable. Windows does that by itself, and cannot open a directory. */
const syncFolder = async (folder: string): Promise<void> => {
  if (process.platform === "win32") return
  const file = await Fs.open(folder, "r")
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
