import type { Entropy } from '#signatures/suricata/buffer-match.ts'

/** Shannon entropy of latin1 text in bits per byte: 0 for nothing, 8 at most. One pass over the text. */
export function entropyOf(text: string): number {
  if (text.length === 0) return 0
  const counts = new Uint32Array(256)
  for (let index = 0; index < text.length; index += 1) counts[text.charCodeAt(index)] += 1
  let sum = 0
  for (const count of counts) {
    if (count === 0) continue
    const share = count / text.length
    sum -= share * Math.log2(share)
  }
  return sum
}

export function entropyHolds(entropy: Entropy, text: string): boolean {
  const { offset, bytes, comparison, value } = entropy
  if (offset > text.length || offset + bytes > text.length) return false
  const found = entropyOf(text.slice(offset, bytes === 0 ? undefined : offset + bytes))
  switch (comparison) {
    case '<':
      return found < value
    case '>':
      return found > value
    case '<=':
      return found <= value
    case '>=':
      return found >= value
    case '=':
      return Math.abs(found - value) < Number.EPSILON
    case '!=':
      return Math.abs(found - value) >= Number.EPSILON
  }
}
