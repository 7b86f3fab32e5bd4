import type { Node } from './ast.ts'
import { bytesOf, countBytes } from './byte-set.ts'
import { isLetter } from './cursor.ts'
import type { Literal, LiteralSet, Requirement } from './gate.ts'

/**
 * Required literals of a pattern, after RE2's prefilter (prefilter.cc). For each node two things are
 * kept: `exact`, all strings the node can match when they are few, and `required`, sets of which some
 * literal must occur. Neighbours in a sequence are multiplied while they are exact, so `(?:foo|bar)baz`
 * needs `foobaz` or `barbaz`; where a node is not exact the strings so far become a required set and a
 * new run starts: `foo.*bar` never joins into `foobar`. An alternation requires what its branches
 * require, one set of each joined; a branch that requires nothing makes the alternation require nothing.
 *
 * Letters that match in both cases make the whole literal `ignoreCase`, which requires less than the
 * pattern does and is sound.
 */

/** Most strings a node may have to count as exact, and most bytes of them together. */
const MAX_EXACT = 64
const MAX_EXACT_BYTES = 2048
/** Classes larger than this (cases of one letter counted once) end a run. */
const MAX_CLASS = 4
/** Most literals of one required set, and most sets that are kept. */
const MAX_SET_LITERALS = 4096
const MAX_SETS = 4
/** Shortest literal worth a place in a multi-pattern automaton. */
const MIN_LITERAL_BYTES = 2
/** Longer literals are cut: what is left is still required. */
const MAX_LITERAL_BYTES = 24

/** A set with what is asked of it again and again. */
interface Strings {
  readonly set: LiteralSet
  /** Bytes of its shortest literal, Infinity where there is none, and of all together. */
  readonly shortest: number
  readonly bytes: number
}

interface Facts {
  readonly exact: Strings | null
  readonly required: readonly Strings[]
}

const NOTHING = stringsOf([{ text: '', ignoreCase: false }])
const EMPTY_FACTS: Facts = { exact: NOTHING, required: [] }
const UNKNOWN: Facts = { exact: null, required: [] }

/** @returns the sets every match needs, best first; null when nothing of two bytes or more is needed */
export function requirementOf(root: Node): Requirement | null {
  const facts = factsOf(root)
  const sets = [...facts.required]
  if (facts.exact !== null) sets.push(facts.exact)
  const useful = sets
    .filter(({ shortest }) => shortest >= MIN_LITERAL_BYTES)
    .map(({ set }) => stringsOf(minimize(set)))
  if (useful.length === 0) return null
  useful.sort((left, right) => quality(right) - quality(left))
  return useful.slice(0, MAX_SETS).map(({ set }) => set)
}

function factsOf(node: Node): Facts {
  switch (node.kind) {
    case 'byte':
      return { exact: stringsOf([literalOf(node.byte, node.fold)]), required: [] }
    case 'set': {
      const exact = classLiterals(node.set)
      return exact === null ? UNKNOWN : { exact: stringsOf(exact), required: [] }
    }
    case 'sequence':
      return sequenceFacts(node.items)
    case 'alternation':
      return alternationFacts(node.items.map(factsOf))
    case 'repeat': {
      if (node.min === 0) return UNKNOWN
      const facts = factsOf(node.item)
      if (node.min === 1 && node.max === 1) return facts
      if (node.min === node.max && node.min <= 8) {
        return sequenceFacts(Array.from({ length: node.min }, () => node.item))
      }
      return { exact: null, required: requiredOf(facts) }
    }
    case 'group':
    case 'atomic':
      return factsOf(node.item)
    case 'look': {
      // What a positive lookaround sees is in the value too; it takes no room between its neighbours.
      if (node.negative) return EMPTY_FACTS
      return { exact: EMPTY_FACTS.exact, required: requiredOf(factsOf(node.item)) }
    }
    case 'assertion':
      return EMPTY_FACTS
    case 'conditional':
      return alternationFacts([factsOf(node.yes), factsOf(node.no)])
    case 'backreference':
      return UNKNOWN
  }
}

function sequenceFacts(items: readonly Node[]): Facts {
  const required: Strings[] = []
  let run = NOTHING
  let isWhole = true
  for (let index = 0; index < items.length; index += 1) {
    const bytes = bytesFrom(items, index)
    if (bytes > 1) {
      const longer = multiply(run, stringsOf([joinedBytes(items, index, index + bytes)]))
      if (longer !== null) {
        run = longer
        index += bytes - 1
        continue
      }
    }
    const facts = factsOf(items[index])
    required.push(...facts.required)
    const joined = facts.exact === null ? null : multiply(run, facts.exact)
    if (joined !== null) {
      run = joined
      continue
    }
    isWhole = false
    if (run.shortest > 0) required.push(run)
    run = facts.exact ?? NOTHING
  }
  if (isWhole) return { exact: run, required: keepBest(required) }
  if (run.shortest > 0) required.push(run)
  return { exact: null, required: keepBest(required) }
}

/** How many items in a row are single bytes. */
function bytesFrom(items: readonly Node[], from: number): number {
  let to = from
  while (to < items.length && items[to].kind === 'byte') to += 1
  return to - from
}

