import { addByte, emptySet } from '#signatures/pcre/byte-set.ts'
import type { ByteSet, Gate } from '#signatures/pcre/gate.ts'
import { lower } from '#signatures/pcre/literals.ts'

/** Shortest text worth a place among required literals; shorter ones are covered by a byte mask. */
const MIN_LITERAL_BYTES = 2

/** Gate of an operator that needs one of these texts in the value. None may be empty. */
export function gateOfLiterals(textsLatin1: readonly string[], ignoreCase: boolean): Gate {
  const minLength = Math.min(...textsLatin1.map((text) => text.length))
  const literals = textsLatin1.map((text) => ({
    text: ignoreCase ? lower(text) : text,
    ignoreCase,
  }))
  return {
    requirement: minLength >= MIN_LITERAL_BYTES ? [literals] : null,
    byteMasks: [firstBytes(textsLatin1, ignoreCase)],
    minLength,
  }
}

/** A value with one of the texts has one of their first bytes. */
function firstBytes(texts: readonly string[], ignoreCase: boolean): ByteSet {
  const mask = emptySet()
  for (const text of texts) {
    const byte = text.charCodeAt(0)
    const letter = byte | 0x20
    addByte(mask, byte)
    if (ignoreCase && letter >= 0x61 && letter <= 0x7a) addByte(mask, byte ^ 0x20)
  }
  return mask
}
