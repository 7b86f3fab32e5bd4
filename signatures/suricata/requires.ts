/**
 *   requires := item (',' item)*
 *   item     := 'feature' NAME | 'keyword' NAME | 'version' range ('|' range)*
 *   range    := (OP VERSION)+                      OP: < <= > >= =
 */
import { hasKeyword } from './keywords/registry.ts'

/** Release of Suricata whose rule language is spoken: what `requires: version` is compared with. */
export const LANGUAGE_VERSION: readonly [number, number, number] = [9, 0, 0]

/** Optional parts of Suricata that are there in our own form. */
const FEATURES = new Set(['ja3', 'ja4'])

/**
 * Why a rule with this `requires` is to be skipped.
 *
 * @returns null when all is there. What is not understood is not there: it asks for a later language.
 */
export function unmetRequirement(argument: string): string | null {
  for (const part of argument.split(',')) {
    const item = part.trim()
    const form = /^(feature|keyword|version)\s+(.*)$/s.exec(item)
    if (form === null) return item
    const [, kind, text] = form
    const isMet =
      kind === 'feature'
        ? FEATURES.has(text.toLowerCase())
        : kind === 'keyword'
          ? hasKeyword(text)
          : text.split('|').some((range) => isInRange(range))
    if (!isMet) return item
  }
  return null
}

function isInRange(range: string): boolean {
  const parts = [...range.trim().matchAll(/(<=|>=|<|>|=)\s*(\d{1,5}(?:\.\d{1,5}){0,2})\S*\s*/g)]
  if (parts.length === 0 || parts.map(([all]) => all).join('') !== range.trim()) return false
  return parts.every(([, operator, version]) => {
    const difference = compareVersion(version)
    switch (operator) {
      case '<':
        return difference < 0
      case '<=':
        return difference <= 0
      case '>':
        return difference > 0
      case '>=':
        return difference >= 0
      default:
        return difference === 0
    }
  })
}

/** Sign of the language's version less the given one. */
function compareVersion(text: string): number {
  const wanted = text.split('.').map(Number)
  for (let index = 0; index < 3; index += 1) {
    const difference = LANGUAGE_VERSION[index] - (wanted[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
