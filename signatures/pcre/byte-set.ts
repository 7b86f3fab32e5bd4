import type { ByteSet } from './gate.ts'

/** Operations on sets of bytes, and the classes that PCRE names (C locale). */

export function emptySet(): ByteSet {
  return new Uint32Array(8)
}

export function addByte(set: ByteSet, byte: number): void {
  set[byte >> 5] |= 1 << (byte & 31)
}

/** Adds `from` to `to`, both included. */
export function addRange(set: ByteSet, from: number, to: number): void {
  for (let byte = from; byte <= to; byte += 1) set[byte >> 5] |= 1 << (byte & 31)
}

export function addSet(set: ByteSet, other: ByteSet): void {
  for (let word = 0; word < 8; word += 1) set[word] |= other[word]
}

export function hasByte(set: ByteSet, byte: number): boolean {
  return (set[byte >> 5] & (1 << (byte & 31))) !== 0
}

export function complement(set: ByteSet): ByteSet {
  const result = emptySet()
  for (let word = 0; word < 8; word += 1) result[word] = ~set[word]
  return result
}

/** Adds the other case of every ASCII letter in the set. */
export function foldCase(set: ByteSet): void {
  const letters = (set[2] | set[3]) & 0x07fffffe
  set[2] |= letters
  set[3] |= letters
}

export function countBytes(set: ByteSet): number {
  let count = 0
  for (let word = 0; word < 8; word += 1) {
    for (let bits = set[word]; bits !== 0; bits &= bits - 1) count += 1
  }
  return count
}

/** The bytes of a set in ascending order. */
export function bytesOf(set: ByteSet): number[] {
  const bytes: number[] = []
  for (let byte = 0; byte < 256; byte += 1) if (hasByte(set, byte)) bytes.push(byte)
  return bytes
}

function setOf(...ranges: readonly (readonly [number, number])[]): ByteSet {
  const set = emptySet()
  for (const [from, to] of ranges) addRange(set, from, to)
  return set
}

const DIGITS: readonly [number, number] = [0x30, 0x39]
const UPPER: readonly [number, number] = [0x41, 0x5a]
const LOWER: readonly [number, number] = [0x61, 0x7a]

export const ANY_BYTE = setOf([0, 255])
export const NOT_NEWLINE = setOf([0, 9], [11, 255])
export const DIGIT = setOf(DIGITS)
/** With vertical tab, as PCRE has it since 8.34 and Perl since 5.18; 0xA0 is none in the C locale. */
export const SPACE = setOf([9, 13], [32, 32])
export const WORD = setOf(DIGITS, UPPER, LOWER, [0x5f, 0x5f])
export const HORIZONTAL_SPACE = setOf([9, 9], [32, 32], [0xa0, 0xa0])
export const VERTICAL_SPACE = setOf([10, 13], [0x85, 0x85])

/** `[:name:]` inside a class. */
export const POSIX_CLASSES: ReadonlyMap<string, ByteSet> = new Map([
  ['alnum', setOf(DIGITS, UPPER, LOWER)],
  ['alpha', setOf(UPPER, LOWER)],
  ['ascii', setOf([0, 127])],
  ['blank', setOf([9, 9], [32, 32])],
  ['cntrl', setOf([0, 31], [127, 127])],
  ['digit', DIGIT],
  ['graph', setOf([33, 126])],
  ['lower', setOf(LOWER)],
  ['print', setOf([32, 126])],
  ['punct', setOf([33, 47], [58, 64], [91, 96], [123, 126])],
  ['space', SPACE],
  ['upper', setOf(UPPER)],
  ['word', WORD],
  ['xdigit', setOf(DIGITS, [0x41, 0x46], [0x61, 0x66])],
])

/** Sets that escapes stand for, inside and outside a class, by the letter after the backslash. */
export const ESCAPE_CLASSES: ReadonlyMap<string, ByteSet> = new Map([
  ['d', DIGIT],
  ['D', complement(DIGIT)],
  ['s', SPACE],
  ['S', complement(SPACE)],
  ['w', WORD],
  ['W', complement(WORD)],
  ['h', HORIZONTAL_SPACE],
  ['H', complement(HORIZONTAL_SPACE)],
  ['v', VERTICAL_SPACE],
  ['V', complement(VERTICAL_SPACE)],
])
