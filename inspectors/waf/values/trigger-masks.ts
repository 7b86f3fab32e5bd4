import { TRANSFORMATIONS } from '../transformations/registry.ts'
import type { Transformation } from '../transformations/transformation.ts'

/**
 * Which transformations could change a text, found in one pass over it: a bit for each distinct set of trigger
 * bytes, so that "this pipeline leaves the text as it is" costs one test.
 */

/** Set in every text; stands for transformations of which bytes do not tell, or that found no bit. */
export const TRIGGERS_OF_ALL = 1 << 30
const masks = new Map<Transformation, number>()
/** By byte: the bits of the sets that hold it (`scanBytes`). */
export const TRIGGERS_OF_BYTE = new Int32Array(256)

const bitOfSet = new Map<string, number>()
for (const transformation of new Set(TRANSFORMATIONS.values())) {
  const { triggerBytes } = transformation
  if (triggerBytes === null) continue
  const key = triggerBytes.join('')
  let bit = bitOfSet.get(key)
  if (bit === undefined) {
    bit = bitOfSet.size < 30 ? 1 << bitOfSet.size : TRIGGERS_OF_ALL
    bitOfSet.set(key, bit)
    for (let byte = 0; byte < 256; byte += 1) {
      if (triggerBytes[byte] === 1) TRIGGERS_OF_BYTE[byte] |= bit
    }
  }
  masks.set(transformation, bit)
}

/** Bits of which a text must have one for the transformation to change it. */
export function triggerMaskOf(transformation: Transformation): number {
  return masks.get(transformation) ?? TRIGGERS_OF_ALL
}
