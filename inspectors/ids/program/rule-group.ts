import { PAYLOAD } from '#signatures/suricata/buffers.ts'
import type { CandidateList } from './candidate-list.ts'
import type { CompiledRule, Side, Slot } from './compiled-rule.ts'
import { type PatternRules, Prefilter, type SlotPatterns } from './prefilter.ts'
import { ValueMemo } from './value-memo.ts'

/** Rules that chose a pattern in one buffer. */
export interface SlotPrefilter {
  readonly slot: Slot
  readonly prefilter: Prefilter
  /** What values of the buffer have led to; null: they rarely come again. */
  readonly memo: ValueMemo | null
}

/** Rules of one protocol and direction. */
export interface RuleGroup {
  /** Over buffers that are seen whole, one each. */
  readonly whole: readonly SlotPrefilter[]
  /** Over all buffers that are stretches of an HTTP head; null: no rule chose one of them. */
  readonly head: Prefilter | null
  readonly headSlots: readonly Slot[]
  /** Over bodies, or the stream itself: text that comes in chunks. */
  readonly chunked: Prefilter | null
  /** Rules without a fast pattern, in order. */
  readonly always: readonly CompiledRule[]
  readonly alwaysSet: ReadonlySet<CompiledRule>
  /** Rules about packets and chunks of few sizes. */
  readonly sized: SizedRules
  readonly size: number
}

/** Rules by the sizes that they are for; nearly all packets are of none of them. */
export class SizedRules {
  readonly #bySize: ReadonlyMap<number, readonly CompiledRule[]>
  readonly #min: number
  readonly #max: number

  constructor(bySize: ReadonlyMap<number, readonly CompiledRule[]>) {
    this.#bySize = bySize
    this.#min = Math.min(...bySize.keys())
    this.#max = Math.max(...bySize.keys())
  }

  of(size: number): readonly CompiledRule[] | undefined {
    return size < this.#min || size > this.#max ? undefined : this.#bySize.get(size)
  }
}

const NO_RULES: RuleGroup = {
  whole: [],
  head: null,
  headSlots: [],
  chunked: null,
  always: [],
  alwaysSet: new Set(),
  sized: new SizedRules(new Map()),
  size: 0,
}

/** Knows the ends of a connection. */
export interface HeaderCheck {
  headerHolds(rule: CompiledRule, side: Side): boolean
}

/** Adds the rules that are candidates whatever there is to be seen between these ends, and those for its size. */
export function addOfSize(
  group: RuleGroup,
  size: number,
  ends: HeaderCheck,
  side: Side,
  into: CandidateList,
): void {
  const { always } = group
  for (let index = 0; index < always.length; index += 1)
    if (ends.headerHolds(always[index], side)) into.add(always[index])
  const sized = group.sized.of(size)
  if (sized === undefined) return
  for (let index = 0; index < sized.length; index += 1) into.add(sized[index])
}

interface DraftPattern {
  readonly rules: CompiledRule[]
  maxEnd: number
}

/** A group while its rules are gathered. */
export class GroupDraft {
  readonly #bySlot = new Map<Slot, Map<string, DraftPattern>>()
  readonly #bySize = new Map<number, CompiledRule[]>()
  readonly #sized: CompiledRule[] = []
  readonly #always: CompiledRule[] = []
  readonly #isChunked: (slot: Slot) => boolean

  readonly #isHead: boolean

  /**
   * @param isChunked whether what the buffer holds comes in chunks
   * @param isHead the rules are about HTTP messages
   */
  constructor(isChunked: (slot: Slot) => boolean, isHead: boolean) {
    this.#isChunked = isChunked
    this.#isHead = isHead
  }

  addAlways(rule: CompiledRule): void {
    this.#always.push(rule)
  }

  /** @param sizes that what is looked at may have, no others */
  addSized(rule: CompiledRule, sizes: { readonly min: number; readonly max: number }): void {
    this.#sized.push(rule)
    for (let size = sizes.min; size <= sizes.max; size += 1) {
      const rules = this.#bySize.get(size)
      if (rules === undefined) this.#bySize.set(size, [rule])
      else rules.push(rule)
    }
  }

