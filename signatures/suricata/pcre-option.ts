/**
 *   pcre := ['!'] '"' '/' PATTERN '/' modifier* [',' NAME (',' NAME)*] '"'         quotes optional
 *
 * Modifiers i s m x A E G change the pattern; R makes it begin where the match before ended; B and O
 * change nothing here; one letter at most names a buffer (`PCRE_BUFFER_LETTERS`). Names give captured
 * groups to the event log and match nothing.
 */
import { compilePattern } from '#signatures/pcre/compile.ts'
import type { CompiledPattern, PatternOptions } from '#signatures/pcre/pattern.ts'
import { PCRE_BUFFER_LETTERS } from './buffers.ts'
import { quotedValue } from './content-pattern.ts'
import { RuleFault } from './problem.ts'

/** Compiled patterns are shared by rules that use the same one: ET repeats half of them. */
export const MAX_CACHED_PATTERNS = 16_384

export interface PcreOption {
  readonly pattern: CompiledPattern
  readonly negated: boolean
  readonly relative: boolean
  /** Buffer named by a letter; null: the current one. */
  readonly buffer: string | null
}

const FORM = /^\/(.*)\/([A-Za-z]*)\s*((?:,\s*[A-Za-z0-9_.:-]+\s*)*)$/s
const cache = new Map<string, CompiledPattern>()

/** @throws RuleFault `bad-argument`, `bad-pcre` or `unsupported-pcre` */
export function parsePcreOption(argument: string): PcreOption {
  const { negated, inner } = patternText(argument)
  const form = FORM.exec(inner)
  if (form === null) throw new RuleFault('bad-argument', 'pcre takes "/PATTERN/MODIFIERS"')
  const options: { -readonly [Key in keyof PatternOptions]: PatternOptions[Key] } = {}
  let relative = false
  let buffer: string | null = null
  for (const letter of form[2]) {
    const named = PCRE_BUFFER_LETTERS.get(letter)
    if (named !== undefined) {
      if (buffer !== null && buffer !== named)
        throw new RuleFault('conflict', `pcre names two buffers, ${buffer} and ${named}`)
      buffer = named
      continue
    }
    switch (letter) {
      case 'i':
        options.ignoreCase = true
        break
      case 's':
        options.dotAll = true
        break
      case 'm':
        options.multiline = true
        break
      case 'x':
        options.extended = true
        break
      case 'A':
        options.anchored = true
        break
      case 'E':
        options.dollarEndOnly = true
        break
      case 'G':
        options.ungreedy = true
        break
      case 'R':
        relative = true
        break
      case 'B':
      case 'O':
        break
      default:
        throw new RuleFault('bad-argument', `pcre has no modifier "${letter}"`)
    }
  }
  return { pattern: compilePcre(form[1], options), negated, relative, buffer }
}

/** The quotes may be left out: `pcre:/a/U`. */
function patternText(argument: string): { negated: boolean; inner: string } {
  const bare = /^\s*(!?)\s*(\/.*\S)\s*$/s.exec(argument)
  return bare === null ? quotedValue(argument) : { negated: bare[1] === '!', inner: bare[2] }
}

/** @throws RuleFault with the offset in the pattern in its message */
export function compilePcre(source: string, options: PatternOptions): CompiledPattern {
  const key = `${JSON.stringify(options)}${source}`
  const known = cache.get(key)
  if (known !== undefined) return known
  const result = compilePattern(source, options)
  if (!result.ok)
    throw new RuleFault(
      result.code === 'PCRE_UNSUPPORTED' ? 'unsupported-pcre' : 'bad-pcre',
      `${result.message}, at byte ${result.offset} of the pattern`,
    )
  if (cache.size >= MAX_CACHED_PATTERNS) cache.clear()
  cache.set(key, result.pattern)
  return result.pattern
}
