import type { AlertMatch } from '#inspectors/inspector.ts'
import { alertMatch } from './alert.ts'
import { MAX_ALERT_MATCHES } from './limits.ts'
import { applySetChanges } from './match/dataset-step.ts'
import { numbersHold } from './match/number-list.ts'
import { type MatchBudget, matchSteps } from './match/section.ts'
import type { Subject } from './match/subject.ts'
import type { CandidateList } from './program/candidate-list.ts'
import type { SlotPrefilter } from './program/rule-group.ts'
import type { CompiledRule, CompiledSection, Slot } from './program/compiled-rule.ts'

/** Where the buffers of a rule come from: an exchange, a handshake, a stream. */
export interface BufferView {
  /** Null: the buffer does not exist. Undefined: it is not there yet. */
  subject(slot: Slot): Subject | null | undefined
  /** All instances of a buffer that can occur several times. */
  instances(slot: Slot): readonly Subject[] | null | undefined
  /** Numbers of a number buffer. */
  numbers(slot: Slot): readonly number[] | null | undefined
}

/** Adds the rules whose fast pattern occurs in one of a view's buffers. */
export function scanView(
  prefilters: readonly SlotPrefilter[],
  view: BufferView,
  into: CandidateList,
): void {
  for (const { slot, prefilter } of prefilters) {
    if (slot.multiple) {
      for (const { text } of view.instances(slot) ?? []) prefilter.scan(slot, text, into)
      continue
    }
    const subject = view.subject(slot)
    if (subject !== null && subject !== undefined) prefilter.scan(slot, subject.text, into)
  }
}

/** `wait`: what was seen allows a match and more data may bring it. */
export type Outcome = 'no' | 'match' | 'wait'

/** Subjects that the sections of the last rule matched; entry i belongs to section i. */
const matched: (Subject | null)[] = []

/** Matches all sections of a rule against the buffers that are there. */
export function evaluateSections(
  compiled: CompiledRule,
  view: BufferView,
  budget: MatchBudget,
): Outcome {
  budget.reset()
  let outcome: Outcome = 'match'
  const { sections } = compiled
  for (let index = 0; index < sections.length; index += 1) {
    const section = sections[index]
    matched[index] = null
    const result = section.slot.numbers
      ? evaluateNumbers(section, view)
      : section.slot.multiple
        ? evaluateInstances(section, index, view, budget)
        : evaluateSection(section, index, view.subject(section.slot), budget)
    if (result === 'no') return 'no'
    if (result === 'wait') outcome = 'wait'
  }
  if (outcome === 'match' && budget.setChanges.length > 0 && !applySetChanges(budget.setChanges))
    return 'no'
  return outcome
}

/** Matched bytes of the rule that `evaluateSections` has just found to match. */
export function matchesOf(compiled: CompiledRule): AlertMatch[] {
  const found: AlertMatch[] = []
  for (let index = 0; index < compiled.sections.length; index += 1) {
    const subject = matched[index]
    const section = compiled.sections[index]
    if (subject === null) continue
    for (const step of section.steps) {
      if ((step.kind !== 'content' && step.kind !== 'pcre') || step.negated) continue
      if (found.length >= MAX_ALERT_MATCHES) return found
      const names = section.slot.transforms.map(({ kind }) => kind)
      found.push(
        alertMatch(section.slot.buffer, subject.text, subject.base, step.at, step.end, names),
      )
    }
  }
  return found
}

function evaluateSection(
  section: CompiledSection,
  index: number,
  subject: Subject | null | undefined,
  budget: MatchBudget,
): Outcome {
  if (subject === undefined) return 'wait'
  if (subject === null) return section.absent === 'no' ? 'no' : 'match'
  if (section.absent === 'required') return 'no'
  if (section.needsEnd && !subject.final && !subject.endless) return 'wait'
  if (matchSteps(section.steps, subject, budget)) {
    matched[index] = subject
    return 'match'
  }
  return subject.final ? 'no' : 'wait'
}

function evaluateInstances(
  section: CompiledSection,
  index: number,
  view: BufferView,
  budget: MatchBudget,
): Outcome {
  const instances = view.instances(section.slot)
  if (instances === undefined) return 'wait'
  if (instances === null || instances.length === 0) return section.absent === 'no' ? 'no' : 'match'
  if (section.absent === 'required') return 'no'
  const changes = budget.setChanges.length
  for (const subject of instances) {
    if (!matchSteps(section.steps, subject, budget)) {
      budget.setChanges.length = changes
      continue
    }
    matched[index] = subject
    return 'match'
  }
  return 'no'
}

function evaluateNumbers(section: CompiledSection, view: BufferView): Outcome {
  const numbers = view.numbers(section.slot)
  if (numbers === undefined) return 'wait'
  const list = numbers ?? []
  return section.numbers.every((match) => numbersHold(match, list)) ? 'match' : 'no'
}
