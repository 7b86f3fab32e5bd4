import { compilePattern } from '../pcre/compile.ts'
import { type CompiledPattern, SECLANG_OPTIONS } from '../pcre/pattern.ts'
import type { Diagnostics, SourcePosition } from './diagnostic.ts'
import { inRanges } from './id-ranges.ts'
import type { RuleActions, RuleSelection } from './model.ts'

const compiled = new WeakMap<RuleSelection, CompiledPattern | 'refused'>()

/**
 * True when the rule is one of those selected: by id, or by a pattern that is found in one of its tags
 * or in its message (ModSecurity v2 takes both as regular expressions).
 */
export function matchesSelection(
  selection: RuleSelection,
  links: readonly { readonly actions: RuleActions }[],
  diagnostics: Diagnostics,
  position: SourcePosition,
): boolean {
  const starter = links[0]?.actions
  if (starter === undefined) return false
  if (selection.by === 'id') return starter.id !== null && inRanges(selection.ranges, starter.id)
  const pattern = patternOf(selection, diagnostics, position)
  if (pattern === null) return false
  if (selection.by === 'msg') return starter.msg !== null && pattern.test(starter.msg)
  return links.some((link) => link.actions.tags.some((tag) => pattern.test(tag)))
}

/** Reports a pattern that cannot be compiled where it is written; false: it must not be used. */
export function checkSelection(
  selection: RuleSelection,
  diagnostics: Diagnostics,
  position: SourcePosition,
): boolean {
  return selection.by === 'id' || patternOf(selection, diagnostics, position) !== null
}

function patternOf(
  selection: Extract<RuleSelection, { pattern: string }>,
  diagnostics: Diagnostics,
  position: SourcePosition,
): CompiledPattern | null {
  const known = compiled.get(selection)
  if (known !== undefined) return known === 'refused' ? null : known
  const result = compilePattern(selection.pattern, SECLANG_OPTIONS)
  compiled.set(selection, result.ok ? result.pattern : 'refused')
  if (result.ok) return result.pattern
  diagnostics.error('SECLANG_PATTERN', position, result.message)
  return null
}
