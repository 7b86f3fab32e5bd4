import { Diagnostics } from '#signatures/seclang/diagnostic.ts'
import { inRanges, parseIdRanges } from '#signatures/seclang/id-ranges.ts'
import type { Phase, Rule, RuleLink, RuleSet } from '#signatures/seclang/model.ts'
import type { RuleFiles } from '#signatures/seclang/rule-files.ts'
import type { Transformation } from '../transformations/transformation.ts'
import { TRANSFORMATIONS } from '../transformations/registry.ts'
import { TxNames } from '../transaction/tx-store.ts'
import { GateIndex } from '../values/gate-index.ts'
import { pathTo, type Pipeline, PipelineTree } from '../values/pipeline.ts'
import { TextStore } from '../values/text-facts.ts'
import { compileEffect, type EffectContext } from './effects.ts'
import { compileMacro, type Macro } from './macro.ts'
import { type Groups, groupRules } from './groups.ts'
import { resolveJumps } from './jumps.ts'
import { Predicates } from './predicates.ts'
import type {
  CompiledEffect,
  CompiledLink,
  CompiledRule,
  LinkTest,
  PhaseProgram,
  Program,
} from './program.ts'
import { RuleSelections } from './rule-selections.ts'
import { specialize, type Specialized } from './specialize.ts'
import { TargetLists } from './target-lists.ts'

export interface CompileOptions {
  /** `off`: no prefilter, every rule is tried on every value. For tests and for `waf explain`. */
  readonly gate: 'on' | 'off'
  /** `off`: rules that do not depend on the traffic are run for each transaction all the same. */
  readonly specialize: 'on' | 'off'
  /** TX variables that are set before phase 1 and that rules do not overwrite. */
  readonly variables: ReadonlyMap<string, string>
  /** Ids or ranges, and tags, of rules that are left out. */
  readonly excludeRules: readonly string[]
  readonly excludeTags: readonly string[]
}

const DEFAULT_STATUS = 403
/** Index 0 of a list by phase stays empty. */
const PHASES_AND_NONE: readonly (Phase | 0)[] = [0, 1, 2, 3, 4, 5]
const INBOUND_SCORES = ['inbound_anomaly_score_pl', 'anomaly_score_pl']
const OUTBOUND_SCORES = ['outbound_anomaly_score_pl']

/** Compiles a rule set. Errors go to `diagnostics`; a program with errors must not be used. */
export function compileRules(
  ruleSet: RuleSet,
  files: RuleFiles,
  options: CompileOptions,
  diagnostics: Diagnostics,
): Program {
  return new Compiler(ruleSet, files, options, diagnostics).compile()
}

class Compiler {
  readonly #ruleSet: RuleSet
  readonly #rules: readonly Rule[]
  readonly #options: CompileOptions
  readonly #txNames = new TxNames()
  readonly #pipelines = new PipelineTree()
  readonly #predicates: Predicates
  readonly #targetLists: TargetLists
  readonly #selections: RuleSelections
  readonly #lockedNames: ReadonlySet<string>
  readonly #isLeftOut: (rule: Rule) => boolean

  constructor(
    ruleSet: RuleSet,
    files: RuleFiles,
    options: CompileOptions,
    diagnostics: Diagnostics,
  ) {
    this.#ruleSet = ruleSet
    this.#rules = ruleSet.entries.flatMap((entry) => (entry.kind === 'rule' ? entry.rule : []))
    this.#options = options
    this.#predicates = new Predicates(files, diagnostics)
    this.#targetLists = new TargetLists(this.#txNames, diagnostics)
    this.#selections = new RuleSelections(this.#rules, diagnostics)
    this.#lockedNames = new Set(options.variables.keys())
    const ranges = options.excludeRules.flatMap((text) => parseIdRanges(text) ?? [])
    const tags = new Set(options.excludeTags)
    this.#isLeftOut = (rule) =>
      inRanges(ranges, rule.id) ||
      rule.links.some((link) => link.actions.tags.some((tag) => tags.has(tag)))
  }

