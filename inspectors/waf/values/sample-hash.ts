/** Texts up to this length are hashed whole: the byte that tells two apart is anywhere in them. */
const WHOLE = 96
/** Characters that the hash of a longer one is made of, from each end and spread between. */
const AT_END = 16
const SPREAD = 40

/** A hash whose cost has a bound: equal texts have the same, others mostly not. */
export function sampleHash(textLatin1: string): number {
  const { length } = textLatin1
  // Two chains: each waits for its own multiplications only.
  let even = length
  let odd = 0
  if (length <= WHOLE) {
    const pairs = length & ~1
    for (let index = 0; index < pairs; index += 2) {
      even = (Math.imul(even, 31) + textLatin1.charCodeAt(index)) | 0
      odd = (Math.imul(odd, 33) + textLatin1.charCodeAt(index + 1)) | 0
    }
    if (pairs < length) even = (Math.imul(even, 31) + textLatin1.charCodeAt(pairs)) | 0
  } else {
    // The ends tell texts apart that are alike otherwise: counters, identifiers.
    for (let sample = 0; sample < AT_END; sample += 1) {
      even = (Math.imul(even, 31) + textLatin1.charCodeAt(sample)) | 0
      odd = (Math.imul(odd, 33) + textLatin1.charCodeAt(length - 1 - sample)) | 0
    }
    const step = (length - 2 * AT_END) / SPREAD
    for (let sample = 0; sample < SPREAD; sample += 1) {
      even = (Math.imul(even, 31) + textLatin1.charCodeAt(AT_END + ((sample * step) | 0))) | 0
    }
  }
  let hash = Math.imul(even ^ (odd << 13) ^ (odd >>> 19), 0x2c_1b_3c_6d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x29_7a_2d_39)
  return hash ^ (hash >>> 13)
}
