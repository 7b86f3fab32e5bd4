import type { Ast, Node, Repeat } from './ast.ts'
import { bytesOf, complement, countBytes, foldCase, hasByte } from './byte-set.ts'
import { minLengthOf } from './extent.ts'
import type { ByteSet } from './gate.ts'
import { isLetter } from './cursor.ts'

/**
 * Writes a pattern for another engine, flags resolved into explicit byte classes so that no flag of
 * that engine is relied on. Only what both V8's linear engine and RE2 can run is written. What they
 * cannot run is replaced by something that matches at least as much, and the result says so: lookaround
 * and inexpressible `$` by nothing, atomic groups by plain ones, a backreference by its group's content.
 */

/** V8's linear engine refuses a nest of counted repeats whose counts multiply to more than this. */
const MAX_REPLICATION = 16
/** Nodes that counted repeats of one pattern may be unrolled into before they are relaxed. */
const MAX_UNROLLED_NODES = 192
/** RE2 refuses larger counts. */
const MAX_RE2_COUNT = 1000

export interface Emitted {
  readonly source: string
  /** The source matches exactly where the pattern does. */
  readonly isExact: boolean
  /** All that is inexact are counts of repeats. */
  readonly onlyCountsRelaxed: boolean
  /** The emitted group that, by taking part, says that a `\n` after the match was consumed. */
  readonly tailGroups: readonly number[]
  /** Emitted number of each group of the pattern; empty without `captures`. */
  readonly groupNumbers: readonly number[]
  /** Text of groups may differ from PCRE's: a group in a loop, or around a `$`. */
  readonly groupsDiffer: boolean
  /**
   * The end of a match may differ from PCRE's, though where it starts does not: a loop may go round without
   * consuming anything, which ends it in PCRE and is undone in JavaScript.
   */
  readonly endDiffers: boolean
}

export interface EmitOptions {
  readonly dialect: 'js' | 're2'
  /** Keep capturing groups and the offset of the end; without, the source only says whether. */
  readonly captures: boolean
}

export function emit(ast: Ast, options: EmitOptions): Emitted {
  const emitter = new Emitter(ast, options)
  const source = emitter.node(ast.root, { tail: true, followMin: 0, factor: 1 })
  return {
    source,
    isExact: !emitter.dropped && !emitter.relaxed,
    onlyCountsRelaxed: emitter.relaxed && !emitter.dropped,
    tailGroups: emitter.tailGroups,
    groupNumbers: emitter.groupNumbers,
    groupsDiffer: emitter.groupsDiffer || emitter.endDiffers,
    endDiffers: emitter.endDiffers,
  }
}

/** Where in the pattern a node stands. */
interface Place {
  /** Nothing follows it in the whole pattern. */
  readonly tail: boolean
  /** Fewest bytes that are consumed after it. */
  readonly followMin: number
  /** Product of the counts of the repeats around it. */
  readonly factor: number
}

class Emitter {
  readonly #ast: Ast
  readonly #dialect: 'js' | 're2'
  readonly #captures: boolean
  readonly tailGroups: number[] = []
  readonly groupNumbers: number[] = []
  dropped = false
  relaxed = false
  groupsDiffer = false
  endDiffers = false
  #emittedGroups = 0
  #unrolled = 0
  #inGroup = 0
  #inLoop = 0
  /** Set while a backreference is written as its group's content. */
  #inlining = false
  #foldAll = false

  constructor(ast: Ast, options: EmitOptions) {
    this.#ast = ast
    this.#dialect = options.dialect
    this.#captures = options.captures
  }

  node(node: Node, place: Place): string {
    switch (node.kind) {
      case 'byte':
        return this.#byte(node.byte, node.fold)
      case 'set':
        return this.#set(node.set)
      case 'sequence':
        return this.#sequence(node.items, place)
      case 'alternation':
        return node.items.map((item) => this.node(item, place)).join('|')
      case 'repeat':
        return this.#repeat(node, place)
      case 'group':
        return this.#group(node.index, node.item, place)
      case 'atomic':
        this.dropped = true
        return `(?:${this.node(node.item, { ...place, tail: false })})`
      case 'assertion':
        return this.#assertion(node.assertion, place)
      case 'look':
        this.dropped = true
        return ''
      case 'conditional': {
        this.dropped = true
        const inner = { ...place, tail: false }
        return `(?:${this.node(node.yes, inner)}|${this.node(node.no, inner)})`
      }
      case 'backreference':
        this.dropped = true
        return this.#backreference(node.group, node.fold, place)
    }
  }

