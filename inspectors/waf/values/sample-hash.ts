/** Characters of a text that its hash is made of, spread over it. */
const SAMPLES = 16

/** A hash that costs the same for texts of any length: equal ones have the same, others mostly not. */
export function sampleHash(textLatin1: string): number {
  const { length } = textLatin1
  let hash = length
  if (length <= SAMPLES) {
    for (let index = 0; index < length; index += 1) {
      hash = (Math.imul(hash, 31) + textLatin1.charCodeAt(index)) | 0
    }
  } else {
    const last = length - 1
    // The last bytes tell texts apart that begin alike: counters, identifiers.
    for (let sample = 0; sample < SAMPLES / 2; sample += 1) {
      hash = (Math.imul(hash, 31) + textLatin1.charCodeAt(last - sample)) | 0
    }
    const step = (length - SAMPLES / 2) / (SAMPLES / 2)
    for (let sample = 0; sample < SAMPLES / 2; sample += 1) {
      hash = (Math.imul(hash, 31) + textLatin1.charCodeAt((sample * step) | 0)) | 0
    }
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c_1b_3c_6d)
  return hash ^ (hash >>> 13)
}
