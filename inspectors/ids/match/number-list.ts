import type { NumbersMatch } from '#signatures/suricata/buffer-match.ts'
import { isWithin } from '#signatures/suricata/number-range.ts'

/** Whether the numbers of a buffer are as one comparison wants them. */
export function numbersHold(match: NumbersMatch, all: readonly number[]): boolean {
  const { index, range, slice, others } = match
  if (others !== undefined && others.length > 0)
    return [range, ...others].some((each) =>
      numbersHold({ ...match, range: each, others: [] }, all),
    )
  const numbers = slice === null ? all : all.slice(slice[0], slice[1])
  if (match.count) return isWithin(range, numbers.length)
  switch (index.kind) {
    case 'any':
      if (numbers.length === 0) return index.orAbsent
      return numbers.some((number) => isWithin(range, number))
    case 'all':
      if (numbers.length === 0) return index.orAbsent
      return numbers.every((number) => isWithin(range, number))
    case 'at': {
      const number = numbers.at(index.position)
      return number === undefined ? index.orAbsent : isWithin(range, number)
    }
    case 'times':
      return isWithin(index.times, numbers.filter((number) => isWithin(range, number)).length)
  }
}
