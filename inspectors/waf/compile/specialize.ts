import type { Macro } from './macro.ts'
import type { CompiledEffect, CompiledLink, CompiledRule, LinkTest } from './program.ts'
import { hasRule } from '../values/selector.ts'
import { transformThrough } from '../values/pipeline.ts'

/**
 * Takes out of a program what does not depend on the traffic.
 *
 * Rule sets spend much of their text on configuration: defaults for TX variables, and gates that skip
 * the rules of paranoia levels that are not in force. What they come to is known when the rules are
 * loaded, so it is worked out once:
 *
 * 1. At the start of phase 1, rules that read nothing but TX variables whose values are known, and that
 *    do nothing but set TX variables without logging, are run now: their results become the values that
 *    a transaction starts with. Rules that do depend on traffic may stand between them as long as they
 *    neither touch the variables in question nor decide which rules run.
 * 2. TX variables that no remaining rule writes are constants. Rules that cannot match because of them
 *    are left out; rules that always match and only jump become jumps, and what they jump over is left
 *    out where nothing else leads there.
 *
 * The result does the same as the whole program: `test/inspectors/waf/differential.test.ts` compares.
 */

export interface Specialized {
  /** By phase, index 0 is empty: rules to run, and where each leads when it matches. */
  readonly phases: readonly { readonly rules: CompiledRule[]; readonly next: Int32Array }[]
  readonly initialTx: readonly (string | undefined)[]
  /** By TX slot, 1: it has its initial value in all transactions. */
  readonly constants: Uint8Array
}

type Slots = (string | undefined)[]

/**
 * @param removable bit sets of rules that settings leave out of some transactions and not of others
 */
export function specialize(
  phases: readonly (readonly CompiledRule[])[],
  initialTx: readonly (string | undefined)[],
  slotNames: readonly string[],
  removable: readonly Int32Array[],
): Specialized {
  const slots = initialTx.slice()
  const folded = foldPrefix(phases[1], slots, slotNames, removable)
  const kept = phases.flat().filter((rule) => !folded.has(rule))
  const constants = constantSlots(kept, slots.length, slotNames)
  const removals = kept.flatMap((rule) =>
    rule.links.flatMap((link) =>
      link.effects.flatMap((effect) => (effect.kind === 'remove-rules' ? [effect.rules] : [])),
    ),
  )
  removals.push(...removable)
  return {
    phases: phases.map((rules) => trim(rules, folded, slots, constants, removals)),
    initialTx: slots,
    constants,
  }
}

/** Runs the rules of step 1 on `slots`. */
function foldPrefix(
  rules: readonly CompiledRule[],
  slots: Slots,
  slotNames: readonly string[],
  removable: readonly Int32Array[],
): Set<CompiledRule> {
  const folded = new Set<CompiledRule>()
  /** Slots that rules before this one, and left to run, read or write. */
  const touched = new Uint8Array(slots.length)
  const isKnown = (slot: number): boolean => touched[slot] === 0
  for (const [position, rule] of rules.entries()) {
    // What never matches neither decides nor changes anything.
    if (outcomeOf(rule, slots, isKnown) === 'never') continue
    if (rule.next !== position + 1) break
    const isCertain = !removable.some((rules) => hasRule(rules, rule.index))
    if (isCertain && isFoldable(rule) && runRule(rule, slots, isKnown)) {
      folded.add(rule)
      continue
    }
    if (!isPlain(rule)) break
    if (!touch(rule, touched, slotNames)) break
  }
  return folded
}

/** Nothing happens but changes of TX. */
export function isFoldable(rule: CompiledRule): boolean {
  return (
    !rule.log &&
    rule.severity === null &&
    rule.disruptive.kind === 'pass' &&
    rule.links.every(
      (link) => !link.capture && link.effects.every((effect) => effect.kind === 'set-slot'),
    )
  )
}

/** Other rules run whether this one matches or not. */
function isPlain(rule: CompiledRule): boolean {
  return (
    rule.disruptive.kind === 'pass' &&
    rule.links.every((link) =>
      link.effects.every(
        (effect) =>
          effect.kind !== 'remove-rules' &&
          (effect.kind !== 'control' || effect.ctl.kind !== 'rule-engine'),
      ),
    )
  )
}

