/**
 * Candidates of a message's head.
 *
 * Many buffers of a head are stretches of it as sent, so one scan of the head finds the fast patterns of all of
 * them, and only buffers in which one may stand are made. Others hold what comes again and again: the rules that a
 * value leads to are remembered, without those that the value itself rules out. The rest (a normalised URI, buffers
 * that are transformed) are made and scanned one by one; so are all of a head that is not plain.
 */
import { TAIL_BYTES } from '#inspectors/matching/gram-filter.ts'
import { type MatchBudget, matchSteps } from '../match/section.ts'
import type { Subject } from '../match/subject.ts'
import type { CandidateList } from '../program/candidate-list.ts'
import type { CompiledRule, CompiledSection, Side, Slot } from '../program/compiled-rule.ts'
import type { PatternTarget, Prefilter } from '../program/prefilter.ts'
import type { RuleGroup, SlotPrefilter } from '../program/rule-group.ts'
import type { ValueMemo } from '../program/value-memo.ts'
import type { Step } from '../program/steps.ts'
import type { HttpExchange } from './exchange.ts'
import { PlainHead } from './plain-head.ts'

const plain = new PlainHead()
/** Scratch: what was found in the head being scanned. */
const found: (readonly PatternTarget[])[] = []

/** Adds the rules whose fast pattern occurs in its buffer of the head of this side. */
export function scanHead(
  { whole, head: stretches, headSlots }: RuleGroup,
  exchange: HttpExchange,
  side: Side,
  budget: MatchBudget,
  into: CandidateList,
): void {
  const { request, response } = exchange.transaction
  const head = side === 'request' ? request : response
  if (head === null) return
  for (let index = 0; index < whole.length; index += 1) {
    const { slot, prefilter, memo } = whole[index]
    if (memo === null) scanAlone(prefilter, slot, exchange, into)
    else scanRecurring(whole[index], memo, exchange, budget, into)
  }
  if (stretches === null) return
  if (!plain.read(head)) {
    for (const slot of headSlots) scanAlone(stretches, slot, exchange, into)
    return
  }
  const { rawLatin1 } = head
  scanStretches(stretches, rawLatin1, exchange, into)
  const { cookieStart, cookieEnd } = plain
  // Without the line of cookies what is before it and what follows are neighbours.
  if (cookieEnd > 0)
    scanStretches(
      stretches,
      rawLatin1.slice(Math.max(0, cookieStart - TAIL_BYTES), cookieStart) +
        rawLatin1.slice(cookieEnd, cookieEnd + TAIL_BYTES),
      exchange,
      into,
    )
}

function scanStretches(
  stretches: Prefilter,
  textLatin1: string,
  exchange: HttpExchange,
  into: CandidateList,
): void {
  const count = stretches.findAll(textLatin1, found)
  for (let hit = 0; hit < count; hit += 1) {
    const targets = found[hit]
    for (let index = 0; index < targets.length; index += 1) addFound(targets[index], exchange, into)
  }
}

function scanAlone(
  prefilter: Prefilter,
  slot: Slot,
  exchange: HttpExchange,
  into: CandidateList,
): void {
  if (slot.multiple) {
    for (const { text } of exchange.instances(slot)) prefilter.scan(slot, text, into)
    return
  }
  const subject = exchange.subject(slot)
  if (subject !== null && subject !== undefined) prefilter.scan(slot, subject.text, into)
}

function scanRecurring(
  recurring: SlotPrefilter,
  memo: ValueMemo,
  exchange: HttpExchange,
  budget: MatchBudget,
  into: CandidateList,
): void {
  const text = exchange.text(recurring.slot)
  if (text === null) return
  let rules = memo.get(text)
  if (rules === null) {
    rules = rulesOf(recurring, exchange, budget)
    memo.set(text, rules)
  }
  for (let index = 0; index < rules.length; index += 1) into.add(rules[index])
}

function rulesOf(
  { slot, prefilter }: SlotPrefilter,
  exchange: HttpExchange,
  budget: MatchBudget,
): readonly CompiledRule[] {
  const subject = exchange.subject(slot)
  if (subject === null || subject === undefined) return []
  return prefilter
    .rulesIn(slot, subject.text)
    .filter(({ sections }) =>
      sections.every(
        (section) =>
          section.slot !== slot || !isDecidedAlone(section) || holds(section, subject, budget),
      ),
    )
}

function holds({ steps }: CompiledSection, subject: Subject, budget: MatchBudget): boolean {
  budget.reset()
  return matchSteps(steps, subject, budget)
}

/** What the section comes to depends on its buffer and nothing else. */
function isDecidedAlone({ absent, steps }: CompiledSection): boolean {
  return absent === 'no' && steps.every(isPure)
}

function isPure(step: Step): boolean {
  switch (step.kind) {
    case 'content':
      return [step.offset, step.depth, step.distance, step.within].every(
        (operand) => typeof operand === 'number',
      )
    case 'isdataat':
      return typeof step.position === 'number'
    case 'pcre':
    case 'bsize':
      return true
    case 'byte_test':
    case 'byte_jump':
    case 'byte_extract':
    case 'byte_math':
    case 'base64':
    case 'dataset':
    case 'entropy':
      return false
  }
}

/** The pattern was seen in the head; it counts where it stands in the buffer itself. */
function addFound(
  { slot, folded, rules }: PatternTarget,
  exchange: HttpExchange,
  into: CandidateList,
): void {
  if (slot.multiple) {
    if (!exchange.instances(slot).some((subject) => subject.folded.includes(folded))) return
  } else if (exchange.subject(slot)?.folded.includes(folded) !== true) return
  for (let index = 0; index < rules.length; index += 1) into.add(rules[index])
}
