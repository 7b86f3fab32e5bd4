/** Longest name that is compared: a hostile one must not cost much. */
const MAX_COMPARED = 64

/**
 * A hint to append to an error about an unknown name: `; did you mean "X"?`, or nothing when no known
 * name is near. Letter case does not count.
 */
export function suggestion(name: string, known: Iterable<string>): string {
  const wanted = name.slice(0, MAX_COMPARED).toLowerCase()
  let best: string | null = null
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate.toLowerCase(), bestDistance)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best === null ? '' : `; did you mean "${best}"?`
}

/** Levenshtein distance with swaps of neighbours as one step; `limit` or more is answered by `limit`. */
function editDistance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) >= limit) return limit
  let beforePrevious: number[] = []
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1]
      let cost = Math.min(
        previous[column] + 1,
        current[column - 1] + 1,
        previous[column - 1] + (same ? 0 : 1),
      )
      const swapped =
        row > 1 &&
        column > 1 &&
        left[row - 1] === right[column - 2] &&
        left[row - 2] === right[column - 1]
      if (swapped) cost = Math.min(cost, beforePrevious[column - 2] + 1)
      current.push(cost)
    }
    beforePrevious = previous
    previous = current
  }
  return Math.min(previous[right.length], limit)
}
