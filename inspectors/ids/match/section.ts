/**
 * Matches the steps of one section against one buffer.
 *
 * The steps form a backtracking search: a relative step may fail for one occurrence of the match before and
 * hold for a later one, so the step it starts from (`retry`) tries its next occurrence. A step that nothing
 * is relative to decides at once. The search is exponential in the number of relative steps at worst; the
 * number of steps taken is bounded by RECURSION_LIMIT, after which the answer is "no match".
 *
 * Cost: contents are found by `indexOf`, which V8 runs at memchr/SIMD speed; nothing is allocated. A relative
 * content remembers where its next occurrence is, so coming back to it does not read the same stretch again:
 * without that, hostile text costs RECURSION_LIMIT times its length.
 */
import { isWithin } from '#signatures/suricata/number-range.ts'
import type { Subject } from './subject.ts'
import { RECURSION_LIMIT } from '../limits.ts'
import type { Base64Step, ContentStep, PcreStep, Step } from '../program/steps.ts'
import { type SetChange, datasetHolds } from './dataset-step.ts'
import { decodeBase64 } from './base64.ts'
import { entropyHolds } from './entropy.ts'
import { Subject as DecodedSubject } from './subject.ts'
import {
  type Variables,
  calculate,
  compare,
  jumpTarget,
  operandValue,
  readNumber,
  reading,
} from './numbers.ts'

type Outcome = 0 | 1 | 2
/** The steps from here on do not hold; an earlier occurrence may still do. */
const NO: Outcome = 0
const YES: Outcome = 1
/** No other occurrence can change this. */
const NEVER: Outcome = 2

/** Steps left of the rule being evaluated, and its variables. */
export class MatchBudget {
  stepsLeft = RECURSION_LIMIT
  /** Counts the matchings of one text; what steps remember is of one of them. */
  pass = 0
  readonly variables: Variables = new Map()
  /** Changes of sets that the rule makes if it matches, and entries that its alert quotes. */
  readonly setChanges: SetChange[] = []
  context: Record<string, unknown> | null = null
  /** Searches that were given up, for the counters. */
  exhausted = 0

  reset(): void {
    this.stepsLeft = RECURSION_LIMIT
    if (this.variables.size > 0) this.variables.clear()
    if (this.setChanges.length > 0) this.setChanges.length = 0
    this.context = null
  }
}

/** True when every step holds. Matched positions stay in the steps. */
export function matchSteps(steps: readonly Step[], subject: Subject, budget: MatchBudget): boolean {
  budget.pass += 1
  return from(steps, 0, subject, 0, budget) === YES
}

function from(
  steps: readonly Step[],
  index: number,
  subject: Subject,
  previous: number,
  budget: MatchBudget,
): Outcome {
  if (index === steps.length) return YES
  budget.stepsLeft -= 1
  if (budget.stepsLeft < 0) {
    if (budget.stepsLeft === -1) budget.exhausted += 1
    return NEVER
  }
  const step = steps[index]
  switch (step.kind) {
    case 'content':
      return content(step, steps, index, subject, previous, budget)
    case 'pcre':
      return pcre(step, steps, index, subject, previous, budget)
    case 'isdataat': {
      const wanted = operandValue(step.position, budget.variables)
      const there = step.relative
        ? previous + wanted <= subject.text.length
        : wanted < subject.base + subject.text.length
      if (there === step.negated) return NO
      return from(steps, index + 1, subject, previous, budget)
    }
    case 'bsize': {
      if (!isWithin(step, subject.base + subject.text.length)) return NEVER
      return from(steps, index + 1, subject, previous, budget)
    }
    case 'dataset':
      if (!datasetHolds(step, subject, budget)) return NEVER
      return from(steps, index + 1, subject, previous, budget)
    case 'entropy':
      if (!entropyHolds(step, subject.text)) return NO
      return from(steps, index + 1, subject, previous, budget)
    case 'byte_test':
      if (
        !readNumber(step.source, subject.text, previous, budget.variables) ||
        !compare(step, reading.value, operandValue(step.value, budget.variables))
      )
        return NO
      return from(steps, index + 1, subject, previous, budget)
    case 'byte_jump': {
      if (!readNumber(step.source, subject.text, previous, budget.variables)) return NO
      const target = jumpTarget(
        step,
        reading.value,
        reading.end,
        subject.text.length,
        budget.variables,
      )
      if (target > subject.text.length) return NO
      return from(steps, index + 1, subject, target, budget)
    }
    case 'byte_extract': {
      if (!readNumber(step.source, subject.text, previous, budget.variables)) return NO
      let value = reading.value * step.multiplier
      if (step.align !== 0 && value % step.align !== 0) value += step.align - (value % step.align)
      budget.variables.set(step.variable, value)
      return from(steps, index + 1, subject, reading.end, budget)
    }
    case 'byte_math': {
      if (!readNumber(step.source, subject.text, previous, budget.variables)) return NO
      const { end } = reading
      const value = calculate(
        step.operator,
        reading.value,
        operandValue(step.operand, budget.variables),
      )
      if (value === null) return NO
      budget.variables.set(step.variable, value)
      return from(steps, index + 1, subject, end, budget)
    }
    case 'base64':
      if (!base64(step, subject, previous, budget)) return NO
      return from(steps, index + 1, subject, previous, budget)
  }
}

