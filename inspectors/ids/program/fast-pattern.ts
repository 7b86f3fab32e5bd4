import { bufferByName } from '#signatures/suricata/buffers.ts'
import type { ContentMatch } from '#signatures/suricata/buffer-match.ts'
import type { Rule } from '#signatures/suricata/rule.ts'

/** The content by which a rule is found, and the section it stands in. */
export interface FastPattern {
  readonly section: number
  /** latin1; the prefilter ignores case, the full evaluation does not. */
  readonly pattern: string
}

/**
 * Chooses the fast pattern: the content marked with `fast_pattern`; otherwise of the buffers with the
 * lowest priority number the longest content, of those the one with the most telling bytes, of those
 * the one whose buffer was used last, of those the first.
 *
 * @returns null when the rule has no positive content that `allowed` lets take part
 */
export function chooseFastPattern(
  rule: Rule,
  allowed: (buffer: string) => boolean,
): FastPattern | null {
  let best: FastPattern | null = null
  let bestPriority = 0
  let bestStrength = 0
  for (let index = 0; index < rule.sections.length; index += 1) {
    const section = rule.sections[index]
    if (!allowed(section.buffer)) continue
    const priority = bufferByName(section.buffer)!.priority
    for (const match of section.matches) {
      if (match.kind !== 'content' || match.negated) continue
      const pattern = prefilterBytes(match)
      if (match.fastPattern) return { section: index, pattern }
      const strength = patternStrength(pattern)
      const better =
        best === null ||
        priority < bestPriority ||
        (priority === bestPriority &&
          (pattern.length > best.pattern.length ||
            (pattern.length === best.pattern.length &&
              (strength > bestStrength || (strength === bestStrength && index !== best.section)))))
      if (!better) continue
      best = { section: index, pattern }
      bestPriority = priority
      bestStrength = strength
    }
  }
  return best
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
