/**
 * Finds the rules that have a chance with a text: of the fast patterns of all buffers of a group those that
 * occur, letters of both cases alike, and with each the rules that chose it. What is found is
 * evaluated in full, so a part of a long pattern stands for all of it.
 *
 * One pass serves all buffers whose bytes a text has: `hits` tells for which of them a pattern was found.
 */
import {
  GramFilter,
  MAX_PATTERN_BYTES,
  PatternHits,
  SCAN_BYTES,
  ScanText,
  scanString,
  TAIL_BYTES,
} from '#inspectors/matching/gram-filter.ts'
import type { CompiledRule, Slot } from './compiled-rule.ts'
import { EARLY_BYTES } from './fast-pattern.ts'

/** Rules that a pattern stands for when it occurs in the buffer. */
export interface PatternTarget {
  readonly slot: Slot
  /** The pattern as it stands in a subject's `folded`: letters above 0x7f in lower case too. */
  readonly folded: string
  readonly rules: readonly CompiledRule[]
}

/** What takes the rules that were found. */
export interface Candidates {
  add(rule: CompiledRule): unknown
}

/** Rules that chose one pattern. */
export interface PatternRules {
  readonly rules: readonly CompiledRule[]
  /** None of them can match where the pattern ends behind this byte of the buffer. */
  readonly maxEnd: number
}

/** Fast pattern (ASCII lower case, latin1) -> rules that chose it. */
export type SlotPatterns = ReadonlyMap<string, PatternRules>

const NO_BYTES = new Uint8Array(0)

/** Newest bytes of a text that comes in chunks: few, so that copying them one by one is fastest. */
export class ScanTail {
  /** So many bytes of the text are kept. */
  length = 0
  /** Bytes of the text before the newest chunk. */
  position: number
  /** The newest chunk, where it stays as it is: it ends with them; null: `#bytes` has them. */
  #held: Buffer | null = null
  #bytes = NO_BYTES

  constructor(position = 0) {
    this.position = position
  }

  /** Gives back what it keeps them in, too. */
  clear(): void {
    this.#bytes = NO_BYTES
    this.#held = null
    this.length = 0
  }

  /** Writes them to the beginning of a longer buffer. */
  copyTo(target: Uint8Array): void {
    const { length } = this
    const source = this.#held ?? this.#bytes
    const from = this.#held === null ? 0 : source.length - length
    for (let at = 0; at < length; at += 1) target[at] = source[from + at]
  }

  /** @param isHeld the piece stays as it is */
  add(piece: Buffer, isHeld: boolean): void {
    this.position += piece.length
    if (isHeld && piece.length >= TAIL_BYTES) {
      this.#held = piece
      this.length = TAIL_BYTES
      return
    }
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(TAIL_BYTES)
    const bytes = this.#bytes
    if (this.#held !== null) {
      this.copyTo(bytes)
      this.#held = null
    }
    const added = Math.min(piece.length, TAIL_BYTES)
    const kept = Math.min(this.length, TAIL_BYTES - added)
    const dropped = this.length - kept
    if (dropped > 0) for (let at = 0; at < kept; at += 1) bytes[at] = bytes[at + dropped]
    const from = piece.length - added
    for (let at = 0; at < added; at += 1) bytes[kept + at] = piece[from + at]
    this.length = kept + added
  }
}

const NO_TAIL = new ScanTail()

/** Scans are synchronous and do not overlap, so all share these. */
const scanText = new ScanText()
const hits = new PatternHits()

/** Patterns that are looked for in one stretch of a text. */
class PatternSet {
  readonly filter: GramFilter
  readonly targets: readonly (readonly PatternTarget[])[]

  constructor(targets: ReadonlyMap<string, readonly PatternTarget[]>) {
    this.targets = [...targets.values()]
    this.filter = new GramFilter([...targets.keys()])
  }

  /** Looks in the scan text for patterns that end behind byte `minEnd`. */
  scan(from: number, minEnd: number): void {
    hits.clear(this.filter.patternCount)
    this.filter.scan(scanText, from, minEnd, hits)
  }

  addHits(into: Candidates): void {
    for (let index = 0; index < hits.count; index += 1) {
      const targets = this.targets[hits.ids[index]]
      for (let at = 0; at < targets.length; at += 1) addAll(targets[at].rules, into)
    }
  }
}

export class Prefilter {
  readonly patternCount: number
  /** Patterns that must end within EARLY_BYTES, and all others. */
  readonly #early: PatternSet | null
  readonly #anywhere: PatternSet | null

