import type { WafExclusion, WafSettings } from '#chain/model/chain.ts'
import type { Diagnostics, SourcePosition } from '#signatures/seclang/diagnostic.ts'
import { inRanges, parseIdRanges } from '#signatures/seclang/id-ranges.ts'
import { LogicalLine } from '#signatures/seclang/logical-line.ts'
import { parseTargets } from '#signatures/seclang/targets.ts'
import { Word } from '#signatures/seclang/words.ts'
import type { Exclusions, PathExclusion, PathPattern } from '../values/exclusions.ts'
import type { TargetExclusion } from '../values/selector.ts'
import type { CompiledRule } from './program.ts'
import { compileSelector } from './target-lists.ts'

/**
 * @param diagnostics told of selectors that cannot be compiled; the position is a pointer into the
 *   settings
 */
export function compileExclusions(
  rules: readonly CompiledRule[],
  settings: WafSettings,
  diagnostics: Diagnostics,
): Exclusions {
  const ranges = (settings.excludeRules ?? []).flatMap((text) => parseIdRanges(text) ?? [])
  const tags = new Set(settings.excludeTags?.map(latin1))
  const removed = bitsOf(
    rules,
    (rule) => inRanges(ranges, rule.id) || rule.tags.some((tag) => tags.has(tag)),
  )
  const targets: TargetExclusion[] = []
  const atPaths: PathExclusion[] = []
  for (const [index, exclusion] of (settings.exclusions ?? []).entries()) {
    const position = { file: `settings/exclusions/${index}`, line: 1, column: 1 }
    const selected = bitsOf(rules, selects(exclusion))
    const ofTargets = targetsOf(exclusion, selected, position, diagnostics)
    if (exclusion.path === undefined) {
      if (ofTargets !== null) targets.push(ofTargets)
      else for (const [word, bits] of selected.entries()) removed[word] |= bits
    } else {
      const path = patternOf(exclusion.path)
      atPaths.push({ path, rules: ofTargets === null ? selected : null, targets: ofTargets })
    }
  }
  return { rules: removed, targets, atPaths }
}

function selects(exclusion: WafExclusion): (rule: CompiledRule) => boolean {
  if ('tag' in exclusion) {
    const tag = latin1(exclusion.tag)
    return (rule) => rule.tags.includes(tag)
  }
  const ranges = parseIdRanges(exclusion.rule) ?? []
  return (rule) => inRanges(ranges, rule.id)
}

function targetsOf(
  { target }: WafExclusion,
  rules: Int32Array,
  position: SourcePosition,
  diagnostics: Diagnostics,
): TargetExclusion | null {
  if (target === undefined) return null
  const text = latin1(target)
  const line = new LogicalLine(position.file, 1, text, [0])
  const targets = parseTargets(new Word(line, 0, text, []), diagnostics)
  return {
    rules,
    targets: targets.map((one) => ({
      collection: one.collection,
      selector: compileSelector(one, diagnostics),
    })),
  }
}

function patternOf(path: string): PathPattern {
  const isPrefix = path.endsWith('*')
  return { text: latin1(isPrefix ? path.slice(0, -1) : path), isPrefix }
}

/** Settings are text, traffic and rules are bytes. */
function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function bitsOf(
  rules: readonly CompiledRule[],
  isSelected: (rule: CompiledRule) => boolean,
): Int32Array {
  const bits = new Int32Array(Math.max(1, Math.ceil(rules.length / 32)))
  for (const { index } of rules.filter(isSelected)) bits[index >> 5] |= 1 << (index & 31)
  return bits
}
