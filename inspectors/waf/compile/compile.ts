import { Diagnostics } from '#signatures/seclang/diagnostic.ts'
import type { Rule, RuleLink, RuleSet } from '#signatures/seclang/model.ts'
import type { RuleFiles } from '#signatures/seclang/rule-files.ts'
import type { Transformation } from '../transformations/transformation.ts'
import { TRANSFORMATIONS } from '../transformations/registry.ts'
import { TxNames } from '../transaction/tx-store.ts'
import { GateIndex } from '../values/gate-index.ts'
import { pathTo, type Pipeline, PipelineTree } from '../values/pipeline.ts'
import { KeptBound } from '../values/kept-texts.ts'
import { compileEffect, type EffectContext } from './effects.ts'
import { compileMacro, type Macro } from './macro.ts'
import { resolveJumps } from './jumps.ts'
import { Predicates } from './predicates.ts'
import type {
  CompiledEffect,
  CompiledLink,
  CompiledRule,
  CompiledRules,
  LinkTest,
} from './program.ts'
import { RuleSelections } from './rule-selections.ts'
import { TargetLists } from './target-lists.ts'

const DEFAULT_STATUS = 403
const INBOUND_SCORES = ['inbound_anomaly_score_pl', 'anomaly_score_pl']
const OUTBOUND_SCORES = ['outbound_anomaly_score_pl']

/**
 * Compiles a rule set. Nothing of a chain's settings goes in, so that all chains that name the same
 * files share the result (`build-program.ts`). Errors go to `diagnostics`; the result must then not be
 * used.
 *
 * @param variableNames TX variables that settings may give a value
 */
export function compileRules(
  ruleSet: RuleSet,
  files: RuleFiles,
  variableNames: readonly string[],
  diagnostics: Diagnostics,
): CompiledRules {
  return new Compiler(ruleSet, files, variableNames, diagnostics).compile()
}

class Compiler {
  readonly #ruleSet: RuleSet
  readonly #rules: readonly Rule[]
  readonly #txNames = new TxNames()
  readonly #pipelines = new PipelineTree()
  readonly #predicates: Predicates
  readonly #targetLists: TargetLists
  readonly #selections: RuleSelections

  constructor(
    ruleSet: RuleSet,
    files: RuleFiles,
    variableNames: readonly string[],
    diagnostics: Diagnostics,
  ) {
    this.#ruleSet = ruleSet
    this.#rules = ruleSet.entries.flatMap((entry) => (entry.kind === 'rule' ? entry.rule : []))
    this.#predicates = new Predicates(files, diagnostics)
    this.#targetLists = new TargetLists(this.#txNames, diagnostics)
    this.#selections = new RuleSelections(this.#rules, diagnostics)
    for (const name of variableNames) this.#txNames.slotOf(name)
  }

  compile(): CompiledRules {
    const jumps = resolveJumps(this.#ruleSet.entries)
    const rules = this.#rules.map((rule, index) => this.#rule(rule, index, jumps[index]))
    this.#targetLists.finish()
    const slotsOf = (prefixes: readonly string[]): number[] =>
      this.#txNames.names.flatMap((name, slot) =>
        prefixes.some((prefix) => name.startsWith(prefix)) ? slot : [],
      )
    return {
      rules,
      targetLists: this.#targetLists.lists,
      predicates: this.#predicates.list,
      gates: new GateIndex(this.#predicates.list),
      kept: new KeptBound(),
      txNames: this.#txNames,
      inboundScoreSlots: slotsOf(INBOUND_SCORES),
      outboundScoreSlots: slotsOf(OUTBOUND_SCORES),
    }
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
      links: rule.links.map((link) => this.#link(link, macro)),
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
