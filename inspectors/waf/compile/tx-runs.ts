import { CAPTURE_SLOTS } from '../transaction/tx-store.ts'
import { isFoldable } from './specialize.ts'
import type { CompiledEffect, CompiledLink, CompiledRule, TxRun } from './program.ts'

/**
 * Finds the rules of a phase of which TX alone decides what they do: sums of scores, limits on them, defaults.
 * They come in rows, and for most requests do what they did for the one before (`evaluate/run-memo.ts`).
 *
 * A chain whose first link looks at gated values and sets TX variables, and whose other links look at those,
 * is a row of its own (CRS writes lists of header names like that).
 *
 * @param groupOf by position: the group that gates a rule; -1: none
 * @returns by position where a row begins
 */
export function findTxRuns(
  rules: readonly CompiledRule[],
  groupOf: Int32Array,
  slotNames: readonly string[],
): readonly (TxRun | null)[] {
  const runs: (TxRun | null)[] = rules.map(() => null)
  let position = 0
  while (position < rules.length) {
    const slots = new SlotSets(slotNames)
    let end = position
    while (end < rules.length && groupOf[end] < 0 && slots.addRule(rules[end], 0)) end += 1
    const isChain = end === position && groupOf[position] >= 0 && rules[position].links.length > 1
    if (isChain && changesTx(rules[position].links[0]) && slots.addRule(rules[position], 1))
      end += 1
    if (end > position) {
      const members = rules.slice(position, end)
      runs[position] = {
        end,
        group: groupOf[position],
        reads: slots.reads,
        writes: slots.writes,
        isQuiet: members.map((rule) => !rule.auditlog && isFoldable(rule)),
      }
    }
    position = Math.max(end, position + 1)
  }
  return runs
}

function changesTx({ capture, effects }: CompiledLink): boolean {
  return capture || effects.length > 0
}

/** TX slots that rules read and write. */
class SlotSets {
  readonly #names: readonly string[]
  readonly #reads = new Set<number>()
  readonly #writes = new Set<number>()

  constructor(names: readonly string[]) {
    this.#names = names
  }

  get reads(): Int32Array {
    return Int32Array.from(this.#reads)
  }

  get writes(): Int32Array {
    return Int32Array.from(this.#writes)
  }

  /**
   * @param from first link that may look at TX only
   * @returns false when the rule depends on something else or changes it; nothing is added then
   */
  addRule({ links }: CompiledRule, from: number): boolean {
    const isOfTx = links.every(
      (link, index) => (index < from || looksAtTx(link)) && link.effects.every(hasTxNames),
    )
    if (links.length === 0 || !isOfTx) return false
    for (const link of links) this.#addLink(link)
    return true
  }

  #addLink({ targets, test, effects, capture }: CompiledLink): void {
    for (const { txSlot, txSlots } of targets.parts) {
      if (txSlot >= 0) this.#reads.add(txSlot)
      for (const slot of txSlots ?? []) this.#reads.add(slot)
    }
    if (test.kind === 'dynamic') this.#readAll(test.argument.slotsTouched)
    if (capture) for (let slot = 0; slot < CAPTURE_SLOTS; slot += 1) this.#writes.add(slot)
    for (const effect of effects) this.#addEffect(effect)
  }

  #addEffect(effect: CompiledEffect): void {
    if (effect.kind !== 'set-slot' && effect.kind !== 'setvar') return
    this.#readAll(effect.value.slotsTouched)
    if (effect.kind === 'set-slot') {
      this.#reads.add(effect.slot)
      this.#writes.add(effect.slot)
      return
    }
    this.#readAll(effect.name.slotsTouched)
    const prefix = effect.name.constantPrefix.toLowerCase()
    for (const [slot, name] of this.#names.entries()) {
      if (!name.startsWith(prefix)) continue
      this.#reads.add(slot)
      this.#writes.add(slot)
    }
  }

  #readAll(slots: readonly number[]): void {
    for (const slot of slots) this.#reads.add(slot)
  }
}

function looksAtTx({ test, targets }: CompiledLink): boolean {
  if (test.kind === 'always') return true
  if (test.kind === 'dynamic' && test.argument.slotsRead === null) return false
  return targets.parts.every(
    ({ txSlot, txSlots, exclusions }) =>
      (txSlot >= 0 || txSlots !== null) && exclusions.length === 0,
  )
}

function hasTxNames(effect: CompiledEffect): boolean {
  if (effect.kind === 'set-slot') return effect.value.slotsRead !== null
  if (effect.kind !== 'setvar' || effect.collection !== 'TX') return false
  return effect.value.slotsRead !== null && effect.name.slotsRead !== null
}
