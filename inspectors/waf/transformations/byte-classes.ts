/** `isspace` of the C locale: tab, newline, vertical tab, form feed, carriage return, space. */
export function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 9 && code <= 13)
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

export function isOctalDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x37
}

export function isHexDigit(code: number): boolean {
  const lower = code | 0x20
  return isDigit(code) || (lower >= 0x61 && lower <= 0x66)
}

export function isLetterOrDigit(code: number): boolean {
  const lower = code | 0x20
  return isDigit(code) || (lower >= 0x61 && lower <= 0x7a)
}

/** Value of a hexadecimal digit. ModSecurity's arithmetic: other bytes give a value as well. */
export function hexDigit(code: number): number {
  return code >= 0x41 ? (code & 0xdf) - 0x41 + 10 : code - 0x30
}

/** Byte that two hexadecimal digits stand for, by the arithmetic of `hexDigit`. */
export function hexByte(high: number, low: number): number {
  return (hexDigit(high) * 16 + hexDigit(low)) & 0xff
}

/** Byte that escapes a full-width form (U+FF01 to U+FF5E) to ASCII; other code points lose their high byte. */
export function narrowCodePoint(high1: number, high2: number, byte: number): number {
  const isFullWidth = (high1 | 0x20) === 0x66 && (high2 | 0x20) === 0x66
  return isFullWidth && byte > 0 && byte < 0x5f ? byte + 0x20 : byte
}
