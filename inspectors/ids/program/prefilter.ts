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

/** Newest bytes of a text that comes in chunks. */
export class ScanTail {
  readonly bytes = new Uint8Array(TAIL_BYTES)
  length = 0
  /** Bytes of the text before the newest chunk. */
  position = 0

  add(piece: Uint8Array): void {
    const { bytes } = this
    this.position += piece.length
    if (piece.length >= TAIL_BYTES) {
      bytes.set(piece.subarray(piece.length - TAIL_BYTES))
      this.length = TAIL_BYTES
      return
    }
    const kept = Math.min(this.length, TAIL_BYTES - piece.length)
    bytes.copyWithin(0, this.length - kept, this.length)
    bytes.set(piece, kept)
    this.length = kept + piece.length
  }
}

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

  /** The newest bytes of a text that comes in chunks, behind the last ones of what came before. */
  scanPiece(tail: ScanTail, piece: Uint8Array, into: Candidates): void {
    const before = tail.length
    if (before > 0) scanText.bytes.set(tail.bytes, 0)
    scanText.bytes.set(piece, before)
    scanText.length = before + piece.length
    this.scan(0, before)
    this.addHits(into)
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
  readonly #found: (readonly PatternTarget[])[] = []

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
   * @returns for each pattern that occurs the buffers that rules want it in; valid until the next call
   */
  findAll(textLatin1: string): readonly (readonly PatternTarget[])[] {
    this.#found.length = 0
    const anywhere = this.#anywhere
    if (anywhere === null) return this.#found
    scanString(anywhere.filter, scanText, textLatin1, hits)
    for (let index = 0; index < hits.count; index += 1)
      this.#found.push(anywhere.targets[hits.ids[index]])
    return this.#found
  }

  /**
   * Adds the candidates whose fast pattern ends in this chunk of a longer text, in any of the buffers.
   *
   * @param tail of the text before; it becomes that of the text with the chunk
   * @param beginsAnew rules are matched against the chunk by itself too
   */
  scanChunk(tail: ScanTail, chunk: Uint8Array, beginsAnew: boolean, into: Candidates): void {
    for (let from = 0; from < chunk.length; from += SCAN_BYTES) {
      const piece = chunk.length > SCAN_BYTES ? chunk.subarray(from, from + SCAN_BYTES) : chunk
      if (this.#early !== null && (tail.position < EARLY_BYTES || (beginsAnew && from === 0))) {
        const begin = piece.length > EARLY_BYTES ? piece.subarray(0, EARLY_BYTES) : piece
        this.#early.scanPiece(tail, begin, into)
      }
      this.#anywhere?.scanPiece(tail, piece, into)
      tail.add(piece)
    }
  }

  /** Adds the candidates of a text that is whole, in any of the buffers. */
  scanBytes(text: Uint8Array, into: Candidates): void {
    wholeTail.length = 0
    wholeTail.position = 0
    this.scanChunk(wholeTail, text, true, into)
  }
}

const wholeTail = new ScanTail()

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
