import { KEYWORDS } from './tables.ts'

/**
 * Keywords by the text of a value, without cutting it out or changing its case: a hash over the upper-cased
 * bytes leads to the keyword, which is then compared. Text may come in two pieces with a space between,
 * as the phrases (`UNION ALL`) do.
 */

const SLOTS = 4096
const words: string[] = [...KEYWORDS.keys()]
const types = Uint8Array.from(KEYWORDS.values(), (type) => type.charCodeAt(0))
/** Index into `words` plus one; 0 is free. */
const slots = new Int16Array(SLOTS)
const longest = Math.max(...words.map((word) => word.length))

for (const [index, word] of words.entries()) {
  let slot = hash(0, word, 0, word.length) & (SLOTS - 1)
  while (slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1)
  slots[slot] = index + 1
}

function upper(code: number): number {
  return code >= 0x61 && code <= 0x7a ? code - 0x20 : code
}

function hash(seed: number, text: string, from: number, length: number): number {
  let result = seed
  for (let index = from; index < from + length; index += 1) {
    result = (Math.imul(result, 31) + upper(text.charCodeAt(index))) | 0
  }
  return result
}

/** @returns code of the token type's character, 0 when the text is no keyword */
export function keywordType(text: string, from: number, length: number): number {
  if (length > longest) return 0
  let slot = hash(0, text, from, length) & (SLOTS - 1)
  for (; slots[slot] !== 0; slot = (slot + 1) & (SLOTS - 1)) {
    const index = slots[slot] - 1
    const word = words[index]
    if (word.length === length && isPart(word, 0, text, from, length)) return types[index]
  }
  return 0
}

/** The same for two texts with a space between. */
export function phraseType(
  first: string,
  firstFrom: number,
  firstLength: number,
  second: string,
  secondFrom: number,
  secondLength: number,
): number {
  const length = firstLength + secondLength + 1
  if (length > longest) return 0
  const start = (Math.imul(hash(0, first, firstFrom, firstLength), 31) + 0x20) | 0
  let slot = hash(start, second, secondFrom, secondLength) & (SLOTS - 1)
  for (; slots[slot] !== 0; slot = (slot + 1) & (SLOTS - 1)) {
    const index = slots[slot] - 1
    const word = words[index]
    if (
      word.length === length &&
      word.charCodeAt(firstLength) === 0x20 &&
      isPart(word, 0, first, firstFrom, firstLength) &&
      isPart(word, firstLength + 1, second, secondFrom, secondLength)
    ) {
      return types[index]
    }
  }
  return 0
}

/** True when `word`, upper case, has the text at `at`, whatever its case. */
function isPart(word: string, at: number, text: string, from: number, length: number): boolean {
  for (let index = 0; index < length; index += 1) {
    if (word.charCodeAt(at + index) !== upper(text.charCodeAt(from + index))) return false
  }
  return true
}
