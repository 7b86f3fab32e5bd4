import type { Predicate } from './predicate.ts'
import type { Pipeline } from './pipeline.ts'

/**
 * Identifiers, dates, counters: what differs in one request and the next are mostly digits. Where no rule tells digits
 * apart, a text that no rule matches tells the same of each text that has other digits in their places.
 *
 * That holds for what transformations make of the two as well, if these move digits about without looking at them. The
 * ones below do, in a text that has no byte of UNTAMED.
 */

/** Escapes and entities may be written with digits, and what they stand for may be more of them. */
const UNTAMED = /[%#\\\x80-\xff]/

export const BLIND_TRANSFORMATIONS: ReadonlySet<string> = new Set([
  'cmdLine',
  'compressWhitespace',
  'cssDecode',
  'htmlEntityDecode',
  'jsDecode',
  'lowercase',
  'removeNulls',
  'removeWhitespace',
  'replaceNulls',
  'urlDecode',
  'urlDecodeUni',
  'utf8toUnicode',
])

/** More predicates that tell digits apart are not tried each time. */
const MAX_TESTS = 2
const MAX_TEXT_BYTES = 512
/** Texts that are remembered, by their lengths; a power of two. */
const TEXTS = 8

/** Rules of a group, as far as it matters here. */
export interface DigitGroup {
  readonly pipelines: readonly Pipeline[]
  readonly predicates: readonly Predicate[]
}

/** True when digits of a text are moved about, or left where they are, whatever they are. */
export function isTame(textLatin1: string): boolean {
  return !UNTAMED.test(textLatin1)
}

/** The texts that some groups were found not to match. */
export class DigitTwins {
  /** Predicates that tell digits apart: all of them look at the raw text alone. */
  readonly tests: readonly Predicate[]
  readonly #texts: string[] = Array.from({ length: TEXTS }, () => '')

  constructor(tests: readonly Predicate[]) {
    this.tests = tests
  }

  /** True when a text was kept that differs in the digits that it has in its places, and in nothing else. */
  isTwin(textLatin1: string): boolean {
    const { length } = textLatin1
    const kept = this.#texts[length & (TEXTS - 1)]
    if (kept.length !== length || length === 0) return false
    for (let at = 0; at < length; at += 1) {
      const code = textLatin1.charCodeAt(at)
      const other = kept.charCodeAt(at)
      if (code !== other && !(isDigit(code) && isDigit(other))) return false
    }
    return true
  }

  /** @param textLatin1 that no rule of the groups matches, and that is tame, as is all that was made of it */
  keep(textLatin1: string): void {
    const { length } = textLatin1
    if (length > MAX_TEXT_BYTES) return
    // A copy: what is cut out of a head would keep the head.
    this.#texts[length & (TEXTS - 1)] = Buffer.from(textLatin1, 'latin1').toString('latin1')
  }
}

/** Null where texts of these groups tell nothing of others. */
export function digitTwinsOf(groups: readonly DigitGroup[]): DigitTwins | null {
  const tests = new Set<Predicate>()
  for (const { pipelines, predicates } of groups) {
    const names = pipelines.flatMap((pipeline) => pipeline.names)
    if (!names.every((name) => BLIND_TRANSFORMATIONS.has(name))) return null
    for (const predicate of predicates) {
      if (predicate.operator.isDigitBlind === true) continue
      if (names.length > 0) return null
      tests.add(predicate)
    }
  }
  return tests.size > MAX_TESTS ? null : new DigitTwins([...tests])
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}