  /**
   * @param pattern latin1, found in letters of both cases
   * @param maxEnd the rule can match only where the pattern ends within so many bytes
   */
  add(rule: CompiledRule, slot: Slot, pattern: string, maxEnd: number): void {
    const patterns = this.#bySlot.get(slot) ?? new Map<string, DraftPattern>()
    this.#bySlot.set(slot, patterns)
    const key = pattern.replaceAll(/[A-Z]+/g, (run) => run.toLowerCase())
    const known = patterns.get(key)
    if (known === undefined) patterns.set(key, { rules: [rule], maxEnd })
    else {
      known.rules.push(rule)
      known.maxEnd = Math.max(known.maxEnd, maxEnd)
    }
  }

  *rules(): Iterable<CompiledRule> {
    yield* this.#always
    yield* this.#sized
    for (const patterns of this.#bySlot.values())
      for (const { rules } of patterns.values()) yield* rules
  }

  /** @param isWanted which of the rules; all where it is absent */
  finish(isWanted: (rule: CompiledRule) => boolean = isAny): RuleGroup {
    const always = this.#always.filter(isWanted)
    const bySlot = isWanted === isAny ? this.#bySlot : selection(this.#bySlot, isWanted)
    const sized = this.#sized.filter(isWanted)
    if (always.length === 0 && bySlot.size === 0 && sized.length === 0) return NO_RULES
    let size = always.length + sized.length
    for (const patterns of bySlot.values())
      for (const { rules } of patterns.values()) size += rules.length
    const whole = [...bySlot].filter(([slot]) => !this.#isChunked(slot))
    const head = new Map(whole.filter(([{ reading }]) => this.#isHead && reading === 'head'))
    const chunked = new Map([...bySlot].filter(([slot]) => this.#isChunked(slot)))
    return {
      whole: whole
        .filter(([slot]) => !head.has(slot))
        .map(([slot, patterns]) => ({
          slot,
          prefilter: new Prefilter(new Map([[slot, patterns]]), slot.buffer === PAYLOAD),
          memo: slot.reading === 'recurring' ? new ValueMemo() : null,
        })),
      headSlots: [...head.keys()],
      head: prefilterOf(head, false),
      chunked: prefilterOf(chunked, true),
      always,
      alwaysSet: new Set(always),
      sized: new SizedRules(sizesOf(this.#bySize, isWanted)),
      size,
    }
  }
}

const isAny = (): boolean => true

function prefilterOf(
  bySlot: ReadonlyMap<Slot, SlotPatterns>,
  isLongText: boolean,
): Prefilter | null {
  return bySlot.size === 0 ? null : new Prefilter(bySlot, isLongText)
}

function selection(
  bySlot: ReadonlyMap<Slot, SlotPatterns>,
  isWanted: (rule: CompiledRule) => boolean,
): ReadonlyMap<Slot, SlotPatterns> {
  const selected = new Map<Slot, SlotPatterns>()
  for (const [slot, patterns] of bySlot) {
    const kept = new Map<string, PatternRules>()
    for (const [pattern, { rules, maxEnd }] of patterns) {
      const wanted = rules.filter(isWanted)
      if (wanted.length > 0)
        kept.set(pattern, { rules: wanted.length === rules.length ? rules : wanted, maxEnd })
    }
    if (kept.size > 0) selected.set(slot, kept)
  }
  return selected
}

function sizesOf(
  bySize: ReadonlyMap<number, readonly CompiledRule[]>,
  isWanted: (rule: CompiledRule) => boolean,
): ReadonlyMap<number, readonly CompiledRule[]> {
  const kept = new Map<number, readonly CompiledRule[]>()
  for (const [size, rules] of bySize) {
    const wanted = rules.filter(isWanted)
    if (wanted.length > 0) kept.set(size, wanted)
  }
  return kept
}
