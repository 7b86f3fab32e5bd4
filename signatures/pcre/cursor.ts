import type { PatternErrorCode } from './pattern.ts'

/** Thrown inside the parser and turned into a `PatternError` by `compilePattern`; it never escapes. */
export class PatternSyntaxError extends Error {
  readonly code: PatternErrorCode
  readonly offset: number

  constructor(code: PatternErrorCode, offset: number, message: string) {
    super(message)
    this.code = code
    this.offset = offset
  }
}

/** Place in a pattern's source, with the flags in force there. */
export class Cursor {
  readonly source: string
  offset = 0
  ignoreCase: boolean
  dotAll: boolean
  multiline: boolean
  extended: boolean
  ungreedy: boolean
  readonly dollarEndOnly: boolean

  constructor(
    source: string,
    flags: {
      readonly ignoreCase: boolean
      readonly dotAll: boolean
      readonly multiline: boolean
      readonly extended: boolean
      readonly ungreedy: boolean
      readonly dollarEndOnly: boolean
    },
  ) {
    this.source = source
    this.ignoreCase = flags.ignoreCase
    this.dotAll = flags.dotAll
    this.multiline = flags.multiline
    this.extended = flags.extended
    this.ungreedy = flags.ungreedy
    this.dollarEndOnly = flags.dollarEndOnly
  }

  get atEnd(): boolean {
    return this.offset >= this.source.length
  }

  /** The next character, '' at the end. */
  peek(): string {
    return this.source.charAt(this.offset)
  }

  /** Code of the next character, NaN at the end. */
  peekCode(): number {
    return this.source.charCodeAt(this.offset)
  }

  startsWith(text: string): boolean {
    return this.source.startsWith(text, this.offset)
  }

  /** Steps over `text` when it is next. */
  eat(text: string): boolean {
    if (!this.source.startsWith(text, this.offset)) return false
    this.offset += text.length
    return true
  }

  /** Reads up to `terminator`, which is stepped over. */
  until(terminator: string, what: string): string {
    const start = this.offset
    const end = this.source.indexOf(terminator, start)
    if (end < 0) this.fail('PCRE_SYNTAX', `missing ${terminator} after ${what}`, start)
    this.offset = end + terminator.length
    return this.source.slice(start, end)
  }

  /** Reads decimal digits; -1 when there are none. */
  number(): number {
    const start = this.offset
    while (isDigit(this.peekCode())) this.offset += 1
    if (this.offset === start) return -1
    return this.offset - start > 9 ? Infinity : Number(this.source.slice(start, this.offset))
  }

  fail(code: PatternErrorCode, message: string, offset = this.offset): never {
    throw new PatternSyntaxError(code, offset, message)
  }
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

export function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)
}

/** Value of a hexadecimal digit, -1 for anything else (NaN included). */
export function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
