/** Codes of the characters that name the types of tokens, in fingerprints as well. */
export const NONE = 0
export const KEYWORD = 0x6b
export const UNION = 0x55
export const GROUP = 0x42
export const EXPRESSION = 0x45
export const SQL_TYPE = 0x74
export const FUNCTION = 0x66
export const BAREWORD = 0x6e
export const NUMBER = 0x31
export const VARIABLE = 0x76
export const STRING = 0x73
export const OPERATOR = 0x6f
export const LOGIC_OPERATOR = 0x26
export const COMMENT = 0x63
export const COLLATE = 0x41
export const LEFT_PARENTHESIS = 0x28
export const RIGHT_PARENTHESIS = 0x29
export const LEFT_BRACE = 0x7b
export const RIGHT_BRACE = 0x7d
export const DOT = 0x2e
export const COMMA = 0x2c
export const COLON = 0x3a
export const SEMICOLON = 0x3b
export const TSQL = 0x54
export const UNKNOWN = 0x3f
export const EVIL = 0x58
export const BACKSLASH = 0x5c

/** Bytes of a token that are kept; the rest of a longer one is consumed and forgotten. */
export const MAX_TOKEN_BYTES = 31

/** A token of SQL. Tokens are pooled: `clear` makes one fresh. */
export class SqlToken {
  type = NONE
  /** Where its text is: that of the value, or of a phrase that was merged. */
  text = ''
  from = 0
  length = 0
  /** Quotes of a string as they were, 0 for none. */
  open = 0
  close = 0
  /** `@` signs of a variable. */
  signs = 0

  clear(): void {
    this.type = NONE
    this.text = ''
    this.from = 0
    this.length = 0
    this.open = 0
    this.close = 0
    this.signs = 0
  }

  assign(type: number, text: string, from: number, length: number): void {
    this.type = type
    this.text = text
    this.from = from
    this.length = length < MAX_TOKEN_BYTES ? length : MAX_TOKEN_BYTES
  }

  copy(other: SqlToken): void {
    this.type = other.type
    this.text = other.text
    this.from = other.from
    this.length = other.length
    this.open = other.open
    this.close = other.close
    this.signs = other.signs
  }

  /** Code of a byte of the token; NaN past its end. */
  byteAt(index: number): number {
    return index < this.length ? this.text.charCodeAt(this.from + index) : Number.NaN
  }

  /** @param word upper case */
  isWord(word: string): boolean {
    return this.length === word.length && this.startsWith(word)
  }

  /** @param word upper case */
  startsWith(word: string): boolean {
    if (this.length < word.length) return false
    for (let index = 0; index < word.length; index += 1) {
      const code = this.text.charCodeAt(this.from + index)
      const upper = code >= 0x61 && code <= 0x7a ? code - 0x20 : code
      if (upper !== word.charCodeAt(index)) return false
    }
    return true
  }

  /** Text, for people and tests. */
  toString(): string {
    return this.text.slice(this.from, this.from + this.length)
  }

  isArithmetic(): boolean {
    if (this.type !== OPERATOR || this.length !== 1) return false
    switch (this.text.charCodeAt(this.from)) {
      case 0x2a:
      case 0x2f:
      case 0x2d:
      case 0x2b:
      case 0x25:
        return true
      default:
        return false
    }
  }

  isUnary(): boolean {
    if (this.type !== OPERATOR) return false
    switch (this.length) {
      case 1:
        return isUnarySign(this.text.charCodeAt(this.from))
      case 2:
        return this.byteAt(0) === 0x21 && this.byteAt(1) === 0x21
      case 3:
        return this.isWord('NOT')
      default:
        return false
    }
  }
}

/** `+`, `-`, `!` and `~`. */
function isUnarySign(code: number): boolean {
  return code === 0x2b || code === 0x2d || code === 0x21 || code === 0x7e
}
