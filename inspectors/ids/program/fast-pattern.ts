import { isUsualText } from '#inspectors/matching/gram-tables.ts'
import type { ContentMatch } from '#signatures/suricata/buffer-match.ts'
import { PAYLOAD, bufferByName } from '#signatures/suricata/buffers.ts'
import type { Rule, Section } from '#signatures/suricata/rule.ts'
import { isRecurring } from './slot-reading.ts'

/** Patterns that must end within so many bytes are looked for at the beginning of their buffer alone. */
export const EARLY_BYTES = 64
/** Of such a length a filter looks at every fourth place only. */
export const LONG_BYTES = 7
const MIDDLE_BYTES = 4

/** The content by which a rule is found, and the section it stands in. */
export interface FastPattern {
  readonly section: number
  /** latin1; the prefilter ignores case, the full evaluation does not. */
  readonly pattern: string
  /** The rule can match only where the pattern ends within so many bytes of the buffer; Infinity: anywhere. */
  readonly maxEnd: number
}

/**
 * Chooses the content by which a rule is found. Any that must be there will do, so it is the one that costs least:
 * long and rare before short, as short ones are looked for at more places, and rare before what every message has.
 * Of equals it is the one that the rule marks with `fast_pattern`; otherwise that of the buffer with the lowest
 * priority number, the longest, the one with the most telling bytes, the one whose buffer was used last.
 *
 * @param allowed whether contents of the section may be taken
 * @returns null when the rule has no such positive content
 */
export function chooseFastPattern(
  rule: Rule,
  allowed: (section: Section) => boolean,
): FastPattern | null {
  let best: Choice | null = null
  for (let index = 0; index < rule.sections.length; index += 1) {
    const section = rule.sections[index]
    if (!allowed(section)) continue
    for (const match of section.matches) {
      if (match.kind !== 'content' || match.negated) continue
      const choice = choiceOf(rule, index, match)
      if (best === null || isBetter(choice, best)) best = choice
    }
  }
  return best
}

interface Choice extends FastPattern {
  readonly rank: number
  readonly isMarked: boolean
  readonly priority: number
  readonly strength: number
}

function choiceOf(rule: Rule, section: number, match: ContentMatch): Choice {
  const { buffer } = rule.sections[section]
  const pattern = prefilterBytes(match)
  const maxEnd = endOf(match)
  return {
    section,
    pattern,
    maxEnd,
    rank: rankIn(rule, rule.sections[section], pattern, maxEnd),
    isMarked: match.fastPattern,
    priority: bufferByName(buffer)!.priority,
    strength: patternStrength(pattern),
  }
}

/** Of patterns that most messages have. */
const USUAL_RANK = 5
/** Remembered values cost no scan, and those of another length or beginning are ruled out once for all. */
const RECURRING_RANK = 2
/** Of those that most messages have, only what costs more than short patterns do. */
const USUAL_RECURRING_RANK = 3.5

function rankIn(rule: Rule, { buffer, matches }: Section, pattern: string, maxEnd: number): number {
  const rank = rankOf(pattern, maxEnd)
  const isUsual = rank >= USUAL_RANK
  if (buffer === PAYLOAD && rule.application === 'http') return rank + 2
  const isNarrow = maxEnd <= EARLY_BYTES || matches.some(({ kind }) => kind === 'bsize')
  if (!isNarrow || !isRecurring(buffer)) return rank
  return Math.min(rank, isUsual ? USUAL_RECURRING_RANK : RECURRING_RANK)
}

function isBetter(choice: Choice, best: Choice): boolean {
  if (choice.rank !== best.rank) return choice.rank < best.rank
  if (choice.isMarked !== best.isMarked) return choice.isMarked
  if (choice.priority !== best.priority) return choice.priority < best.priority
  if (choice.pattern.length !== best.pattern.length)
    return choice.pattern.length > best.pattern.length
  if (choice.strength !== best.strength) return choice.strength > best.strength
  return choice.section !== best.section
}

/** What looking for the pattern costs, and how often it is found for nothing: 0 is least. */
function rankOf(pattern: string, maxEnd: number): number {
  const isEarly = maxEnd <= EARLY_BYTES
  if (isUsualText(pattern)) return pattern.length > 2 ? USUAL_RANK : USUAL_RANK + 1
  if (pattern.length >= LONG_BYTES) return 0
  const cost = pattern.length >= MIDDLE_BYTES ? 1 : pattern.length === 3 ? 3 : 4
  return isEarly ? cost - 1 : cost
}

/** Last byte that the content may end at, where it stands at an absolute place. */
function endOf({ distance, within, startsWith, offset, depth, pattern }: ContentMatch): number {
  if (distance !== null || within !== null) return Infinity
  const begin = offset ?? 0
  if (typeof begin !== 'number') return Infinity
  if (startsWith) return begin + pattern.length
  return typeof depth === 'number' ? begin + depth : Infinity
}

function prefilterBytes(match: ContentMatch): string {
  const chop = match.fastPatternChop
  return chop === null ? match.pattern : match.pattern.slice(chop.offset, chop.offset + chop.length)
}

/** Rare bytes count more, repeated ones little. */
function patternStrength(pattern: string): number {
  const seen = new Set<number>()
  let strength = 0
  for (let index = 0; index < pattern.length; index += 1) {
    const code = pattern.charCodeAt(index)
    if (seen.has(code)) {
      strength += 1
      continue
    }
    seen.add(code)
    const letter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)
    const common = (code >= 0x20 && code < 0x7f) || code === 0 || code === 1 || code === 0xff
    strength += letter ? 3 : common ? 4 : 6
  }
  return strength
}
