/** Byte classes of the SQL tokenizer, and searches over them. */

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256)
  for (let index = 0; index < characters.length; index += 1) table[characters.charCodeAt(index)] = 1
  return table
}

/** White space, NUL (Oracle) and 0xA0 counted in. */
export const WHITE = tableOf(' \t\n\v\f\r\xa0\0')
/** Bytes that end a word, and those that end the name of a variable. */
export const WORD_ENDS = tableOf(' []{}<>:\\?=@!#~+-*/&|^%(),\';\t\n\v\f\r"\xa0\0')
export const VARIABLE_ENDS = tableOf(" <>:\\?=@!#~+-*/&|^%(),';\t\n\v\f\r'`\"\0")
// The reference implementation looks bytes up with strchr, which finds NUL in any list.
export const HEX_DIGITS = tableOf('0123456789ABCDEFabcdef\0')
export const BINARY_DIGITS = tableOf('01\0')
export const MONEY_BYTES = tableOf('0123456789.,\0')
export const LETTERS = tableOf('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\0')

/** Bytes from `from` that are all in the table. */
export function spanOf(table: Uint8Array, value: string, from: number): number {
  let at = from
  while (at < value.length && table[value.charCodeAt(at)] === 1) at += 1
  return at - from
}

/** Bytes from `from` up to the first that is in the table. */
export function spanUntil(table: Uint8Array, value: string, from: number): number {
  let at = from
  while (at < value.length && table[value.charCodeAt(at)] === 0) at += 1
  return at - from
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}
