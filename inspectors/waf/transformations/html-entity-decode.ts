import { isDigit, isHexDigit, isLetterOrDigit } from './byte-classes.ts'
import { reserve, take } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'

/**
 * `t:htmlEntityDecode`:
 * ```
 * entity := '&' ( '#' [xX] hex+ | '#' digit+ | quot | amp | lt | gt | nbsp ) ';'?
 * ```
 * Names in any case. A number keeps its low eight bits; one that overflows C's `long` gives 0xFF, as
 * `strtol` saturates. Anything else stays, and is not looked into again.
 */
export const htmlEntityDecode: Transformation = {
  name: 'htmlEntityDecode',
  apply: decode,
  triggerBytes: triggers('&'),
}

function decode(value: string): string {
  let index = value.indexOf('&')
  if (index < 0) return value
  const out = reserve(value.length)
  for (let before = 0; before < index; before += 1) out[before] = value.charCodeAt(before)
  let length = index
  while (index < value.length) {
    if (value.charCodeAt(index) === 0x26) {
      const end = entityEnd(value, index)
      const byte = entityByte(value, index, end)
      if (byte >= 0) {
        out[length++] = byte
        index = value.charCodeAt(end) === 0x3b ? end + 1 : end
        continue
      }
      for (; index < end; index += 1) out[length++] = value.charCodeAt(index)
      continue
    }
    out[length++] = value.charCodeAt(index)
    index += 1
  }
  return length === value.length ? value : take(length)
}

/** Offset after what belongs to the entity, or after what is copied when it is none. */
function entityEnd(value: string, start: number): number {
  let at = start + 1
  if (value.charCodeAt(at) !== 0x23) {
    while (isLetterOrDigit(value.charCodeAt(at))) at += 1
    return at
  }
  at += 1
  if (at === value.length) return at
  if ((value.charCodeAt(at) | 0x20) === 0x78) {
    at += 1
    while (isHexDigit(value.charCodeAt(at))) at += 1
    return at
  }
  while (isDigit(value.charCodeAt(at))) at += 1
  return at
}

/** -1 when the text is no entity. */
function entityByte(value: string, start: number, end: number): number {
  if (value.charCodeAt(start + 1) !== 0x23) {
    if (end - start > 5) return -1
    return NAMES.get(value.slice(start + 1, end).toLowerCase()) ?? -1
  }
  if ((value.charCodeAt(start + 2) | 0x20) === 0x78) {
    return end > start + 3 ? lowByte(value, start + 3, end, 16) : -1
  }
  return end > start + 2 ? lowByte(value, start + 2, end, 10) : -1
}

const NAMES: ReadonlyMap<string, number> = new Map([
  ['quot', 0x22],
  ['amp', 0x26],
  ['lt', 0x3c],
  ['gt', 0x3e],
  ['nbsp', 0xa0],
])

const LONG_MAX = 0x7fffffffffffffffn

function lowByte(value: string, from: number, to: number, radix: 10 | 16): number {
  let start = from
  while (start < to - 1 && value.charCodeAt(start) === 0x30) start += 1
  if (to - start > 19) return 0xff
  const digits = value.slice(start, to)
  if (digits.length <= 12) return Number.parseInt(digits, radix) % 256
  const number = BigInt(radix === 16 ? `0x${digits}` : digits)
  return number > LONG_MAX ? 0xff : Number(number & 0xffn)
}
