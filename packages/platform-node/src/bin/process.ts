/**
 * What the process itself has to answer for: output that nobody got, and a person who does not want to wait.
 *
 * @internal
 */

/** A disk without room loses what a command printed, which its exit code has to say. Who reads no further wants no more. */
export const reportLostOutput = (): void => {
  let isTold = false
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || isTold) return
    isTold = true
    process.exitCode = 1
    console.error(
      `failed  standard output cannot be written (${error.code ?? error.name})\n` +
        "next    What the command did is done, and what it registered is kept: `effect-dcr list` shows it."
    )
  })
}

/** What is nearer than this to the signal before it is the same key, which npm passes on as well. */
const oneKeyMillis = 500

/** The first Ctrl-C waits for what is under way; with the second one nobody waits any longer. */
export const leaveAtSecondSignal = (): void => {
  let first: number | undefined
  process.on("SIGINT", () => {
    const now = performance.now()
    first ??= now
    if (now - first > oneKeyMillis) process.exit(130)
  })
}
