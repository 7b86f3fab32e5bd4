/** Classes of bytes as bits of one table: one load and one test per byte. */
export const TOKEN = 1
/** Request target: everything printable but `#`, and bytes above 0x7f. */
export const TARGET = 2
/** Field value: printable, blank, tab, and bytes above 0x7f. */
export const VALUE = 4
/** `reg-name` of a Host without percent-encoding (RFC 3986 section 3.2.2). */
export const HOST = 8
export const DIGIT = 16
export const HEX = 32

/** Indexed by latin1 code. */
export const CHAR_CLASS: Uint8Array = new Uint8Array(256)

function add(bit: number, characters: string): void {
  for (const character of characters) CHAR_CLASS[character.charCodeAt(0)] |= bit
}

const DIGITS = '0123456789'
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

add(TOKEN, `${DIGITS}${LETTERS}!#$%&'*+-.^_\`|~`)
add(HOST, `${DIGITS}${LETTERS}-._~!$&'()*+,;=`)
add(DIGIT, DIGITS)
add(HEX, `${DIGITS}abcdefABCDEF`)
for (let code = 0x20; code < 0x100; code++) {
  if (code === 0x7f) continue
  CHAR_CLASS[code] |= VALUE
  if (code !== 0x20 && code !== 0x23) CHAR_CLASS[code] |= TARGET
}
CHAR_CLASS[0x09] |= VALUE

/** True when all characters of `text[from, to)` are in a class of `mask`. `text` is latin1. */
export function isAll(text: string, from: number, to: number, mask: number): boolean {
  for (let i = from; i < to; i++) {
    if ((CHAR_CLASS[text.charCodeAt(i)] & mask) === 0) return false
  }
  return true
}
