/** The end of every program: says how much CPU the process has used since it began, in microseconds, and ends it at once. */
export const done = (): void => {
  const { system, user } = process.cpuUsage()
  process.stdout.write(`cpu ${system + user}\n`, () => process.exit(0))
}

/** The server that is asked. */
export const origin = process.argv[2] ?? ""
