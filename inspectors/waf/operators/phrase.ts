/** A phrase of `@pm` or `@strmatch`, or why it is none. */
export type PhraseResult =
  | { readonly ok: true; readonly textLatin1: string }
  | { readonly ok: false; readonly offset: number; readonly message: string }

/**
 * Reads the notation that ModSecurity took from Snort:
 * ```
 * phrases := ( '|' (hex hex | ' ')* '|' | '\' [:;\"] | byte )*
 * ```
 * White space and double quotes around the whole are taken off. What ModSecurity drops without a word (other
 * text between the bars, a half byte) is refused.
 */
export function parsePhrases(argument: string): PhraseResult {
  let from = 0
  while (from < argument.length && /\s/.test(argument[from])) from += 1
  let to = argument.length
  if (to - from >= 2 && argument[from] === '"' && argument[to - 1] === '"') {
    from += 1
    to -= 1
  }
  if (from === to) return { ok: false, offset: from, message: 'there is nothing to look for' }
  let text = ''
  for (let at = from; at < to; at += 1) {
    const character = argument[at]
    if (character === '|') {
      const close = argument.indexOf('|', at + 1)
      const hex = argument.slice(at + 1, close < 0 ? to : close).replaceAll(' ', '')
      if (close < 0 || close >= to) {
        return { ok: false, offset: at, message: 'a | is not closed; write |7C| for the byte' }
      }
      if (!/^(?:[0-9a-fA-F]{2})*$/.test(hex)) {
        return { ok: false, offset: at, message: 'between bars only pairs of hexadecimal digits' }
      }
      text += Buffer.from(hex, 'hex').toString('latin1')
      at = close
    } else if (character === '\\') {
      at += 1
      const escaped = at < to ? argument[at] : ''
      if (escaped === '' || !':;\\"'.includes(escaped)) {
        return { ok: false, offset: at - 1, message: 'a backslash escapes : ; \\ and " only' }
      }
      text += escaped
    } else text += character
  }
  return { ok: true, textLatin1: text }
}
