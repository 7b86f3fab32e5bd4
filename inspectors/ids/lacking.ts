import type { BufferView } from './evaluate.ts'
import type { CompiledRule, Slot } from './program/compiled-rule.ts'
import type { ContentStep } from './program/steps.ts'

/** A content that a rule cannot match without, and that its body did not hold when it was last searched. */
export interface Lacking {
  readonly slot: Slot
  readonly content: ContentStep
  searchedBytes: number
}

/**
 * Why a rule that waits for more of a body cannot match yet; null: nothing so simple.
 *
 * Without it each chunk of a body has every waiting rule matched with all that came before, which costs a sender of small
 * chunks nothing.
 */
export function lackingOf({ sections }: CompiledRule, view: BufferView): Lacking | null {
  for (const { slot, steps } of sections) {
    if (!slot.streaming || slot.transforms.length > 0) continue
    const subject = view.subject(slot)
    if (subject === null || subject === undefined || subject.final) continue
    for (const step of steps) {
      if (step.kind !== 'content' || step.negated) continue
      const text = step.nocase ? subject.folded : subject.text
      if (!text.includes(step.needle)) return { slot, content: step, searchedBytes: text.length }
    }
  }
  return null
}

/** Whether what came since brought no change. */
export function isStillLacking(lacking: Lacking, view: BufferView): boolean {
  const { slot, content, searchedBytes } = lacking
  const subject = view.subject(slot)
  if (subject === null || subject === undefined || subject.final) return false
  const text = content.nocase ? subject.folded : subject.text
  const from = Math.max(0, searchedBytes - content.needle.length + 1)
  if (text.includes(content.needle, from)) return false
  lacking.searchedBytes = text.length
  return true
}