/** Runs a rule on known values; false when something it needs is not known. */
function runRule(rule: CompiledRule, slots: Slots, isKnown: (slot: number) => boolean): boolean {
  const changed = slots.slice()
  for (const link of rule.links) {
    const matches = countMatches(link, changed, isKnown)
    if (matches === null) return false
    if (matches === 0) break
    for (let count = 0; count < matches; count += 1) {
      for (const effect of link.effects) {
        if (effect.kind !== 'set-slot' || !isKnown(effect.slot)) return false
        const { slotsRead } = effect.value
        if (slotsRead === null || !slotsRead.every(isKnown)) return false
        changed[effect.slot] = effect.apply(changed[effect.slot], effect.value.expandFrom(changed))
      }
    }
  }
  for (let slot = 0; slot < slots.length; slot += 1) slots[slot] = changed[slot]
  return true
}

/** Notes the slots of a rule; false when it could reach any. */
function touch(rule: CompiledRule, touched: Uint8Array, slotNames: readonly string[]): boolean {
  for (const link of rule.links) {
    for (const part of link.targets.parts) {
      if (part.collection.name !== 'TX') continue
      if (part.selector.kind !== 'name') return false
      const slot = slotNames.indexOf(part.selector.nameLower)
      if (slot >= 0) touched[slot] = 1
    }
    const macros = [
      ...(link.test.kind === 'dynamic' ? [link.test.argument] : []),
      ...link.effects.flatMap((effect) => effectMacros(effect)),
    ]
    for (const macro of [...macros, ...(rule.msg ? [rule.msg] : [])]) {
      for (const slot of macro.slotsTouched) touched[slot] = 1
    }
    if (link.capture) touched.fill(1, 0, 10)
  }
  return markWrites(rule, touched, slotNames)
}

/** Texts that an effect expands. */
export function effectMacros(effect: CompiledEffect): readonly Macro[] {
  switch (effect.kind) {
    case 'set-slot':
      return [effect.value]
    case 'setvar':
      return [effect.name, effect.value]
    case 'expirevar':
      return [effect.name, effect.seconds]
    case 'deprecatevar':
      return [effect.name]
    case 'initcol':
      return [effect.key]
    case 'remove-rules':
    case 'remove-targets':
    case 'control':
    case 'sanitise':
      return []
  }
}

/** Marks the slots that a rule may write; false when it could write any. */
function markWrites(rule: CompiledRule, marks: Uint8Array, slotNames: readonly string[]): boolean {
  for (const link of rule.links) {
    if (link.capture) marks.fill(1, 0, 10)
    for (const effect of link.effects) {
      if (effect.kind === 'set-slot') marks[effect.slot] = 1
      if (effect.kind !== 'setvar' || effect.collection !== 'TX') continue
      const prefix = effect.name.constantPrefix.toLowerCase()
      if (prefix === '') return false
      for (const [slot, name] of slotNames.entries()) if (name.startsWith(prefix)) marks[slot] = 1
    }
  }
  return true
}

function constantSlots(
  kept: readonly CompiledRule[],
  count: number,
  slotNames: readonly string[],
): Uint8Array {
  const written = new Uint8Array(count)
  written.fill(1, 0, 10)
  for (const rule of kept) if (!markWrites(rule, written, slotNames)) return new Uint8Array(count)
  return written.map((mark) => 1 - mark)
}

/** Whether a rule matches, as far as constants tell. */
function outcomeOf(
  rule: CompiledRule,
  slots: Slots,
  isKnown: (slot: number) => boolean,
): 'never' | 'always' | 'unknown' {
  let outcome: 'always' | 'unknown' = 'always'
  for (const link of rule.links) {
    const matches = countMatches(link, slots, isKnown)
    if (matches === 0) {
      // Effects of links before this one happen although the chain does not match.
      return outcome === 'always' && rule.links.length > 1 && hasEffectsBefore(rule, link)
        ? 'unknown'
        : outcome === 'unknown' && hasEffectsBefore(rule, link)
          ? 'unknown'
          : 'never'
    }
    if (matches === null) outcome = 'unknown'
  }
  return rule.links.length === 0 ? 'never' : outcome
}

