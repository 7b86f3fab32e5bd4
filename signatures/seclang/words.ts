import type { SourcePosition } from './diagnostic.ts'
import type { LogicalLine } from './logical-line.ts'

/** A piece of a directive with the way back to its place in the file. */
export class Word {
  readonly text: string
  readonly #line: LogicalLine
  readonly #start: number
  /** Indices in `text` before which one byte of the source (a backslash) was dropped, ascending. */
  readonly #drops: readonly number[]

  constructor(line: LogicalLine, start: number, text: string, drops: readonly number[]) {
    this.text = text
    this.#line = line
    this.#start = start
    this.#drops = drops
  }

  positionAt(index: number): SourcePosition {
    let dropped = 0
    while (dropped < this.#drops.length && this.#drops[dropped] <= index) dropped += 1
    return this.#line.positionAt(this.#start + index + dropped)
  }

  get position(): SourcePosition {
    return this.positionAt(0)
  }
}

export type Words =
  | { readonly ok: true; readonly name: Word; readonly words: readonly Word[] }
  | { readonly ok: false; readonly at: SourcePosition; readonly message: string }

/**
 * Splits a directive the way Apache does (`ap_getword_conf`), which is what ModSecurity v2 sees: words
 * end at blanks; a word in `"` or `'` may hold them; `\\` stands for `\`, and inside quotes `\"` for `"`.
 */
export function splitWords(line: LogicalLine): Words {
  const { text } = line
  const words: Word[] = []
  let index = skipBlanks(text, 0)
  while (index < text.length) {
    const quote = text[index] === '"' || text[index] === "'" ? text[index] : null
    const start = quote === null ? index : index + 1
    const end = quote === null ? endOfPlainWord(text, start) : endOfQuotedWord(text, start, quote)
    if (end < 0) {
      return { ok: false, at: line.positionAt(index), message: `quotation mark is never closed` }
    }
    words.push(unescape(line, start, end, quote))
    const after = quote === null ? end : end + 1
    if (after < text.length && !isBlank(text[after])) {
      const message = `blank expected after the closing quotation mark`
      return { ok: false, at: line.positionAt(after), message }
    }
    index = skipBlanks(text, after)
  }
  return { ok: true, name: words[0], words: words.slice(1) }
}

function unescape(line: LogicalLine, start: number, end: number, quote: string | null): Word {
  const raw = line.text.slice(start, end)
  if (!raw.includes('\\')) return new Word(line, start, raw, [])
  const drops: number[] = []
  let text = ''
  for (let index = 0; index < raw.length; index += 1) {
    const next = raw[index + 1]
    if (raw[index] === '\\' && next !== undefined && (next === '\\' || next === quote)) {
      drops.push(text.length)
      index += 1
    }
    text += raw[index]
  }
  return new Word(line, start, text, drops)
}

function endOfPlainWord(text: string, from: number): number {
  let index = from
  while (index < text.length && !isBlank(text[index])) index += 1
  return index
}

function endOfQuotedWord(text: string, from: number, quote: string): number {
  for (let index = from; index < text.length; index += 1) {
    const next = text[index + 1]
    if (text[index] === '\\' && (next === '\\' || next === quote)) index += 1
    else if (text[index] === quote) return index
  }
  return -1
}

function skipBlanks(text: string, from: number): number {
  let index = from
  while (index < text.length && isBlank(text[index])) index += 1
  return index
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t'
}
