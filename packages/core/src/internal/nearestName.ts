/**
 * What a misspelt name may have meant.
 *
 * @internal
 */

/** The candidate that `name` is nearest to by edit distance, if it is near. */
export const nearestName = (name: string, candidates: ReadonlyArray<string>): string | undefined => {
  let best: string | undefined
  let least = Math.max(2, Math.floor(name.length / 5)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate, least)
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return best
}

const editDistance = (a: string, b: string, limit: number): number => {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[b.length] ?? limit
}
