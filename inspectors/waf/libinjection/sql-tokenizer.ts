import { keywordType } from './keyword-table.ts'
import {
  BINARY_DIGITS,
  HEX_DIGITS,
  isDigit,
  LETTERS,
  MONEY_BYTES,
  spanOf,
  spanUntil,
} from './sql-scan.ts'
import { VARIABLE_ENDS, WHITE, WORD_ENDS } from './sql-scan.ts'
import * as T from './sql-token.ts'
import { BYTE_CLASSES } from './tables.ts'

/**
 * Tokenizer of libinjection: SQL of all dialects at once, told apart where they differ by two flags. The
 * first byte of a token decides how it is read. Every token moves forward, and every search either stops
 * at what it finds or consumes the value to its end, so a value is read a bounded number of times.
 *
 * @see https://github.com/libinjection/libinjection, src/libinjection_sqli.c
 */

const PARSERS =
  'WHITE BANG STR HASH MONEY OP1 OP2 LEFTPARENS RIGHTPARENS UNARY COMMA DASH NUM SLASH SEMICOLON OTHER ' +
  'VAR WORD BSTRING ESTRING NQSTRING QSTRING USTRING XSTRING BWORD BACK TICK LEFTBRACE RIGHTBRACE'

const PARSER_NAMES = PARSERS.split(' ')
const PARSER_OF = Uint8Array.from(BYTE_CLASSES, (name) => PARSER_NAMES.indexOf(name))

const SINGLE = 0x27
const DOUBLE = 0x22
const TICK = 0x60

/** Bytes that close Oracle's `q'(...)'`, by those that open it. */
const CLOSERS: ReadonlyMap<number, number> = new Map([
  [0x28, 0x29],
  [0x5b, 0x5d],
  [0x7b, 0x7d],
  [0x3c, 0x3e],
])

export class SqlTokenizer {
  #value = ''
  #at = 0
  #isMysql = false
  /** Quote the value is imagined to begin with, 0 for none. */
  #quote = 0
  #token = new T.SqlToken()
  /** Tokens read, and marks of a comment that is one in MySQL or in ANSI SQL alone. */
  tokens = 0
  dialectMarks = 0
  /** Numbers with an exponent that has no digits (`1.e`), and whether they are left out. */
  bareExponents = 0
  #skipsBareExponents = false

  /** @param skipsBareExponents reads `1.e(1)` as MySQL does, which ignores `1.e` */
  reset(value: string, isMysql: boolean, quote: 0 | 0x22 | 0x27, skipsBareExponents = false): void {
    this.bareExponents = 0
    this.#skipsBareExponents = skipsBareExponents
    this.#value = value
    this.#at = 0
    this.#isMysql = isMysql
    this.#quote = quote
    this.tokens = 0
    this.dialectMarks = 0
  }

  /** Reads the next token into `token`, whose type stays NONE at the end. */
  next(token: T.SqlToken): boolean {
    this.#token = token
    token.clear()
    if (this.#value === '') return false
    if (this.#at === 0 && this.#quote !== 0) {
      this.#at = this.#string(0, this.#quote, 0)
      this.tokens += 1
      return true
    }
    while (this.#at < this.#value.length) {
      this.#at = this.#parse(this.#at)
      if (token.type !== T.NONE) {
        this.tokens += 1
        return true
      }
    }
    return false
  }

  #byte(at: number): number {
    return this.#value.charCodeAt(at)
  }

  /** Reads what begins at `at` and returns where it ends. */
  #parse(at: number): number {
    switch (PARSER_OF[this.#byte(at)]) {
      case 0:
        return at + 1
      case 1:
      case 6:
        return this.#operator(at)
      case 2:
        return this.#string(at, this.#byte(at), 1)
      case 3:
        return this.#hash(at)
      case 4:
        return this.#money(at)
      case 5:
      case 9:
        return this.#one(T.OPERATOR, at)
      case 7:
      case 8:
      case 10:
      case 14:
      case 27:
      case 28:
        return this.#one(this.#byte(at), at)
      case 11:
        return this.#dash(at)
      case 12:
        return this.#number(at)
      case 13:
        return this.#slash(at)
      case 15:
        return this.#one(T.UNKNOWN, at)
      case 16:
        return this.#variable(at)
      case 17:
        return this.#word(at)
      case 18:
        return this.#digitString(at, BINARY_DIGITS)
      case 19:
        return this.#escapeString(at)
      case 20:
        if (at + 2 < this.#value.length && this.#byte(at + 1) === SINGLE) {
          return this.#escapeString(at)
        }
        return this.#oracleString(at, 1)
      case 21:
        return this.#oracleString(at, 0)
      case 22:
        return this.#unicodeString(at)
      case 23:
        return this.#digitString(at, HEX_DIGITS)
      case 24:
        return this.#bracketWord(at)
      case 25:
        return this.#backslash(at)
      default:
        return this.#tick(at)
    }
  }

