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
import type { CandidateList } from './candidate-list.ts'
import type { CompiledRule, Slot } from './compiled-rule.ts'

/** Rules that a pattern stands for when it occurs in the buffer. */
export interface PatternTarget {
  readonly slot: Slot
  /** The pattern as it stands in a subject's `folded`: letters above 0x7f in lower case too. */
  readonly folded: string
  readonly rules: readonly CompiledRule[]
}

/** Fast pattern (ASCII lower case, latin1) -> rules that chose it. */
export type SlotPatterns = ReadonlyMap<string, readonly CompiledRule[]>

/** Newest bytes of a text that comes in chunks. */
export class ScanTail {
  readonly bytes = new Uint8Array(TAIL_BYTES)
  length = 0
}

/** Scans are synchronous and do not overlap, so all share these. */
const scanText = new ScanText()
const hits = new PatternHits()

export class Prefilter {
  /** Buffers in which patterns are looked for. */
  readonly slots: readonly Slot[]
  readonly #filter: GramFilter
  readonly #targets: readonly (readonly PatternTarget[])[]
  readonly #found: (readonly PatternTarget[])[] = []

  constructor(bySlot: ReadonlyMap<Slot, SlotPatterns>) {
    this.slots = [...bySlot.keys()]
    const targets = new Map<string, PatternTarget[]>()
    for (const [slot, patterns] of bySlot)
      for (const [whole, rules] of patterns) {
        const pattern = whole.slice(-MAX_PATTERN_BYTES)
        const known = targets.get(pattern)
        const target = { slot, folded: pattern.toLowerCase(), rules }
        if (known === undefined) targets.set(pattern, [target])
        else known.push(target)
      }
    this.#targets = [...targets.values()]
    this.#filter = new GramFilter([...targets.keys()])
  }

  get patternCount(): number {
    return this.#targets.length
  }

  /** Adds the candidates of a whole buffer. */
  scan(slot: Slot, textLatin1: string, into: CandidateList): void {
    scanString(this.#filter, scanText, textLatin1, hits)
    for (let index = 0; index < hits.count; index += 1)
      for (const target of this.#targets[hits.ids[index]])
        if (target.slot === slot) addAll(target.rules, into)
  }

  /**
   * Finds the patterns of a text that holds the bytes of several buffers.
   *
   * @returns for each pattern that occurs the buffers that rules want it in; valid until the next call
   */
  findAll(textLatin1: string): readonly (readonly PatternTarget[])[] {
    scanString(this.#filter, scanText, textLatin1, hits)
    this.#found.length = 0
    for (let index = 0; index < hits.count; index += 1)
      this.#found.push(this.#targets[hits.ids[index]])
    return this.#found
  }

  /**
   * Adds the candidates whose fast pattern ends in this chunk of a longer text, in any of the buffers.
   *
   * @param tail of the text before; it becomes that of the text with the chunk
   */
  scanChunk(tail: ScanTail, chunk: Uint8Array, into: CandidateList): void {
    hits.clear(this.#targets.length)
    const { bytes } = scanText
    for (let from = 0; from < chunk.length; from += SCAN_BYTES) {
      const before = tail.length
      if (before > 0) bytes.set(tail.bytes.subarray(0, before))
      const piece = chunk.length > SCAN_BYTES ? chunk.subarray(from, from + SCAN_BYTES) : chunk
      bytes.set(piece, before)
      scanText.length = before + piece.length
      this.#filter.scan(scanText, 0, before, hits)
      tail.length = Math.min(TAIL_BYTES, scanText.length)
      tail.bytes.set(bytes.subarray(scanText.length - tail.length, scanText.length))
    }
    for (let index = 0; index < hits.count; index += 1)
      for (const { rules } of this.#targets[hits.ids[index]]) addAll(rules, into)
  }
}

function addAll(rules: readonly CompiledRule[], into: CandidateList): void {
  for (let index = 0; index < rules.length; index += 1) into.add(rules[index])
}
