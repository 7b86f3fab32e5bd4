import { reserve, take } from './byte-writer.ts'

/** `+` becomes a blank. Byte by byte: `replaceAll` pays for each piece between two. */
export function blanksForPlus(textLatin1: string): string {
  const first = textLatin1.indexOf('+')
  if (first < 0) return textLatin1
  const { length } = textLatin1
  const out = reserve(length)
  out.write(textLatin1, 0, 'latin1')
  for (let at = first; at < length; at += 1) if (out[at] === 0x2b) out[at] = 0x20
  return take(length)
}
