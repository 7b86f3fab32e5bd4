import { Entry } from '../values/entry.ts'
import { hasBrokenEscape, urlDecode } from './url-decode.ts'

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
  let from = 0
  while (from < textLatin1.length) {
    if (entries.length >= limit) {
      return { entries, isTruncated: true, hasBrokenEscape: hasBrokenEscape(textLatin1) }
    }
    const found = textLatin1.indexOf(separator, from)
    const end = found < 0 ? textLatin1.length : found
    const equals = textLatin1.indexOf('=', from)
    const hasValue = equals >= 0 && equals < end
    const name = textLatin1.slice(from, hasValue ? equals : end)
    const value = hasValue ? textLatin1.slice(equals + 1, end) : ''
    entries.push(new Entry(urlDecode(name), urlDecode(value)))
    from = end + 1
  }
  return { entries, isTruncated: false, hasBrokenEscape: hasBrokenEscape(textLatin1) }
}
