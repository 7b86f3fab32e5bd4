import type { Phase } from '#signatures/seclang/model.ts'
import type { Exclusions } from '../values/exclusions.ts'
import { hasRule } from '../values/selector.ts'
import { TextStore } from '../values/text-store.ts'
import { type Groups, groupRules } from './groups.ts'
import type { CompiledRule, CompiledRules, PhaseProgram, Program } from './program.ts'
import { findSteadyRules, looksAtEarlierMatch } from './steady-rules.ts'
import { findTxRuns } from './tx-runs.ts'
import { specialize, type Specialized } from './specialize.ts'

/** What a chain sets, out of which a program is built from rules that are compiled already. */
export interface ProgramOptions {
  /** TX variables that are set before phase 1 and that rules do not overwrite; names in lower case. */
  readonly variables: ReadonlyMap<string, string>
  readonly exclusions: Exclusions
  /** `off`: no prefilter, every rule is tried on every value. For tests and for `waf explain`. */
  readonly gate: 'on' | 'off'
  /** `off`: rules that do not depend on the traffic are run for each transaction all the same. */
  readonly specialize: 'on' | 'off'
}

/** Index 0 of a list by phase stays empty. */
const PHASES_AND_NONE: readonly (Phase | 0)[] = [0, 1, 2, 3, 4, 5]

/**
 * The rules in force under some settings, laid out to run: no pattern is compiled, all that is built is
 * lists of the rules that are there.
 */
export function buildProgram(compiled: CompiledRules, options: ProgramOptions): Program {
  const { targetLists, predicates, gates, txNames } = compiled
  const { exclusions, variables } = options
  const locked = new Set<number>()
  const initialTx = txNames.names.map((name) => variables.get(name))
  for (const [slot, value] of initialTx.entries()) if (value !== undefined) locked.add(slot)
  const inForce = compiled.rules
    .map((rule) => (hasRule(exclusions.rules, rule.index) ? { ...rule, links: [] } : rule))
    .map((rule) => withoutEffectsOn(rule, locked))
  const whole = PHASES_AND_NONE.map((phase) => inForce.filter((rule) => rule.phase === phase))
  const removable = exclusions.atPaths.flatMap(({ rules }) => rules ?? [])
  const specialized =
    options.specialize === 'off'
      ? unspecialized(whole, initialTx)
      : specialize(whole, initialTx, txNames.names, removable)
  const left = specialized.phases.flatMap((phase) => phase.rules)
  const groups = groupRules(left, gates.words)
  const repeats: Repeats | null =
    options.specialize === 'off'
      ? null
      : {
          slotNames: txNames.names,
          constants: specialized.constants,
          isMatchSeen: left.some((rule) => looksAtEarlierMatch(rule)),
        }
  return {
    phases: specialized.phases.map(({ rules, next }) => phaseProgram(rules, next, groups, repeats)),
    rules: compiled.rules,
    targetLists,
    exclusions,
    groups: groups.groups,
    texts: new TextStore(gates, predicates, options.gate === 'on', compiled.kept),
    words: gates.words,
    txNames,
    initialTx: specialized.initialTx,
    inboundScoreSlots: compiled.inboundScoreSlots,
    outboundScoreSlots: compiled.outboundScoreSlots,
    isRepeatable: options.gate === 'on' && repeats !== null && !repeats.isMatchSeen,
  }
}

/** What settings decide is not for rules to set: CRS's setup file sets the same variables. */
function withoutEffectsOn(rule: CompiledRule, slots: ReadonlySet<number>): CompiledRule {
  const isLocked = (effect: CompiledRule['links'][number]['effects'][number]): boolean =>
    effect.kind === 'set-slot' && slots.has(effect.slot)
  if (!rule.links.some((link) => link.effects.some(isLocked))) return rule
  const links = rule.links.map((link) => ({
    ...link,
    effects: link.effects.filter((effect) => !isLocked(effect)),
  }))
  return { ...rule, links }
}

/** What is to be known of a program before rules may do what they did the last time. */
interface Repeats {
  readonly slotNames: readonly string[]
  /** By TX slot, 1: it has the same value in all transactions. */
  readonly constants: Uint8Array
  /** Some rule may look at what another one matched. */
  readonly isMatchSeen: boolean
}

/** @param repeats null: every rule is run each time */
function phaseProgram(
  members: readonly CompiledRule[],
  next: Int32Array,
  groups: Groups,
  repeats: Repeats | null,
): PhaseProgram {
  const groupOf = new Int32Array(members.length).fill(-1)
  const wordOf = new Int32Array(members.length)
  const bitOf = new Int32Array(members.length)
  for (const [position, rule] of members.entries()) {
    const [first] = rule.links
    const group = groups.ofRule.get(rule.index)
    if (group === undefined || first.test.kind !== 'static') continue
    const { index } = first.test.predicate
    groupOf[position] = group.index
    wordOf[position] = index >> 5
    bitOf[position] = 1 << (index & 31)
  }
  const never = members.map(() => null)
  return {
    rules: members,
    next,
    groupOf,
    wordOf,
    bitOf,
    txRuns: repeats === null ? never : findTxRuns(members, groupOf, repeats.slotNames),
    steady:
      repeats === null ? never : findSteadyRules(members, repeats.constants, repeats.isMatchSeen),
  }
}

function unspecialized(
  phases: readonly (readonly CompiledRule[])[],
  initialTx: readonly (string | undefined)[],
): Specialized {
  return {
    phases: phases.map((rules) => ({
      rules: [...rules],
      next: Int32Array.from(rules, (rule) => rule.next),
    })),
    initialTx,
    constants: new Uint8Array(initialTx.length),
  }
}
