import { isKnownFingerprint, appendType, KEYWORDS } from './tables.ts'

/**
 * A quick no for ordinary text. Where no word is a keyword, no two words that follow each other are parts of
 * phrases (`ORDER BY`), and no byte is there but those of words, numbers, commas, dots, colons and arithmetic, all tokens are bare words, numbers,
 * operators and that punctuation, whatever is folded; no known fingerprint is made of these alone (that is
 * checked when the tables are read). `--` opens a comment, so text with it is left to the tokenizer.
 *
 * A number may end inside what looks like a word (`1union`, `1.eunion`), so there every rest of the word is
 * looked up. Words are looked up by hash alone: a collision costs a needless reading, no more.
 */

/** Bytes: 0 not ordinary, 1 punctuation, 2 white space, 3 digit, 4 letter. */
const KINDS = new Uint8Array(256)
const PUNCTUATION = 1
const WHITE = 2
const DIGIT = 3
const LETTER = 4
for (const mark of ',.:/+-=') KINDS[mark.charCodeAt(0)] = PUNCTUATION
for (const white of ' \t\n\r') KINDS[white.charCodeAt(0)] = WHITE
for (let byte = 0x30; byte <= 0x39; byte += 1) KINDS[byte] = DIGIT
for (let byte = 0x41; byte <= 0x5a; byte += 1) {
  KINDS[byte] = LETTER
  KINDS[byte | 0x20] = LETTER
}
KINDS['_'.charCodeAt(0)] = LETTER

const ordinaryTypes: readonly string[] = ['n', '1', 'o', ',', '.', ':', 'f']

const HASH_BITS = 65_536
const keywordHashes = new Uint32Array(HASH_BITS / 32)
const partHashes = new Uint32Array(HASH_BITS / 32)
for (const [keyword, type] of KEYWORDS) {
  if (ordinaryTypes.includes(type)) continue
  const words = keyword.split(/[^A-Z0-9_]+/)
  // A phrase without a blank may be made of signs that are no words: its words are taken for keywords.
  const isPhrase = words.length > 1 && keyword === words.join(' ')
  for (const word of words) {
    let hash = 0
    for (let at = word.length - 1; at >= 0; at -= 1) hash = addByte(hash, word.charCodeAt(at))
    const hashes = isPhrase ? partHashes : keywordHashes
    hashes[hash >> 5] |= 1 << (hash & 31)
  }
}

function has(hashes: Uint32Array, hash: number): boolean {
  return (hashes[hash >> 5] & (1 << (hash & 31))) !== 0
}

/** Appends a byte on the left, letters in whatever case. */
function addByte(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + (byte >= 0x61 ? byte - 0x20 : byte)) & (HASH_BITS - 1)
}

const isConclusive = !hasKnown(0, 0)

/** True when a known fingerprint begins with this and goes on with ordinary types. */
function hasKnown(packed: number, length: number): boolean {
  if (length > 0 && isKnownFingerprint(packed)) return true
  if (length === 5) return false
  return ordinaryTypes.some((type) => hasKnown(appendType(packed, type.charCodeAt(0)), length + 1))
}

/** True when the tokenizer would find no injection; false says nothing. */
export function isHarmlessText(valueLatin1: string): boolean {
  if (!isConclusive) return false
  let at = valueLatin1.length - 1
  /** The word to the right is a part of a phrase. */
  let goesOn = false
  while (at >= 0) {
    const byte = valueLatin1.charCodeAt(at)
    const kind = KINDS[byte]
    if (kind === 0) return false
    if (kind <= WHITE) {
      if (byte === 0x2d && at > 0 && valueLatin1.charCodeAt(at - 1) === 0x2d) return false
      at -= 1
      continue
    }
    let hash = 0
    let isRestKnown = false
    let isKeyword = false
    let isPart = false
    let first = kind
    for (; at >= 0; at -= 1) {
      const part = valueLatin1.charCodeAt(at)
      if (KINDS[part] < DIGIT) break
      first = KINDS[part]
      hash = addByte(hash, part)
      isKeyword = has(keywordHashes, hash)
      isPart = has(partHashes, hash)
      if (isKeyword || isPart) isRestKnown = true
    }
    const isWord = first === LETTER && (at < 0 || KINDS[valueLatin1.charCodeAt(at)] === WHITE)
    if (isWord ? isKeyword || (isPart && goesOn) : isRestKnown) return false
    goesOn = isPart
  }
  return true
}
