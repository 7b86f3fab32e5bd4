/**
 * Candidates of a message's head.
 *
 * Most buffers of a head are stretches of it as sent, so one scan of the head finds the fast patterns of all of
 * them, and only buffers in which one may stand are made. The others (a normalised URI that differs from the
 * sent one, names of headers, header lines without cookies, transformed buffers) are made and scanned one by
 * one; so are all of a head that is not plain.
 */
import type { CandidateList } from '../program/candidate-list.ts'
import type { Side, Slot } from '../program/compiled-rule.ts'
import type { PatternTarget, Prefilter } from '../program/prefilter.ts'
import type { RuleGroup } from '../program/rule-group.ts'
import type { HttpExchange } from './exchange.ts'
import { isPlainHead } from './plain-head.ts'

/** Adds the rules whose fast pattern occurs in its buffer of the head of this side. */
export function scanHead(
  { whole, head: stretches }: RuleGroup,
  exchange: HttpExchange,
  side: Side,
  into: CandidateList,
): void {
  const { request, response } = exchange.transaction
  const head = side === 'request' ? request : response
  if (head === null) return
  const isPlain = isPlainHead(head)
  const hasCookies = !isPlain || hasCookie(exchange, side)
  for (let index = 0; index < whole.length; index += 1) {
    const { slot, prefilter, isInHead } = whole[index]
    if (prefilter.patternCount > 0) scanAlone(prefilter, slot, exchange, into)
    if (stretches !== null && isInHead && (!isPlain || !isStretch(slot, exchange, hasCookies)))
      scanAlone(stretches, slot, exchange, into)
  }
  if (!isPlain || stretches === null) return
  for (const targets of stretches.findAll(head.rawLatin1))
    for (let index = 0; index < targets.length; index += 1)
      if (isStretch(targets[index].slot, exchange, hasCookies))
        addFound(targets[index], exchange, into)
}

/** The buffer's bytes stand in the head of a plain message as they are. */
function isStretch(slot: Slot, exchange: HttpExchange, hasCookies: boolean): boolean {
  switch (slot.reading) {
    case 'head':
      return true
    case 'target':
      return exchange.isTargetNormal
    case 'lines':
      return !hasCookies
    case 'alone':
    case 'body':
      return false
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

function hasCookie(exchange: HttpExchange, side: Side): boolean {
  const { request, response } = exchange.transaction
  const headers = side === 'request' ? request.headers : (response?.headers ?? [])
  for (let index = 0; index < headers.length; index += 1) {
    const { nameLower } = headers[index]
    if (nameLower === 'cookie' || nameLower === 'set-cookie') return true
  }
  return false
}
