import { isHarmlessText } from './harmless-text.ts'
import { MAX_TOKENS, SqlFolder } from './sql-fold.ts'
import * as T from './sql-token.ts'
import { SqlTokenizer } from './sql-tokenizer.ts'
import { appendType, isKnownFingerprint } from './tables.ts'

/**
 * libinjection's detection of SQL injection: a value is read as the rest of a statement that it was put
 * into, plain or inside either quote, and folded to at most five tokens. Their types are the fingerprint;
 * known ones are attacks, short of some that ordinary text has as well.
 *
 * @see https://github.com/libinjection/libinjection
 */

const tokenizer = new SqlTokenizer()
const folder = new SqlFolder()

type Quote = 0 | 0x22 | 0x27

/** Longest attack that is remembered. */
const MAX_RECENT_BYTES = 4096
/** The last attack and its fingerprint: who was told that it is one asks again for what matched. */
let recentAttack = ''
let recentFingerprint: string | null = null

/** @returns the fingerprint of the attack, null when there is none */
export function detectSqlInjection(valueLatin1: string): string | null {
  if (recentAttack === valueLatin1) return recentFingerprint
  if (isHarmlessText(valueLatin1)) return null
  const fingerprint = readSqlInjection(valueLatin1)
  if (fingerprint !== null && valueLatin1.length <= MAX_RECENT_BYTES) {
    recentAttack = valueLatin1
    recentFingerprint = fingerprint
  }
  return fingerprint
}

/** The same, always by reading the value as SQL. */
export function readSqlInjection(valueLatin1: string): string | null {
  if (valueLatin1 === '') return null
  return (
    detectIn(valueLatin1, 0) ??
    (valueLatin1.includes("'") ? detectIn(valueLatin1, 0x27) : null) ??
    (valueLatin1.includes('"') ? detectAs(valueLatin1, true, 0x22) : null)
  )
}

/** As ANSI SQL, and as MySQL's where the two read comments differently. */
function detectIn(value: string, quote: Quote): string | null {
  const fingerprint = detectAs(value, false, quote)
  if (fingerprint !== null || tokenizer.dialectMarks === 0) return fingerprint
  return detectAs(value, true, quote)
}

function detectAs(value: string, isMysql: boolean, quote: Quote): string | null {
  const fingerprint = knownFingerprint(value, isMysql, quote, false)
  if (fingerprint !== null || tokenizer.bareExponents === 0) return fingerprint
  // MySQL ignores `1.e` before what follows it, which hides the rest from a reader that does not.
  const { dialectMarks } = tokenizer
  const hidden = knownFingerprint(value, isMysql, quote, true)
  tokenizer.dialectMarks = dialectMarks
  return hidden
}

function knownFingerprint(
  value: string,
  isMysql: boolean,
  quote: Quote,
  skipsBareExponents: boolean,
): string | null {
  const count = foldValue(value, isMysql, quote, skipsBareExponents)
  let packed = 0
  for (let index = 0; index < count; index += 1) {
    packed = appendType(packed, folder.tokens[index].type)
  }
  if (!isKnownFingerprint(packed)) return null
  let fingerprint = ''
  for (let index = 0; index < count; index += 1) {
    fingerprint += String.fromCharCode(folder.tokens[index].type)
  }
  return isAttack(value, fingerprint) ? fingerprint : null
}

/**
 * Folds the value. What cannot be parsed with certainty is one token of its own type.
 *
 * @returns how many of the folder's tokens are the result
 */
function foldValue(
  value: string,
  isMysql: boolean,
  quote: Quote,
  skipsBareExponents: boolean,
): number {
  tokenizer.reset(value, isMysql, quote, skipsBareExponents)
  const count = folder.fold(tokenizer)
  const last = folder.tokens[count - 1]
  // PHP's magic: a back tick at the very end opens a comment.
  if (
    count > 2 &&
    last.type === T.BAREWORD &&
    last.open === 0x60 &&
    last.length === 0 &&
    last.close === 0
  ) {
    last.type = T.COMMENT
  }
  for (let index = 0; index < count; index += 1) {
    if (folder.tokens[index].type !== T.EVIL) continue
    folder.tokens[0].type = T.EVIL
    return 1
  }
  return count
}

/** Ordinary text that happens to have the fingerprint of an attack is told apart here. */
function isAttack(value: string, fingerprint: string): boolean {
  // Microsoft's audit log leaves out what has this in it.
  if (fingerprint.length > 1 && fingerprint.endsWith('c') && value.includes('sp_password')) {
    return true
  }
  if (fingerprint.length === 2) return isTwoTokenAttack(value, fingerprint)
  if (fingerprint.length === 3) return isThreeTokenAttack(fingerprint)
  return fingerprint.length <= MAX_TOKENS
}

function isTwoTokenAttack(value: string, fingerprint: string): boolean {
  const [first, second] = folder.tokens
  // `1 UNION` is ordinary, unless something was folded away.
  if (fingerprint.endsWith('U')) return tokenizer.tokens !== 2
  const mark = second.byteAt(0)
  if (mark === 0x23) return false
  if (first.type === T.BAREWORD && second.type === T.COMMENT && mark !== 0x2f) return false
  if (first.type === T.NUMBER && second.type === T.COMMENT) {
    if (mark === 0x2f || tokenizer.tokens > 2) return true
    // `1234-ABCDEF--` is no number with a comment: what follows the number decides.
    const next = value.charCodeAt(first.length)
    if (!(next > 32 && next < 128)) return true
    return value.startsWith('/*', first.length) || value.startsWith('--', first.length)
  }
  // Text after `--` is prose.
  return !(second.length > 2 && mark === 0x2d)
}

const PROSE: ReadonlySet<string> = new Set(['s&n', 'n&1', '1&1', '1&v', '1&s'])

function isThreeTokenAttack(fingerprint: string): boolean {
  const [first, second, third] = folder.tokens
  if (fingerprint === 'sos' || fingerprint === 's&s') {
    // `foo' + 'bar`: the value began inside a string and ends in one.
    return first.open === 0 && third.close === 0 && first.close === third.open
  }
  // `sexy and 17` is prose, `sexy and 17<18` is not.
  if (PROSE.has(fingerprint)) return tokenizer.tokens !== 3
  if (second.type === T.KEYWORD) return second.length >= 5 && second.startsWith('INTO')
  return true
}