/** Two or more single bytes as one literal. */
function joinedBytes(items: readonly Node[], from: number, to: number): Literal {
  let text = ''
  let ignoreCase = false
  for (let index = from; index < to; index += 1) {
    const item = items[index]
    if (item.kind !== 'byte') break
    text += String.fromCharCode(item.byte)
    ignoreCase ||= item.fold
  }
  return { text: ignoreCase ? lower(text) : text, ignoreCase }
}

function alternationFacts(branches: readonly Facts[]): Facts {
  const exact: Literal[] = []
  let isExact = true
  for (const branch of branches) {
    if (branch.exact === null || branch.required.length > 0) isExact = false
    else exact.push(...branch.exact.set)
  }
  if (isExact) {
    const distinct = stringsOf(dedupe(exact))
    if (distinct.set.length <= MAX_EXACT && distinct.bytes <= MAX_EXACT_BYTES) {
      return { exact: distinct, required: [] }
    }
  }
  const union: Literal[] = []
  for (const branch of branches) {
    const best = keepBest(requiredOf(branch))[0]
    if (best === undefined) return UNKNOWN
    union.push(...best.set)
    if (union.length > MAX_SET_LITERALS) return UNKNOWN
  }
  return { exact: null, required: [stringsOf(dedupe(union))] }
}

/** Required sets of a node, its exact strings counted in. */
function requiredOf(facts: Facts): readonly Strings[] {
  if (facts.exact === null || facts.exact.shortest === 0) return facts.required
  return [...facts.required, facts.exact]
}

function keepBest(sets: readonly Strings[]): readonly Strings[] {
  if (sets.length <= 1) return sets
  return [...sets].sort((left, right) => quality(right) - quality(left)).slice(0, MAX_SETS)
}

/** Longer shortest literals first, then fewer literals. */
function quality({ set, shortest }: Strings): number {
  return Math.min(shortest, 6) * 10_000 - set.length
}

function stringsOf(set: LiteralSet): Strings {
  let shortest = Infinity
  let bytes = 0
  set.forEach(({ text }) => {
    shortest = Math.min(shortest, text.length)
    bytes += text.length
  })
  return { set, shortest, bytes }
}

/** Every string of the left followed by every one of the right; null when they would be too many. */
function multiply(left: Strings, right: Strings): Strings | null {
  const count = left.set.length * right.set.length
  if (count > MAX_EXACT) return null
  const bytes = left.bytes * right.set.length + right.bytes * left.set.length
  if (bytes > MAX_EXACT_BYTES) return null
  const set = left.set.flatMap((head) => right.set.map((tail) => join(head, tail)))
  return { set, shortest: left.shortest + right.shortest, bytes }
}

function join(head: Literal, tail: Literal): Literal {
  if (head.text === '') return tail
  if (tail.text === '') return head
  const ignoreCase = head.ignoreCase || tail.ignoreCase
  const text = head.text + tail.text
  return { text: ignoreCase ? lower(text) : text, ignoreCase }
}

function literalOf(byte: number, fold: boolean): Literal {
  return { text: String.fromCharCode(byte), ignoreCase: fold }
}

/** Strings of a small class; both cases of a letter are one. */
function classLiterals(set: Uint32Array): Literal[] | null {
  if (countBytes(set) > MAX_CLASS * 2) return null
  const bytes = bytesOf(set)
  const literals: Literal[] = []
  for (const byte of bytes) {
    const other = byte ^ 0x20
    if (!isLetter(byte) || !bytes.includes(other)) literals.push(literalOf(byte, false))
    else if (byte > other) literals.push(literalOf(byte, true))
  }
  return literals.length === 0 || literals.length > MAX_CLASS ? null : literals
}

/** ASCII only: `toLowerCase` would also fold the Latin-1 letters. */
export function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

function dedupe(literals: readonly Literal[]): Literal[] {
  const seen = new Map<string, Literal>()
  for (const literal of literals) {
    const known = seen.get(literal.text)
    if (known === undefined || (literal.ignoreCase && !known.ignoreCase)) {
      seen.set(literal.text, literal)
    }
  }
  return [...seen.values()]
}

/** Cuts long literals and leaves out those that contain another one of the set. */
function minimize(set: LiteralSet): LiteralSet {
  const cut = set.map((literal) =>
    literal.text.length <= MAX_LITERAL_BYTES
      ? literal
      : { ...literal, text: literal.text.slice(0, MAX_LITERAL_BYTES) },
  )
  const sorted = dedupe(cut).sort((left, right) => left.text.length - right.text.length)
  if (sorted.length > 512) return sorted
  const kept: Literal[] = []
  for (const literal of sorted) {
    const lowered = lower(literal.text)
    const isImplied = kept.some((shorter) => implies(literal, lowered, shorter))
    if (!isImplied) kept.push(literal)
  }
  return kept
}

/** A value with `literal` has `other` in it as well. */
function implies(literal: Literal, lowered: string, other: Literal): boolean {
  if (other.ignoreCase) return lowered.includes(other.text)
  return !literal.ignoreCase && literal.text.includes(other.text)
}
