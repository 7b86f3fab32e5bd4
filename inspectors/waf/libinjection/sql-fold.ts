import { phraseType } from './keyword-table.ts'
import * as T from './sql-token.ts'
import type { SqlTokenizer } from './sql-tokenizer.ts'
import { foldThree } from './sql-fold-three.ts'

/** Tokens of a fingerprint. A sixth is read where it decides about the fifth. */
export const MAX_TOKENS = 5

/**
 * Reads tokens and folds them as they come, so that an expression of any length leaves at most five:
 * `1+2` is a number, a list of values is a value, `UNION ALL` is one word. `left` tokens are settled;
 * two, then three from there on are looked at; a fold goes back to the beginning. Each fold takes away a
 * token and each token is read once, which bounds the work by the number of tokens.
 *
 * @see https://github.com/libinjection/libinjection, libinjection_sqli_fold
 */
export class SqlFolder {
  /** The settled tokens after `fold`. */
  readonly tokens: readonly T.SqlToken[] = Array.from({ length: 8 }, () => new T.SqlToken())
  readonly #lastComment = new T.SqlToken()
  /** Number of tokens read and not folded away, of those settled, and whether more may come. */
  count = 0
  left = 0
  #more = true

  /** @returns how many of `tokens` are the result */
  fold(tokenizer: SqlTokenizer): number {
    const { tokens } = this
    this.#lastComment.clear()
    this.count = 0
    this.left = 0
    if (!this.#skipStart(tokenizer)) return 0
    this.count = 1
    for (;;) {
      if (this.count >= MAX_TOKENS) this.#foldFive()
      if (!this.#more || this.left >= MAX_TOKENS) {
        this.left = this.count
        break
      }
      this.#read(tokenizer, 2)
      if (this.count - this.left < 2) {
        this.left = this.count
        continue
      }
      const outcome = this.#foldTwo()
      if (outcome === 'evil') return this.left + 2
      if (outcome === 'folded') continue
      this.#read(tokenizer, 3)
      if (this.count - this.left < 3) {
        this.left = this.count
        continue
      }
      if (!foldThree(this)) this.left += 1
    }
    if (this.left < MAX_TOKENS && this.#lastComment.type === T.COMMENT) {
      tokens[this.left].copy(this.#lastComment)
      this.left += 1
    }
    return Math.min(this.left, MAX_TOKENS)
  }

  /** Comments, open parentheses, type names and unary operators at the beginning say nothing. */
  #skipStart(tokenizer: SqlTokenizer): boolean {
    const [first] = this.tokens
    do {
      this.#more = tokenizer.next(first)
    } while (
      this.#more &&
      (first.type === T.COMMENT ||
        first.type === T.LEFT_PARENTHESIS ||
        first.type === T.SQL_TYPE ||
        first.isUnary())
    )
    return this.#more
  }

  /** Reads until `wanted` tokens are there beyond those settled. */
  #read(tokenizer: SqlTokenizer, wanted: number): void {
    while (this.#more && this.count <= MAX_TOKENS && this.count - this.left < wanted) {
      const token = this.tokens[this.count]
      this.#more = tokenizer.next(token)
      if (!this.#more) return
      if (token.type === T.COMMENT) this.#lastComment.copy(token)
      else {
        this.#lastComment.type = T.NONE
        this.count += 1
      }
    }
  }

  /** `1,(1)`, `n+(1)`, `1),(1` and `n)+(n` start over. */
  #foldFive(): void {
    const { tokens } = this
    const a = tokens[0].type
    const b = tokens[1].type
    const c = tokens[2].type
    const d = tokens[3].type
    const e = tokens[4].type
    const isEnclosed = c === T.LEFT_PARENTHESIS && e === T.RIGHT_PARENTHESIS
    const isJoined = b === T.RIGHT_PARENTHESIS && d === T.LEFT_PARENTHESIS
    const isFolded =
      (isEnclosed && a === T.NUMBER && (b === T.OPERATOR || b === T.COMMA) && d === T.NUMBER) ||
      (isEnclosed &&
        a === T.BAREWORD &&
        b === T.OPERATOR &&
        (d === T.BAREWORD || d === T.NUMBER)) ||
      (isJoined && a === T.NUMBER && c === T.COMMA && e === T.NUMBER) ||
      (isJoined && a === T.BAREWORD && c === T.OPERATOR && e === T.BAREWORD)
    if (!isFolded) return
    if (this.count > MAX_TOKENS) {
      this.tokens[1].copy(this.tokens[MAX_TOKENS])
      this.count = 2
    } else this.count = 1
    this.left = 0
  }