  #byte(byte: number, fold: boolean): string {
    if ((fold || this.#foldAll) && isLetter(byte)) {
      const letter = String.fromCharCode(byte | 0x20)
      return `[${letter}${letter.toUpperCase()}]`
    }
    return escapeByte(byte)
  }

  #set(set: ByteSet): string {
    if (!this.#foldAll) return classSource(set)
    const folded = Uint32Array.from(set)
    foldCase(folded)
    return classSource(folded)
  }

  #sequence(items: readonly Node[], place: Place): string {
    const follow = new Float64Array(items.length).fill(place.followMin)
    for (let index = items.length - 2; index >= 0; index -= 1) {
      follow[index] = follow[index + 1] + minLengthOf(items[index + 1])
    }
    let source = ''
    for (let index = 0; index < items.length; index += 1) {
      const item = items[index]
      if (item.kind === 'byte') source += this.#byte(item.byte, item.fold)
      else {
        const tail = place.tail && index === items.length - 1
        const text = this.node(item, { tail, followMin: follow[index], factor: place.factor })
        source += item.kind === 'alternation' ? `(?:${text})` : text
      }
    }
    return source
  }

  #group(index: number, item: Node, place: Place): string {
    if (!this.#captures || this.#inlining) return `(?:${this.node(item, place)})`
    this.#emittedGroups += 1
    this.groupNumbers[index] = this.#emittedGroups
    if (this.#inLoop > 0) this.groupsDiffer = true
    this.#inGroup += 1
    const text = this.node(item, place)
    this.#inGroup -= 1
    return `(${text})`
  }

  #repeat(node: Repeat, place: Place): string {
    if (node.mode === 'possessive') this.dropped = true
    if (node.max > node.min && minLengthOf(node.item) === 0) this.endDiffers = true
    const suffix = node.mode === 'lazy' ? '?' : ''
    const loops = node.max > 1
    // V8 repeats the code of the item this often: `x+` is `xx*`.
    const count = node.max === Infinity ? node.min + 1 : node.max
    const native = place.factor * count <= this.#maxReplication()
    const inner = { ...place, tail: false, factor: native ? place.factor * count : place.factor }
    if (native) {
      const text = this.#looped(node.item, inner, loops)
      return `${text}${quantifier(node.min, node.max)}${suffix}`
    }
    const cost = count * nodeCount(node.item)
    // V8 takes exponential time to compile a chain of optional items: those are not unrolled.
    const isUnrollable = this.#dialect === 'js' && minLengthOf(node.item) > 0
    if (isUnrollable && this.#unrolled + cost <= MAX_UNROLLED_NODES) {
      const before = this.#emittedGroups
      const text = this.#looped(node.item, inner, loops)
      if (this.#emittedGroups === before) {
        this.#unrolled += cost
        return unroll(text, node.min, node.max, suffix)
      }
      this.relaxed = true
      return `${text}*${suffix}`
    }
    this.relaxed = true
    const text = this.#looped(node.item, inner, loops)
    return `${text}*${suffix}`
  }

  #maxReplication(): number {
    if (this.#dialect === 'js') return MAX_REPLICATION
    // RE2 bounds the product too, and takes long over what comes near to its bounds.
    return MAX_RE2_COUNT
  }

  #looped(item: Node, place: Place, loops: boolean): string {
    if (loops) this.#inLoop += 1
    const text = this.node(item, place)
    if (loops) this.#inLoop -= 1
    return item.kind === 'byte' || item.kind === 'set' ? text : `(?:${text})`
  }

  #assertion(name: (Node & { kind: 'assertion' })['assertion'], place: Place): string {
    switch (name) {
      case 'textStart':
        return '^'
      case 'textEnd':
        return '$'
      case 'wordBoundary':
        return '\\b'
      case 'notWordBoundary':
        return '\\B'
      case 'lineStart':
        // Not met after a last \n: the same only where more must follow.
        if (place.followMin === 0) this.dropped = true
        return this.#dialect === 'js' ? '(?:^|(?<=\\n))' : '(?m:^)'
      case 'textEndOrNewline':
        return this.#lineEnd(place, '$')
      case 'lineEnd':
        return this.#lineEnd(place, '')
    }
  }

  /**
   * "Before a newline" is lookahead, which linear engines lack. Where nothing follows, the newline can
   * as well be consumed; its group tells to take it off the match again.
   */
  #lineEnd(place: Place, after: string): string {
    if (!place.tail || this.#inLoop > 0) {
      this.dropped = true
      return ''
    }
    if (!this.#captures) return `(?:$|\\n${after})`
    if (this.#inGroup > 0) this.groupsDiffer = true
    this.#emittedGroups += 1
    this.tailGroups.push(this.#emittedGroups)
    return `(?:$|(\\n)${after})`
  }

  #backreference(group: number, fold: boolean, place: Place): string {
    const anything = '[\\x00-\\xff]*?'
    if (this.#inlining) return anything
    const content = findGroup(this.#ast.root, group)
    if (content === null || nodeCount(content) > MAX_UNROLLED_NODES) return anything
    this.#inlining = true
    this.#foldAll = fold
    const text = this.node(content, { ...place, tail: false })
    this.#inlining = false
    this.#foldAll = false
    return `(?:${text})`
  }
}

function quantifier(min: number, max: number): string {
  if (max === Infinity) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`
  if (min === 0 && max === 1) return '?'
  return min === max ? `{${min}}` : `{${min},${max}}`
}

/** `x{2,4}` as `xx(?:x(?:x)?)?`. */
function unroll(text: string, min: number, max: number, suffix: string): string {
  if (max === Infinity) return `${text.repeat(min)}${text}*${suffix}`
  const optional = max - min
  return `${text.repeat(min)}${`(?:${text}`.repeat(optional)}${`)?${suffix}`.repeat(optional)}`
}

/** Nodes of a pattern with its counted repeats written out. */
export function nodeCount(node: Node): number {
  switch (node.kind) {
    case 'sequence':
    case 'alternation':
      return node.items.reduce((sum, item) => sum + nodeCount(item), 1)
    case 'repeat':
      return nodeCount(node.item) * Math.max(1, node.max === Infinity ? node.min : node.max) + 1
    case 'group':
    case 'atomic':
    case 'look':
      return nodeCount(node.item) + 1
    case 'conditional':
      return nodeCount(node.yes) + nodeCount(node.no) + 1
    case 'byte':
    case 'set':
    case 'assertion':
    case 'backreference':
      return 1
  }
}

function findGroup(node: Node, group: number): Node | null {
  switch (node.kind) {
    case 'sequence':
    case 'alternation':
      for (const item of node.items) {
        const found = findGroup(item, group)
        if (found !== null) return found
      }
      return null
    case 'group':
      return node.index === group ? node.item : findGroup(node.item, group)
    case 'repeat':
    case 'atomic':
    case 'look':
      return findGroup(node.item, group)
    case 'conditional':
      return findGroup(node.yes, group) ?? findGroup(node.no, group)
    case 'byte':
    case 'set':
    case 'assertion':
    case 'backreference':
      return null
  }
}

const ESCAPED: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  isLetter(byte) || (byte >= 0x30 && byte <= 0x39)
    ? String.fromCharCode(byte)
    : `\\x${byte.toString(16).padStart(2, '0')}`,
)

function escapeByte(byte: number): string {
  return ESCAPED[byte]
}

function classSource(set: ByteSet): string {
  const count = countBytes(set)
  if (count === 256) return '[\\x00-\\xff]'
  if (count === 1) return escapeByte(bytesOf(set)[0])
  if (count > 128) return `[^${ranges(complement(set))}]`
  // An empty class never matches; `[]` is no class in RE2.
  return count === 0 ? '[^\\x00-\\uffff]' : `[${ranges(set)}]`
}

function ranges(set: ByteSet): string {
  let source = ''
  for (let from = 0; from < 256; from += 1) {
    if (!hasByte(set, from)) continue
    let to = from
    while (to < 255 && hasByte(set, to + 1)) to += 1
    source += escapeByte(from)
    if (to === from + 1) source += escapeByte(to)
    else if (to > from) source += `-${escapeByte(to)}`
    from = to
  }
  return source
}
