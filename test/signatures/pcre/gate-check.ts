import { type ByteSet, type Gate, intersects } from '#signatures/pcre/gate.ts'
import { lower } from '#signatures/pcre/literals.ts'

/** Why a gate refuses a value; null when it lets it through. The slow, obvious way. */
export function gateRefuses(gate: Gate, value: string): string | null {
  if (value.length < gate.minLength) return `shorter than ${gate.minLength}`
  const present = new Uint32Array(8)
  collectBytes(value, present)
  for (const mask of gate.byteMasks) {
    if (!intersects(mask, present)) return `no byte of ${mask.join()}`
  }
  const folded = lower(value)
  for (const set of gate.requirement ?? []) {
    if (!set.some(({ text, ignoreCase }) => (ignoreCase ? folded : value).includes(text))) {
      return `none of ${set.map(({ text }) => text).join(' | ')}`
    }
  }
  return null
}

/** Adds the bytes that occur in a latin1 value to `into`, which the caller clears. */
function collectBytes(valueLatin1: string, into: ByteSet): void {
  for (let index = 0; index < valueLatin1.length; index += 1) {
    const byte = valueLatin1.charCodeAt(index)
    into[byte >> 5] |= 1 << (byte & 31)
  }
}