function hasEffectsBefore(rule: CompiledRule, last: CompiledLink): boolean {
  for (const link of rule.links) {
    if (link === last) return false
    if (link.effects.length > 0 || link.capture) return true
  }
  return false
}

/** Matches of a link that reads TX alone; null when it depends on something unknown. */
function countMatches(
  link: CompiledLink,
  slots: Slots,
  isKnown: (slot: number) => boolean,
): number | null {
  const { test, targets, pipelines } = link
  if (test.kind === 'always') return 1
  if (pipelines.length > 1) return null
  const argument = argumentOf(test, slots, isKnown)
  if (argument === null) return null
  let matches = 0
  for (const part of targets.parts) {
    if (part.txSlot < 0 || !isKnown(part.txSlot)) return null
    const value = slots[part.txSlot]
    if (value === undefined && !part.count) continue
    const text = transformThrough(
      part.count ? (value === undefined ? '0' : '1') : value!,
      pipelines[0],
    )
    const isMatch =
      test.kind === 'static'
        ? test.predicate.operator.match(text, null) !== test.predicate.negated
        : test.operator.match(text, argument, null) !== test.negated
    if (isMatch) matches += 1
  }
  return matches
}

function argumentOf(
  test: Exclude<LinkTest, { kind: 'always' }>,
  slots: Slots,
  isKnown: (slot: number) => boolean,
): string | null {
  if (test.kind === 'static') return ''
  const { slotsRead } = test.argument
  if (slotsRead === null || !slotsRead.every(isKnown)) return null
  return test.argument.expandFrom(slots)
}

/** Step 2 for one phase. */
function trim(
  rules: readonly CompiledRule[],
  folded: ReadonlySet<CompiledRule>,
  slots: Slots,
  constants: Uint8Array,
  removals: readonly Int32Array[],
): { rules: CompiledRule[]; next: Int32Array } {
  const isKnown = (slot: number): boolean => constants[slot] === 1
  const reached = new Uint8Array(rules.length + 1)
  reached[0] = 1
  const kept: number[] = []
  const jumps: number[] = []
  for (const [position, rule] of rules.entries()) {
    if (reached[position] === 0) continue
    const outcome = folded.has(rule) ? 'never' : outcomeOf(rule, slots, isKnown)
    if (outcome === 'never') {
      reached[position + 1] = 1
    } else if (outcome === 'always' && isJump(rule) && staysJump(rules, position, removals)) {
      reached[rule.next] = 1
      jumps.push(position)
    } else {
      kept.push(position)
      reached[position + 1] = 1
      reached[rule.next] = 1
    }
  }
  // A jump over rules to which another rule leads is needed to get past them. From the last to the first:
  // a jump that stays may be such a rule itself.
  for (const jump of jumps.reverse()) {
    const { next } = rules[jump]
    if (kept.some((position) => position > jump && position < next)) kept.push(jump)
  }
  kept.sort((left, right) => left - right)
  const before = new Int32Array(rules.length + 1)
  for (const position of kept) before[position + 1] = 1
  for (let position = 1; position <= rules.length; position += 1) {
    before[position] += before[position - 1]
  }
  return {
    rules: kept.map((position) => rules[position]),
    next: Int32Array.from(kept, (position) => before[rules[position].next]),
  }
}

function isJump(rule: CompiledRule): boolean {
  return isFoldable(rule) && rule.links.every((link) => link.effects.length === 0)
}

/**
 * `ctl:ruleRemoveBy*` may take the jump away, and rules that it jumps over would run: it may be built in
 * only if everything that removes the jump removes those too.
 */
function staysJump(
  rules: readonly CompiledRule[],
  position: number,
  removals: readonly Int32Array[],
): boolean {
  const { index, next } = rules[position]
  return removals.every(
    (removed) =>
      !hasRule(removed, index) ||
      rules.slice(position + 1, next).every((rule) => hasRule(removed, rule.index)),
  )
}
