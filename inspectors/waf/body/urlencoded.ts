import { Entry } from '../values/entry.ts'
import { blanksForPlus } from '../transformations/blanks-for-plus.ts'
import { hasBrokenEscape, percentDecode, urlDecode } from './url-decode.ts'

export interface FormArguments {
  readonly entries: readonly Entry[]
  /** More arguments than the limit: the rest was not read, so the request must not pass unseen. */
  readonly isTruncated: boolean
  readonly hasBrokenEscape: boolean
}

/**
 * Arguments of a query string or a urlencoded body, in order, repeated names kept.
 *
 * @param separator one character, `&` unless `SecArgumentSeparator` says otherwise
 * @param limit most arguments that are read
 */
export function parseForm(textLatin1: string, separator: string, limit: number): FormArguments {
  const entries: Entry[] = []
  const isBroken = hasBrokenEscape(textLatin1)
  // A blank for a plus is one byte for one: the form can be cut afterwards as well.
  const text = separator === '+' || separator === ' ' ? textLatin1 : blanksForPlus(textLatin1)
  const decode = text === textLatin1 ? urlDecode : percentDecode
  let from = 0
  while (from < text.length) {
    if (entries.length >= limit) return { entries, isTruncated: true, hasBrokenEscape: isBroken }
    const found = text.indexOf(separator, from)
    const end = found < 0 ? text.length : found
    const equals = text.indexOf('=', from)
    const hasValue = equals >= 0 && equals < end
    const name = text.slice(from, hasValue ? equals : end)
    const value = hasValue ? text.slice(equals + 1, end) : ''
    entries.push(new Entry(decode(name), decode(value)))
    from = end + 1
  }
  return { entries, isTruncated: false, hasBrokenEscape: isBroken }
}
