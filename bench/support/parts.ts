/** The part of the whole that a file belongs to: a module of the SDK, or the package of a dependency. */
export const partOf = (file: string): string | undefined => {
  const place = file.replaceAll("\\", "/")
  const module = /(?:packages|@effect-dcr)\/(core|platform-\w+)\/(?:src|dist)\/(.*?)\.[jt]s$/.exec(place)
  if (module !== null) return `effect-dcr: ${module[1]}/${module[2]}`
  return /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(place)?.[1]
}

export const isOurs = (part: string): boolean => part.startsWith("effect-dcr: ")

/** Amounts by name, which are added up. */
export type Amounts = Map<string, number>

export const add = (amounts: Amounts, name: string, amount: number): void => {
  amounts.set(name, (amounts.get(name) ?? 0) + amount)
}

/** The largest first. */
export const largest = (amounts: Amounts, count: number): ReadonlyArray<readonly [string, number]> =>
  [...amounts].sort((a, b) => b[1] - a[1]).slice(0, count)