  #one(type: number, at: number): number {
    this.#token.assign(type, this.#value, at, 1)
    return at + 1
  }

  #take(type: number, from: number, to: number): number {
    this.#token.assign(type, this.#value, from, to - from)
    return to
  }

  #lineComment(at: number): number {
    const end = this.#value.indexOf('\n', at)
    if (end < 0) return this.#take(T.COMMENT, at, this.#value.length)
    this.#take(T.COMMENT, at, end)
    return end + 1
  }

  /** A comment in MySQL, an operator elsewhere. */
  #hash(at: number): number {
    this.dialectMarks += 1
    return this.#isMysql ? this.#lineComment(at) : this.#one(T.OPERATOR, at)
  }

  /** `--`: a comment where white space or nothing follows; otherwise one everywhere but in MySQL. */
  #dash(at: number): number {
    if (this.#byte(at + 1) !== 0x2d) return this.#one(T.OPERATOR, at)
    if (at + 2 === this.#value.length || WHITE[this.#byte(at + 2)] === 1) {
      return this.#lineComment(at)
    }
    if (this.#isMysql) return this.#one(T.OPERATOR, at)
    this.dialectMarks += 1
    return this.#lineComment(at)
  }

  /** Comments inside comments (PostgreSQL) and conditional ones (MySQL) cannot be told apart: evil. */
  #slash(at: number): number {
    const value = this.#value
    if (this.#byte(at + 1) !== 0x2a) return this.#one(T.OPERATOR, at)
    const close = value.indexOf('*/', at + 2)
    const end = close < 0 ? value.length : close + 2
    let type = this.#byte(at + 2) === 0x21 ? T.EVIL : T.COMMENT
    if (close >= 0) {
      const nested = value.indexOf('/*', at + 2)
      // One that shares the star of the closing mark counts as nested too.
      if (nested >= 0 && nested < close) type = T.EVIL
    }
    return this.#take(type, at, end)
  }

  /** `\N` is NULL in MySQL. */
  #backslash(at: number): number {
    if (this.#byte(at + 1) === 0x4e) return this.#take(T.NUMBER, at, at + 2)
    return this.#one(T.BACKSLASH, at)
  }

  #operator(at: number): number {
    const value = this.#value
    if (at + 1 >= value.length) return this.#one(T.OPERATOR, at)
    if (value.startsWith('<=>', at)) return this.#take(T.OPERATOR, at, at + 3)
    const type = keywordType(value, at, 2)
    if (type !== 0) return this.#take(type, at, at + 2)
    return this.#one(this.#byte(at) === T.COLON ? T.COLON : T.OPERATOR, at)
  }

  /**
   * A string from `at`, whose first `skip` bytes open it. Backslash and doubling escape the quote.
   */
  #string(at: number, quote: number, skip: number): number {
    const value = this.#value
    const start = at + skip
    const delimiter = String.fromCharCode(quote)
    this.#token.open = skip > 0 ? quote : 0
    let end = value.indexOf(delimiter, start)
    while (end >= 0) {
      if (this.#isEscaped(end, start)) end = value.indexOf(delimiter, end + 1)
      else if (this.#byte(end + 1) === quote) end = value.indexOf(delimiter, end + 2)
      else {
        this.#take(T.STRING, start, end)
        this.#token.close = quote
        return end + 1
      }
    }
    this.#token.close = 0
    return this.#take(T.STRING, start, value.length)
  }

  /** An odd number of backslashes stands before `at`. */
  #isEscaped(at: number, start: number): boolean {
    let before = at - 1
    while (before >= start && this.#byte(before) === 0x5c) before -= 1
    return ((at - 1 - before) & 1) === 1
  }

  /** `E'...'` and `N'...'`. */
  #escapeString(at: number): number {
    if (at + 2 >= this.#value.length || this.#byte(at + 1) !== SINGLE) return this.#word(at)
    return this.#string(at, SINGLE, 2)
  }

  /** `U&'...'`. */
  #unicodeString(at: number): number {
    if (!this.#value.startsWith("&'", at + 1)) return this.#word(at)
    const end = this.#string(at + 2, SINGLE, 1)
    this.#token.open = 0x75
    if (this.#token.close === SINGLE) this.#token.close = 0x75
    return end
  }

  /** Oracle's `q'!...!'`, with `skip` 1 `nq'!...!'`. */
  #oracleString(from: number, skip: number): number {
    const value = this.#value
    const at = from + skip
    const isQ = (this.#byte(at) | 0x20) === 0x71
    if (!isQ || at + 2 >= value.length || this.#byte(at + 1) !== SINGLE) return this.#word(from)
    const opener = this.#byte(at + 2)
    if (opener < 33 || opener > 127) return this.#word(from)
    const closer = String.fromCharCode(CLOSERS.get(opener) ?? opener)
    const end = value.indexOf(`${closer}'`, at + 3)
    this.#token.open = 0x71
    if (end < 0) return this.#take(T.STRING, at + 3, value.length)
    this.#take(T.STRING, at + 3, end)
    this.#token.close = 0x71
    return end + 2
  }

  /** `b'01'` and `x'0f'`: numbers. */
  #digitString(at: number, digits: Uint8Array): number {
    if (at + 2 >= this.#value.length || this.#byte(at + 1) !== SINGLE) return this.#word(at)
    const end = at + 2 + spanOf(digits, this.#value, at + 2)
    return this.#byte(end) === SINGLE ? this.#take(T.NUMBER, at, end + 1) : this.#word(at)
  }

  /** `[name]` of SQL Server. */
  #bracketWord(at: number): number {
    const end = this.#value.indexOf(']', at)
    return this.#take(T.BAREWORD, at, end < 0 ? this.#value.length : end + 1)
  }

  #word(at: number): number {
    const value = this.#value
    const length = spanUntil(WORD_ENDS, value, at)
    const token = this.#token
    token.assign(T.BAREWORD, value, at, length)
    // `SELECT.1` and "SELECT`column`" begin with a keyword.
    for (let index = 0; index < token.length; index += 1) {
      const code = this.#byte(at + index)
      if (code !== T.DOT && code !== TICK) continue
      const type = keywordType(value, at, index)
      if (type === 0 || type === T.BAREWORD) continue
      token.clear()
      return this.#take(type, at, at + index)
    }
    if (length <= T.MAX_TOKEN_BYTES) {
      const type = keywordType(value, at, length)
      if (type !== 0) token.type = type
    }
    return at + length
  }

  /** MySQL's back ticks: a function's name stays one, all else is a bare word. */
  #tick(at: number): number {
    const end = this.#string(at, TICK, 1)
    const token = this.#token
    const type = keywordType(this.#value, token.from, token.length)
    token.type = type === T.FUNCTION ? T.FUNCTION : T.BAREWORD
    return end
  }

  #variable(from: number): number {
    const value = this.#value
    let at = from + 1
    this.#token.signs = 1
    if (this.#byte(at) === 0x40) {
      at += 1
      this.#token.signs = 2
    }
    const next = this.#byte(at)
    if (next === TICK || next === SINGLE || next === DOUBLE) {
      const end = next === TICK ? this.#tick(at) : this.#string(at, next, 1)
      this.#token.type = T.VARIABLE
      return end
    }
    return this.#take(T.VARIABLE, at, at + spanUntil(VARIABLE_ENDS, value, at))
  }

  /** `$1,000.00`, `$$...$$`, `$tag$...$tag$`. */
  #money(at: number): number {
    const value = this.#value
    if (at + 1 === value.length) return this.#one(T.BAREWORD, at)
    const amount = spanOf(MONEY_BYTES, value, at + 1)
    if (amount === 1 && this.#byte(at + 1) === T.DOT) return this.#word(at)
    if (amount > 0) return this.#take(T.NUMBER, at, at + 1 + amount)
    const tag = this.#byte(at + 1) === 0x24 ? 0 : spanOf(LETTERS, value, at + 1)
    if (this.#byte(at + tag + 1) !== 0x24) return this.#one(T.BAREWORD, at)
    const start = at + tag + 2
    const end = value.indexOf(value.slice(at, start), start)
    this.#token.open = 0x24
    if (end < 0) return this.#take(T.STRING, start, value.length)
    this.#take(T.STRING, start, end)
    this.#token.close = 0x24
    return end + tag + 2
  }

  #number(start: number): number {
    const value = this.#value
    let at = start
    if (this.#byte(at) === 0x30 && at + 1 < value.length) {
      const radix = this.#byte(at + 1) | 0x20
      if (radix === 0x78 || radix === 0x62) {
        const digits = spanOf(radix === 0x78 ? HEX_DIGITS : BINARY_DIGITS, value, at + 2)
        return this.#take(digits === 0 ? T.BAREWORD : T.NUMBER, at, at + 2 + digits)
      }
    }
    while (isDigit(this.#byte(at))) at += 1
    if (this.#byte(at) === T.DOT) {
      at += 1
      while (isDigit(this.#byte(at))) at += 1
      if (at - start === 1) return this.#one(T.DOT, start)
    }
    let isBareExponent = false
    if ((this.#byte(at) | 0x20) === 0x65) {
      at += 1
      if (this.#byte(at) === 0x2b || this.#byte(at) === 0x2d) at += 1
      isBareExponent = !isDigit(this.#byte(at))
      while (isDigit(this.#byte(at))) at += 1
    }
    if (this.#isSuffix(at)) at += 1
    if (!isBareExponent) return this.#take(T.NUMBER, start, at)
    this.bareExponents += 1
    return this.#skipsBareExponents ? at : this.#take(T.BAREWORD, start, at)
  }

  /** Oracle's `1d` and `1f`: before an end, white space, `;` or the U of a UNION. */
  #isSuffix(at: number): boolean {
    const letter = this.#byte(at) | 0x20
    if (letter !== 0x64 && letter !== 0x66) return false
    if (at + 1 === this.#value.length) return true
    const next = this.#byte(at + 1)
    return WHITE[next] === 1 || next === T.SEMICOLON || (next | 0x20) === 0x75
  }
}
