import { MAX_V8_BYTES } from '#signatures/pcre/hybrid-engine.ts'

/** Random patterns and values for differential tests: the same seed gives the same ones. */

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 1
  }

  /** An integer from 0 to `bound` - 1. */
  below(bound: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % bound
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]
  }
}

export interface PatternFeatures {
  /** Lookaround, backreferences, possessive and atomic groups. */
  readonly withBudget: boolean
  /** Counts large enough to need RE2. */
  readonly withLargeCounts: boolean
}

const ATOMS = [
  'a',
  'b',
  'c',
  'A',
  'ab',
  'bc',
  'foo',
  'Bar',
  '1',
  '_',
  ' ',
  '\\n',
  '\\x{e9}',
  '\\xE9',
  '.',
  '\\w',
  '\\W',
  '\\d',
  '\\s',
  '\\S',
  '\\h',
  '[ab]',
  '[^a]',
  '[a-c1]',
  '[[:alpha:]]',
  '[^\\n]',
  '[\\x80-\\xff]',
  '\\Qa.b\\E',
  '[-a]',
  '[a\\]]',
  '\\.',
  '\\-',
  '[[:^digit:]]',
]
const ASSERTIONS = ['^', '$', '\\b', '\\B', '\\A', '\\z', '\\Z']
const QUANTIFIERS = ['*', '+', '?', '{2}', '{1,3}', '{0,2}', '{2,}', '*?', '+?', '??', '{1,2}?']
const LARGE = ['{17}', '{20,}', '{0,18}', '{18,40}', '{3,300}', '{0,250}?']

/** Text of a pattern; `depth` bounds its nesting. */
export function randomPattern(random: Random, features: PatternFeatures, depth = 3): string {
  const state = { groups: 0 }
  return branches(random, features, depth, state)
}

interface State {
  groups: number
}

function branches(random: Random, features: PatternFeatures, depth: number, state: State): string {
  const count = random.below(4) === 0 ? 2 + random.below(2) : 1
  const texts: string[] = []
  for (let index = 0; index < count; index += 1)
    texts.push(sequence(random, features, depth, state))
  return texts.join('|')
}

function sequence(random: Random, features: PatternFeatures, depth: number, state: State): string {
  let text = ''
  const count = 1 + random.below(4)
  for (let index = 0; index < count; index += 1) {
    if (random.below(7) === 0) text += random.pick(ASSERTIONS)
    else text += atom(random, features, depth, state)
  }
  return text
}

function atom(random: Random, features: PatternFeatures, depth: number, state: State): string {
  let text = random.pick(ATOMS)
  const kind = random.below(10)
  if (depth > 0 && kind < 4) text = group(random, features, depth - 1, state)
  else if (features.withBudget && state.groups > 0 && kind === 4) {
    text = `\\${1 + random.below(state.groups)}`
  }
  if (text === '') return text
  if (text.length > 1 && /^(?:ab|bc|foo|Bar)$/.test(text) && random.below(2) === 0) return text
  if (random.below(3) !== 0) return text
  let quantifier = random.pick(QUANTIFIERS)
  if (features.withLargeCounts && random.below(3) === 0) quantifier = random.pick(LARGE)
  if (features.withBudget && random.below(6) === 0 && !quantifier.endsWith('?')) quantifier += '+'
  return text + quantifier
}

function group(random: Random, features: PatternFeatures, depth: number, state: State): string {
  const kind = random.below(features.withBudget ? 10 : 4)
  if (kind < 2) {
    state.groups += 1
    return `(${branches(random, features, depth, state)})`
  }
  if (kind > 7) {
    const seen = random.pick(['a', 'ab', '\\w', '[^b]', 'foo|b'])
    return `(?<${random.pick(['=', '!'])}${seen})`
  }
  const inner = branches(random, features, depth, state)
  switch (kind) {
    case 2:
      return `(?:${inner})`
    case 3:
      return `(?${random.pick(['i', '-i', 's', 'm', 'i-s'])}:${inner})`
    case 4:
    case 5:
      return `(?=${inner})`
    case 6:
      return `(?!${inner})`
    default:
      return `(?>${inner})`
  }
}

const PIECES = [
  'a',
  'b',
  'c',
  'A',
  'B',
  'foo',
  'Bar',
  'ab',
  '\n',
  ' ',
  '1',
  '_',
  '\xe9',
  '\xc9',
  '.',
  'a.b',
]

/** A value that patterns of `randomPattern` have a chance to match. */
export function randomValue(random: Random, longest = 14): string {
  let value = ''
  const count = random.below(longest)
  for (let index = 0; index < count; index += 1) {
    const piece = random.pick(PIECES)
    value += random.below(12) === 0 ? piece.repeat(2 + random.below(24)) : piece
  }
  return value
}

/** A value that goes to RE2: longer than V8 is given. */
export function randomLongValue(random: Random): string {
  let value = ''
  while (value.length <= MAX_V8_BYTES) value += randomValue(random) || ' '
  return value
}