  compile(): Program {
    const jumps = resolveJumps(this.#ruleSet.entries)
    const rules = this.#rules.map((rule, index) => this.#rule(rule, index, jumps[index]))
    const { list } = this.#predicates
    const gates = new GateIndex(list)
    const whole = PHASES_AND_NONE.map((phase) => rules.filter((rule) => rule.phase === phase))
    const { phases, initialTx } =
      this.#options.specialize === 'off'
        ? unspecialized(whole, this.#initialTx())
        : specialize(whole, this.#initialTx(), this.#txNames.names)
    this.#targetLists.finish()
    const groups = groupRules(phases.flatMap((phase) => phase.rules))
    const slotsOf = (prefixes: readonly string[]): number[] =>
      this.#txNames.names.flatMap((name, slot) =>
        prefixes.some((prefix) => name.startsWith(prefix)) ? slot : [],
      )
    return {
      phases: phases.map(({ rules, next }) => this.#phase(rules, next, groups)),
      rules,
      targetLists: this.#targetLists.lists,
      groups: groups.groups,
      lanes: groups.lanes,
      texts: new TextStore(gates, list, this.#options.gate === 'on'),
      words: gates.words,
      txNames: this.#txNames,
      initialTx,
      inboundScoreSlots: slotsOf(INBOUND_SCORES),
      outboundScoreSlots: slotsOf(OUTBOUND_SCORES),
    }
  }

  #initialTx(): (string | undefined)[] {
    for (const name of this.#options.variables.keys()) this.#txNames.slotOf(name)
    return this.#txNames.names.map((name) => this.#options.variables.get(name))
  }

  #phase(members: readonly CompiledRule[], next: Int32Array, groups: Groups): PhaseProgram {
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
    return { rules: members, next, groupOf, wordOf, bitOf }
  }

  #rule(rule: Rule, index: number, next: number): CompiledRule {
    const { actions } = rule.links[0]
    const ruleFields = new Map([
      ['id', String(rule.id)],
      ['msg', actions.msg ?? ''],
      ['rev', actions.rev ?? ''],
      ['severity', actions.severity === null ? '' : String(actions.severity)],
      ['logdata', actions.logdata ?? ''],
    ])
    const macro = (text: string): Macro => compileMacro(text, this.#txNames, ruleFields)
    const isBlock = actions.disruptive?.kind === 'block'
    return {
      index,
      id: rule.id,
      phase: rule.phase,
      links: this.#isLeftOut(rule) ? [] : rule.links.map((link) => this.#link(link, macro)),
      disruptive: isBlock ? rule.blockAs : (actions.disruptive ?? { kind: 'pass' }),
      status: actions.status ?? (isBlock ? rule.blockStatus : null) ?? DEFAULT_STATUS,
      log: actions.log ?? true,
      auditlog: actions.auditlog ?? true,
      msg: actions.msg === null ? null : macro(actions.msg),
      logdata: actions.logdata === null ? null : macro(actions.logdata),
      severity: actions.severity,
      rev: actions.rev ?? '',
      ver: actions.ver,
      tags: rule.links.flatMap((link) => link.actions.tags),
      next,
      source: `${rule.position.file}:${rule.position.line}`,
    }
  }

  #link(link: RuleLink, macro: (text: string) => Macro): CompiledLink {
    const { actions } = link
    const transformations = actions.transformations
      .map((name) => TRANSFORMATIONS.get(name))
      .filter((each): each is Transformation => each !== undefined)
    const pipeline = this.#pipelines.node(transformations)
    const pipelines: readonly Pipeline[] = actions.multiMatch ? pathTo(pipeline) : [pipeline]
    const context: EffectContext = {
      txNames: this.#txNames,
      targetLists: this.#targetLists,
      selections: this.#selections,
      lockedNames: this.#lockedNames,
      macro,
    }
    return {
      targets: this.#targetLists.intern(link.targets),
      pipelines,
      test: this.#test(link, macro),
      capture: actions.capture,
      effects: actions.effects.flatMap((effect): CompiledEffect[] =>
        listOf(compileEffect(effect, link.position, context)),
      ),
    }
  }

  #test(link: RuleLink, macro: (text: string) => Macro): LinkTest {
    const { operator } = link
    if (operator === null) return { kind: 'always' }
    if (operator.dynamic) {
      const dynamic = this.#predicates.dynamic(operator)
      if (dynamic !== null) {
        const argument = macro(operator.argument)
        return { kind: 'dynamic', operator: dynamic, argument, negated: operator.negated }
      }
    }
    const predicate = this.#predicates.fixed(operator)
    return predicate === null ? { kind: 'always' } : { kind: 'static', predicate }
  }
}

function listOf<T>(value: T | null): T[] {
  return value === null ? [] : [value]
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
  }
}