function content(
  step: ContentStep,
  steps: readonly Step[],
  index: number,
  subject: Subject,
  previous: number,
  budget: MatchBudget,
): Outcome {
  const { variables } = budget
  const text = step.nocase ? subject.folded : subject.text
  const size = step.needle.length
  let low: number
  let high = text.length
  if (step.relative) {
    low = previous + operandValue(step.distance, variables)
    const within = operandValue(step.within, variables)
    if (within >= 0 && low + within < high) high = low + within
  } else {
    low = operandValue(step.offset, variables) - subject.base
    const depth = operandValue(step.depth, variables)
    if (depth >= 0 && low + depth < high) high = low + depth
  }
  if (low < 0) low = 0
  const failure = step.relative ? NO : NEVER
  let at = -1
  if (step.endsWith) {
    const last = text.length - size
    if (subject.ended && last >= low && last + size <= high && text.endsWith(step.needle)) at = last
    if (at >= 0 && step.exactHigh && !equalHigh(step.pattern, subject.text, at)) at = -1
  } else at = findFrom(step, text, subject.text, low, high, budget)
  if (step.negated) {
    if (at >= 0) return failure
    return from(steps, index + 1, subject, previous, budget)
  }
  while (at >= 0) {
    step.at = at
    step.end = at + size
    const rest = from(steps, index + 1, subject, at + size, budget)
    if (rest !== NO) return rest
    if (!step.retry || step.endsWith) return failure
    at = findFrom(step, text, subject.text, at + 1, high, budget)
  }
  return failure
}

/** Windows up to so many bytes are searched anew each time. */
const SHORT_WINDOW = 512

/** As `find`, for steps that the search may come back to. */
function findFrom(
  step: ContentStep,
  text: string,
  original: string,
  low: number,
  high: number,
  { pass }: MatchBudget,
): number {
  if (!step.relative || high - low < SHORT_WINDOW) return find(step, text, original, low, high)
  const search = (step.search ??= { pass: 0, from: 0, next: -1 })
  const isKnown =
    search.pass === pass && low >= search.from && (search.next < 0 || low <= search.next)
  if (!isKnown) {
    search.next = find(step, text, original, low, text.length)
    search.pass = pass
    search.from = low
  }
  return search.next >= 0 && search.next + step.needle.length <= high ? search.next : -1
}

/** Next occurrence that begins at or after `low` and ends by `high`; -1 when there is none. */
function find(
  step: ContentStep,
  text: string,
  original: string,
  low: number,
  high: number,
): number {
  const { needle } = step
  if (low + needle.length > high) return -1
  // A short window at a fixed place is compared, not searched: indexOf would run to the end.
  if (high - low === needle.length) {
    if (!text.startsWith(needle, low)) return -1
    return step.exactHigh && !equalHigh(step.pattern, original, low) ? -1 : low
  }
  const hay = high - low < SHORT_WINDOW && high < text.length ? text.slice(0, high) : text
  let at = hay.indexOf(needle, low)
  while (at >= 0 && at + needle.length <= high) {
    if (!step.exactHigh || equalHigh(step.pattern, original, at)) return at
    at = hay.indexOf(needle, at + 1)
  }
  return -1
}

/** Bytes above 0x7f are equal as they are, not only when folded. */
function equalHigh(pattern: string, text: string, at: number): boolean {
  for (let index = 0; index < pattern.length; index += 1) {
    const code = pattern.charCodeAt(index)
    if (code > 0x7f && text.charCodeAt(at + index) !== code) return false
  }
  return true
}

function pcre(
  step: PcreStep,
  steps: readonly Step[],
  index: number,
  subject: Subject,
  previous: number,
  budget: MatchBudget,
): Outcome {
  const shift = step.relative ? previous : 0
  if (shift > subject.text.length)
    return step.negated ? from(steps, index + 1, subject, previous, budget) : NO
  const text = shift === 0 ? subject.text : subject.text.slice(shift)
  const failure = step.relative ? NO : NEVER
  if (step.negated) {
    if (step.pattern.test(text)) return failure
    return from(steps, index + 1, subject, previous, budget)
  }
  let at = step.pattern.exec(text, 0)
  while (at >= 0) {
    const end = step.pattern.end + shift
    step.at = at + shift
    step.end = end
    const rest = from(steps, index + 1, subject, end, budget)
    if (rest !== NO) return rest
    if (!step.retry || at + 1 > text.length) return failure
    at = step.pattern.exec(text, at + 1)
  }
  return failure
}

function base64(
  step: Base64Step,
  subject: Subject,
  previous: number,
  budget: MatchBudget,
): boolean {
  const start = (step.relative ? previous : 0) + step.decode.offset
  if (start >= subject.text.length) return false
  const end = step.decode.bytes === 0 ? undefined : start + step.decode.bytes
  const decoded = decodeBase64(subject.text.slice(start, end), 'rfc4648')
  if (decoded === '') return false
  if (step.steps.length === 0) return true
  // What steps remember of one text says nothing of another.
  budget.pass += 1
  const result = from(step.steps, 0, new DecodedSubject(decoded), 0, budget)
  budget.pass += 1
  return result === YES
}