  /** `evil`: not to be parsed further, `tokens[left + 1]` says so. */
  #foldTwo(): 'folded' | 'kept' | 'evil' {
    const a = this.tokens[this.left]
    const b = this.tokens[this.left + 1]
    if (a.type === b.type && (a.type === T.STRING || a.type === T.SEMICOLON)) {
      this.count -= 1
      return 'folded'
    }
    if (
      (a.type === T.OPERATOR || a.type === T.LOGIC_OPERATOR) &&
      (b.isUnary() || b.type === T.SQL_TYPE)
    ) {
      return this.#drop(1)
    }
    if (a.type === T.LEFT_PARENTHESIS && b.isUnary()) return this.#dropAndStepBack()
    if (mergeWords(a, b)) return this.#dropAndStepBack()
    if (a.type === T.SEMICOLON && b.type === T.FUNCTION && b.startsWith('IF')) {
      // A statement in Transact-SQL, a function elsewhere.
      b.type = T.TSQL
      return 'folded'
    }
    if (b.type === T.LEFT_PARENTHESIS && isFunctionLike(a)) {
      a.type = T.FUNCTION
      return 'folded'
    }
    if (a.type === T.KEYWORD && (a.isWord('IN') || a.isWord('NOT IN'))) {
      a.type = b.type === T.LEFT_PARENTHESIS ? T.OPERATOR : T.BAREWORD
      return 'folded'
    }
    if (a.type === T.OPERATOR && (a.isWord('LIKE') || a.isWord('NOT LIKE'))) {
      if (b.type === T.LEFT_PARENTHESIS) a.type = T.FUNCTION
      return 'kept'
    }
    if (a.type === T.SQL_TYPE && isTyped(b)) {
      a.copy(b)
      return this.#drop(1)
    }
    if (a.type === T.COLLATE && b.type === T.BAREWORD) {
      // There are too many collations to list; their names have an underscore.
      if (b.toString().includes('_')) {
        b.type = T.SQL_TYPE
        this.left = 0
      }
      return 'kept'
    }
    if (a.type === T.BACKSLASH) {
      // Transact-SQL reads `\%1` as `0 % 1` and `\1` as `1`.
      if (b.isArithmetic()) {
        a.type = T.NUMBER
        return this.#drop(0)
      }
      a.copy(b)
      return this.#drop(1)
    }
    if (a.type === b.type && (a.type === T.LEFT_PARENTHESIS || a.type === T.RIGHT_PARENTHESIS)) {
      return this.#drop(1)
    }
    if (a.type === T.LEFT_BRACE && b.type === T.BAREWORD) {
      // "{ ``.``.id }" is valid in MySQL and seen in attacks alone; `{foo expr}` is `expr`.
      if (b.length > 0) return this.#drop(2)
      b.type = T.EVIL
      return 'evil'
    }
    return b.type === T.RIGHT_BRACE ? this.#drop(1) : 'kept'
  }

  #drop(tokens: number): 'folded' {
    this.count -= tokens
    this.left = 0
    return 'folded'
  }

  #dropAndStepBack(): 'folded' {
    this.count -= 1
    if (this.left > 0) this.left -= 1
    return 'folded'
  }
}

/** Types of words that may be part of a phrase; the second may be a logic operator too. */
const PHRASE_TYPES = new Uint8Array(128)
for (const type of [
  T.KEYWORD,
  T.BAREWORD,
  T.OPERATOR,
  T.UNION,
  T.FUNCTION,
  T.EXPRESSION,
  T.TSQL,
  T.SQL_TYPE,
]) {
  PHRASE_TYPES[type] = 1
}

/** Makes `UNION` and `ALL` one token, where the two are a phrase. */
function mergeWords(a: T.SqlToken, b: T.SqlToken): boolean {
  if (PHRASE_TYPES[a.type] === 0) return false
  if (PHRASE_TYPES[b.type] === 0 && b.type !== T.LOGIC_OPERATOR) return false
  const length = a.length + b.length + 1
  if (length > T.MAX_TOKEN_BYTES) return false
  const type = phraseType(a.text, a.from, a.length, b.text, b.from, b.length)
  if (type === 0) return false
  a.assign(type, `${a.toString()} ${b.toString()}`, 0, length)
  return true
}

/** Names that are common for columns and are functions before a parenthesis. */
const FUNCTION_LIKE = [
  'USER_ID',
  'USER_NAME',
  'DATABASE',
  'PASSWORD',
  'USER',
  'CURRENT_USER',
  'CURRENT_DATE',
  'CURRENT_TIME',
  'CURRENT_TIMESTAMP',
  'LOCALTIME',
  'LOCALTIMESTAMP',
]

function isFunctionLike(token: T.SqlToken): boolean {
  if (token.type !== T.BAREWORD && token.type !== T.VARIABLE) return false
  return FUNCTION_LIKE.some((name) => token.isWord(name))
}

/** What a type name may stand before without saying anything. */
function isTyped({ type }: T.SqlToken): boolean {
  return (
    type === T.BAREWORD ||
    type === T.NUMBER ||
    type === T.SQL_TYPE ||
    type === T.LEFT_PARENTHESIS ||
    type === T.FUNCTION ||
    type === T.VARIABLE ||
    type === T.STRING
  )
}
