import { integer, operand } from '../arguments.ts'
import type { DraftContent, RuleBuilder } from '../builder.ts'
import { contentBytes, quotedValue } from '../content-pattern.ts'
import { RuleFault } from '../problem.ts'
import type { Operand } from '../buffer-match.ts'
import { type Keyword, keyword } from './keyword.ts'

/** Furthest a content may be looked for, relative or not, as in Suricata. */
export const MAX_DISTANCE = 1_048_576
const MAX_OFFSET = 65_535

/** `content` and the modifiers that belong to the content before them. */
export const CONTENT_KEYWORDS: readonly Keyword[] = [
  keyword('content', 'match', 'Bytes that occur', { grammar: '[!]"BYTES|HEX|"' }, addContent),
  keyword(
    'uricontent',
    'match',
    'Bytes that occur in http.uri',
    { grammar: '[!]"BYTES|HEX|"' },
    (builder, argument) => {
      addContent(builder, argument)
      builder.moveContent('uricontent', 'http.uri')
    },
  ),
  flag('nocase', 'ASCII case is ignored', (content) => {
    content.nocase = true
  }),
  flag('rawbytes', 'Accepted, changes nothing', () => {}),
  keyword('startswith', 'modifier', 'At the very beginning', { argument: 'none' }, (builder) => {
    const content = builder.content('startswith')
    if (content.offset !== null || content.depth !== null || isRelative(content))
      throw new RuleFault('conflict', 'startswith excludes offset, depth, distance and within')
    if (content.startsWith) throw new RuleFault('conflict', 'startswith is given twice')
    content.startsWith = true
  }),
  flag('endswith', 'At the very end', (content) => {
    if (content.endsWith) throw new RuleFault('conflict', 'endswith is given twice')
    content.endsWith = true
  }),
  position('offset', 'Earliest beginning, from the start', 0, MAX_OFFSET, (content, value) => {
    if (isRelative(content) || content.startsWith)
      throw new RuleFault('conflict', 'offset excludes distance, within and startswith')
    if (content.offset !== null) throw new RuleFault('conflict', 'offset is given twice')
    content.offset = value
  }),
  position('depth', 'Bytes from the offset it lies in', 0, MAX_OFFSET, (content, value) => {
    if (isRelative(content) || content.startsWith)
      throw new RuleFault('conflict', 'depth excludes distance, within and startswith')
    if (content.depth !== null) throw new RuleFault('conflict', 'depth is given twice')
    if (typeof value === 'number' && value < content.pattern.length)
      throw new RuleFault(
        'bad-argument',
        `depth ${value} is less than the content's ${content.pattern.length} bytes`,
      )
    content.depth = value
  }),
  position(
    'distance',
    'Bytes skipped after the match before',
    -MAX_DISTANCE,
    MAX_DISTANCE,
    (content, value) => {
      checkRelative(content, 'distance', content.distance)
      content.distance = value
    },
  ),
  position(
    'within',
    'Bytes after the match before it lies in',
    1,
    MAX_DISTANCE,
    (content, value) => {
      checkRelative(content, 'within', content.within)
      if (typeof value === 'number' && value < content.pattern.length)
        throw new RuleFault(
          'bad-argument',
          `within ${value} is less than the content's ${content.pattern.length} bytes`,
        )
      content.within = value
    },
  ),
  keyword(
    'fast_pattern',
    'modifier',
    'This content selects the rule',
    { argument: 'optional', grammar: '[only | OFFSET,LENGTH]' },
    fastPattern,
  ),
]

export function isRelative(content: DraftContent): boolean {
  return content.distance !== null || content.within !== null
}

function addContent(builder: RuleBuilder, argument: string): void {
  const { negated, inner } = quotedValue(argument)
  builder.addContent({
    kind: 'content',
    pattern: contentBytes(inner),
    negated,
    nocase: false,
    startsWith: false,
    endsWith: false,
    offset: null,
    depth: null,
    distance: null,
    within: null,
    fastPattern: false,
    fastPatternChop: null,
  })
}

function flag(name: string, summary: string, apply: (content: DraftContent) => void): Keyword {
  return keyword(name, 'modifier', summary, { argument: 'none' }, (builder) =>
    apply(builder.content(name)),
  )
}

function position(
  name: string,
  summary: string,
  min: number,
  max: number,
  apply: (content: DraftContent, value: Operand) => void,
): Keyword {
  return keyword(name, 'modifier', summary, { grammar: 'N | VARIABLE' }, (builder, argument) => {
    const content = builder.content(name)
    const value = operand(argument, min, max)
    builder.checkOperand(value)
    apply(content, value)
  })
}

function checkRelative(content: DraftContent, name: string, before: Operand | null): void {
  if (content.offset !== null || content.depth !== null || content.startsWith)
    throw new RuleFault('conflict', `${name} excludes offset, depth and startswith`)
  if (before !== null) throw new RuleFault('conflict', `${name} is given twice`)
}

function fastPattern(builder: RuleBuilder, argument: string): void {
  const content = builder.content('fast_pattern')
  if (content.fastPattern) throw new RuleFault('conflict', 'fast_pattern is given twice')
  const placed = isRelative(content) || content.offset !== null || content.depth !== null
  if (content.negated && placed)
    throw new RuleFault('conflict', 'a negated content with a position cannot be the fast pattern')
  content.fastPattern = true
  const text = argument.trim()
  if (text === '') return
  if (text === 'only') {
    if (placed || content.negated)
      throw new RuleFault('conflict', 'fast_pattern:only excludes positions and negation')
    return
  }
  const chop = /^(\d{1,5})\s*,\s*(\d{1,5})$/.exec(text)
  if (chop === null)
    throw new RuleFault('bad-argument', 'fast_pattern takes only, or OFFSET,LENGTH')
  const offset = integer(chop[1], 0, MAX_OFFSET)
  const length = integer(chop[2], 1, MAX_OFFSET)
  if (offset + length > content.pattern.length)
    throw new RuleFault('bad-argument', `the content has only ${content.pattern.length} bytes`)
  content.fastPatternChop = { offset, length }
}