  /** @param isLongText worth it to look for some patterns at the beginning alone */
  constructor(bySlot: ReadonlyMap<Slot, SlotPatterns>, isLongText: boolean) {
    const early = new Map<string, PatternTarget[]>()
    const anywhere = new Map<string, PatternTarget[]>()
    for (const [slot, patterns] of bySlot)
      for (const [whole, { rules, maxEnd }] of patterns) {
        const pattern = whole.slice(-MAX_PATTERN_BYTES)
        const targets = isLongText && maxEnd <= EARLY_BYTES ? early : anywhere
        const known = targets.get(pattern)
        const target = { slot, folded: pattern.toLowerCase(), rules }
        if (known === undefined) targets.set(pattern, [target])
        else known.push(target)
      }
    this.patternCount = early.size + anywhere.size
    this.#early = early.size === 0 ? null : new PatternSet(early)
    this.#anywhere = anywhere.size === 0 ? null : new PatternSet(anywhere)
  }

  /** Adds the candidates of a whole buffer; patterns of other buffers are left out. */
  scan(slot: Slot, textLatin1: string, into: Candidates): void {
    const early = this.#early
    if (early !== null) {
      const length = Math.min(EARLY_BYTES, textLatin1.length)
      scanText.length = scanText.bytes.write(textLatin1, 0, length, 'latin1')
      early.scan(0, 0)
      addOf(early, slot, into)
    }
    const anywhere = this.#anywhere
    if (anywhere === null) return
    scanString(anywhere.filter, scanText, textLatin1, hits)
    addOf(anywhere, slot, into)
  }

  /** The rules whose fast pattern occurs in a whole buffer, each once. */
  rulesIn(slot: Slot, textLatin1: string): CompiledRule[] {
    const found = new Set<CompiledRule>()
    this.scan(slot, textLatin1, found)
    return [...found]
  }

  /**
   * Finds the patterns of a text that holds the bytes of several buffers, none of them at its beginning.
   *
   * @param into takes for each pattern that occurs the buffers that rules want it in
   * @returns how many patterns
   */
  findAll(textLatin1: string, into: (readonly PatternTarget[])[]): number {
    const anywhere = this.#anywhere
    if (anywhere === null) return 0
    scanString(anywhere.filter, scanText, textLatin1, hits)
    for (let index = 0; index < hits.count; index += 1)
      into[index] = anywhere.targets[hits.ids[index]]
    return hits.count
  }

  /**
   * Adds the candidates whose fast pattern ends in this chunk of a longer text, in any of the buffers.
   *
   * @param tail of the text before; it becomes that of the text with the chunk
   * @param beginsAnew rules are matched against the chunk by itself too
   * @param isHeld the chunk stays as it is
   */
  scanChunk(
    tail: ScanTail,
    chunk: Buffer,
    beginsAnew: boolean,
    into: Candidates,
    isHeld = false,
  ): void {
    for (let from = 0; from < chunk.length; from += SCAN_BYTES) {
      const piece = chunk.length > SCAN_BYTES ? chunk.subarray(from, from + SCAN_BYTES) : chunk
      const isEarly = tail.position < EARLY_BYTES || (beginsAnew && from === 0)
      this.#scanPiece(tail, piece, isEarly, into)
      tail.add(piece, isHeld)
    }
  }

  /** Adds the candidates of a text that is whole, in any of the buffers. */
  scanBytes(text: Buffer, into: Candidates): void {
    if (text.length === 0) return
    if (text.length <= SCAN_BYTES) this.#scanPiece(NO_TAIL, text, true, into)
    else this.scanChunk(new ScanTail(), text, true, into)
  }

  /** The newest bytes of a text, behind the last ones of what came before. */
  #scanPiece(tail: ScanTail, piece: Buffer, isEarly: boolean, into: Candidates): void {
    const { bytes } = scanText
    const start = tail.length
    tail.copyTo(bytes)
    bytes.set(piece, start)
    if (isEarly && this.#early !== null) {
      scanText.length = start + Math.min(EARLY_BYTES, piece.length)
      this.#early.scan(0, start)
      this.#early.addHits(into)
    }
    if (this.#anywhere === null) return
    scanText.length = start + piece.length
    this.#anywhere.scan(0, start)
    this.#anywhere.addHits(into)
  }
}

function addOf(set: PatternSet, slot: Slot, into: Candidates): void {
  for (let index = 0; index < hits.count; index += 1) {
    const targets = set.targets[hits.ids[index]]
    for (let at = 0; at < targets.length; at += 1)
      if (targets[at].slot === slot) addAll(targets[at].rules, into)
  }
}

function addAll(rules: readonly CompiledRule[], into: Candidates): void {
  for (let index = 0; index < rules.length; index += 1) into.add(rules[index])
}
