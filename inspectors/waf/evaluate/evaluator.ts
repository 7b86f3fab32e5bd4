import type { Phase } from '#signatures/seclang/model.ts'
import type { CompiledLink, CompiledRule, Program, TxRun } from '../compile/program.ts'
import { Captures } from '../operators/operator.ts'
import { CAPTURE_SLOTS } from '../transaction/tx-store.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { hasRule, type TargetExclusion } from '../values/selector.ts'
import type { Entry } from '../values/entry.ts'
import type { TextFacts } from '../values/text-facts.ts'
import { type Pipeline, transformThrough } from '../values/pipeline.ts'
import { applyEffect } from './apply-effect.ts'
import { interceptionOf } from './interception.ts'
import { type Candidates, PhaseGate } from './phase-gate.ts'
import {
  isExcluded,
  losesTargets,
  ResolvedTargets,
  resolveTargets,
  singleValue,
} from './resolved-targets.ts'
import { MatchedVariable } from '../transaction/matched-variable.ts'
import { MAX_HITS } from '../transaction/rule-hit.ts'
import type { RepeatedRun } from './known-request.ts'
import { MatchList } from './match-list.ts'
import { RequestMemo } from './request-memo.ts'
import { RunMemo } from './run-memo.ts'
import type { RunReads } from './run-reads.ts'

/**
 * Runs the rules of a phase over a transaction.
 *
 * Rules run in file order; most are never come to, as no value can satisfy them (`PhaseGate`).
 *
 * Rules that depend on state (TX, counts, persistent collections) or on arguments with macros are
 * evaluated every time. State and effects follow ModSecurity v2: captures and effects happen for each
 * matching variable, before it is known whether the chain goes on; what is logged is the whole chain.
 *
 * The evaluator is scratch space: one per worker and program, used by one phase at a time.
 */
export class Evaluator {
  readonly #program: Program
  readonly #gate: PhaseGate
  readonly #captures = new Captures()
  readonly #linkTargets = new ResolvedTargets()
  /** By phase and position. */
  readonly #memos: (RunMemo | undefined)[][]
  /** Matches of the rule that is being evaluated. */
  readonly #matches = new MatchList()
  #msg = ''
  #logdata = ''
  /** Of the rule that did not match last: its first link that did not. */
  #failedLink = 0
  readonly #requests: RequestMemo | null
  /** Where the phase says what it looks at; null: nobody wants to know. */
  #reads: RunReads | null = null

  constructor(program: Program) {
    this.#program = program
    this.#gate = new PhaseGate(program)
    this.#requests = program.isRepeatable ? new RequestMemo(program, this.#gate) : null
    this.#memos = program.phases.map(() => [])
  }

  /**
   * Runs a phase. What rules decide is left in the transaction (`interception`, `hits`, TX).
   *
   * @param repeated the same for all phases of a transaction
   */
  runPhase(transaction: Transaction, phase: Phase, repeated: RepeatedRun): void {
    if (transaction.engine === 'off') return
    transaction.currentPhase = phase
    const requests = this.#requests
    if (requests !== null && requests.replay(transaction, phase, repeated)) return
    this.#reads = requests === null ? null : requests.begin(transaction, phase, repeated)
    this.#runRules(transaction, phase)
    if (this.#reads !== null) requests?.end(transaction, phase, repeated)
  }

  #runRules(transaction: Transaction, phase: Phase): void {
    const { rules, next, groupOf, txRuns } = this.#program.phases[phase]
    const positions = this.#gate.startPhase(transaction, phase)
    let position = positions.next(0)
    while (position >= 0) {
      const rule = rules[position]
      const { removedRules } = transaction
      const run = txRuns[position]
      if (run !== null && isWhole(transaction, rules, position, run.end)) {
        const from = this.#runTogether(transaction, phase, position, run)
        if (from < 0) return
        position = positions.next(from)
        continue
      }
      const isRemoved = removedRules !== null && hasRule(removedRules, rule.index)
      let from = position + 1
      if (!isRemoved) {
        const isMatch = this.#runRule(transaction, rule, groupOf[position])
        positions.wake(transaction)
        if (isMatch) {
          if (this.#finish(transaction, rule)) return
          from = next[position]
        } else positions.noteMismatch(transaction, position, this.#failedLink)
      }
      position = positions.next(from)
    }
  }

  /**
   * Runs rules that may do what they did the last time.
   *
   * @returns position to go on at; -1: the phase ends
   */
  #runTogether(transaction: Transaction, phase: Phase, start: number, run: TxRun): number {
    const memo = (this.#memos[phase][start] ??= new RunMemo(run))
    const candidates = run.group < 0 ? null : this.#gate.candidatesOf(run.group)
    const known = memo.replay(transaction, candidates)
    if (known >= 0) {
      if (candidates !== null) this.#noteCandidates(run.group, candidates)
      return known
    }
    const { rules, next } = this.#program.phases[phase]
    const isRecording = memo.begin(transaction, candidates)
    let to = start
    while (to < run.end) {
      const position = to
      const rule = rules[position]
      to += 1
      if (!this.#runRule(transaction, rule, run.group)) continue
      if (this.#finish(transaction, rule)) return -1
      // What was logged or decided is not repeated.
      if (!run.isQuiet[position - start]) return next[position]
      if (next[position] === to) continue
      to = next[position]
      break
    }
    if (isRecording) memo.end(transaction, to)
    return to
  }

  /**
   * True when the whole chain matches. Effects of its links have then been applied.
   *
   * @param group of which the gate knows the values that the first link has to look at; -1: none
   */
  #runRule(transaction: Transaction, rule: CompiledRule, group: number): boolean {
    const { links } = rule
    if (links.length === 0) return false
    if (transaction.matchedVariables.length > 0) transaction.matchedVariables = []
    this.#matches.clear()
    this.#msg = ''
    this.#logdata = ''
    for (let index = 0; index < links.length; index += 1) {
      const isLast = index === links.length - 1
      const of = index === 0 ? group : -1
      if (this.#runLink(transaction, rule, links[index], isLast, of)) continue
      this.#failedLink = index
      return false
    }
    return true
  }

  #runLink(
    transaction: Transaction,
    rule: CompiledRule,
    link: CompiledLink,
    isLast: boolean,
    group: number,
  ): boolean {
    const { test } = link
    if (this.#reads !== null && test.kind === 'dynamic') this.#reads.macro(test.argument)
    if (test.kind === 'always') {
      this.#applyEffects(transaction, link)
      if (isLast) this.#describe(transaction, rule)
      return true
    }
    const argument = test.kind === 'dynamic' ? test.argument.expand(transaction) : ''
    if (
      link.targets.isSingle &&
      link.pipelines.length === 1 &&
      exclusionsOf(transaction, rule) === null
    ) {
      const value = singleValue(transaction, link.targets.parts[0])
      if (value === undefined || !matches(link, value, argument)) {
        this.#reads?.link(link, false)
        return false
      }
    }
    const resolved =
      group < 0 ? this.#targetsOf(transaction, rule, link) : this.#gate.candidatesOf(group)
    const exclusions = group < 0 ? null : exclusionsOf(transaction, rule)
    const { length } = resolved
    let matched = false
    /** What the value before was like, where it did not match: fields repeat values. */
    let failed: TextFacts | null = null
    for (let at = 0; at < length; at += 1) {
      const entry = resolved.entries[at]
      if (failed !== null && entry.facts === failed) continue
      failed = link.targets.isVolatile ? null : entry.facts
      if (exclusions !== null) {
        const { collection, selector } = link.targets.parts[resolved.partOf(at)]
        if (isExcluded(exclusions, rule.index, collection, entry, selector)) {
          failed = null
          continue
        }
      }
      for (let step = 0; step < link.pipelines.length; step += 1) {
        const text = this.#textOf(link, entry, step)
        if (text === null) continue
        if (test.kind === 'static') {
          if (!this.#satisfies(link, test.predicate.index, entry, step, text)) continue
        } else if (test.operator.match(text, argument, null) === test.negated) continue
        const { collection, count } = link.targets.parts[resolved.partOf(at)]
        if (group >= 0) this.#reads?.value(collection, entry.nameLower)
        const variable = new MatchedVariable(collection.name, count, entry, text)
        this.#onMatch(transaction, rule, link, variable, argument, link.pipelines[step])
        failed = null
        if (isLast && !matched) this.#describe(transaction, rule)
        matched = true
      }
    }
    if (group < 0) this.#reads?.link(link, matched)
    return matched
  }

  /** Which of the values matched is not known any more: all count. */
  #noteCandidates(group: number, candidates: Candidates): void {
    if (this.#reads === null) return
    const { parts } = this.#program.groups[group].targets
    for (let at = 0; at < candidates.length; at += 1) {
      this.#reads.value(parts[candidates.partOf(at)].collection, candidates.entries[at].nameLower)
    }
  }

  #targetsOf(
    transaction: Transaction,
    rule: CompiledRule,
    link: CompiledLink,
  ): ResolvedTargets | Candidates {
    const { targets } = link
    if (!targets.isVolatile && exclusionsOf(transaction, rule) === null) {
      return this.#gate.valuesOf(transaction, targets)
    }
    resolveTargets(transaction, targets, this.#linkTargets, rule.index)
    return this.#linkTargets
  }

  /** The value after a step of the link; null when `multiMatch` has seen that text already. */
  #textOf(link: CompiledLink, entry: Entry, step: number): string | null {
    const { texts } = this.#program
    const { pipelines, targets } = link
    const pipeline = pipelines[step]
    if (targets.isVolatile) {
      const text = transformThrough(entry.value, pipeline)
      return step > 0 && transformThrough(entry.value, pipelines[step - 1]) === text ? null : text
    }
    const raw = (entry.facts ??= texts.of(entry.value))
    const facts = texts.through(raw, pipeline)
    if (step > 0 && texts.through(raw, pipelines[step - 1]) === facts) return null
    return facts.text
  }

  #satisfies(
    link: CompiledLink,
    predicateIndex: number,
    entry: Entry,
    step: number,
    text: string,
  ): boolean {
    const { texts } = this.#program
    const predicate = texts.predicate(predicateIndex)
    if (link.targets.isVolatile) {
      return predicate.operator.match(text, null) !== predicate.negated
    }
    return texts.satisfies(texts.through(entry.facts!, link.pipelines[step]), predicate)
  }

  #onMatch(
    transaction: Transaction,
    rule: CompiledRule,
    link: CompiledLink,
    variable: MatchedVariable,
    argument: string,
    pipeline: Pipeline,
  ): void {
    const text = variable.value
    transaction.matchedVariable = variable
    transaction.matchedVariables.push(variable)
    const wantsMatch = (rule.log || rule.auditlog) && !this.#matches.isFull
    if (link.capture || wantsMatch) {
      const captures = this.#capture(link, text, argument)
      if (link.capture) storeCaptures(transaction, captures)
      if (wantsMatch) this.#matches.add(variable, captures, pipeline)
    }
    this.#applyEffects(transaction, link)
  }

  #capture(link: CompiledLink, text: string, argument: string): Captures {
    const captures = this.#captures
    captures.clear()
    const { test } = link
    if (test.kind === 'static' && !test.predicate.negated) {
      test.predicate.operator.match(text, captures)
    } else if (test.kind === 'dynamic' && !test.negated) {
      test.operator.match(text, argument, captures)
    }
    return captures
  }

  #applyEffects(transaction: Transaction, link: CompiledLink): void {
    const { effects } = link
    this.#reads?.effects(effects)
    for (let index = 0; index < effects.length; index += 1) {
      applyEffect(effects[index], transaction)
    }
  }

  /** Message and data are expanded at the first match of the last link: TX.0 is then what it found. */
  #describe(transaction: Transaction, rule: CompiledRule): void {
    if (!rule.log && !rule.auditlog) return
    this.#msg = rule.msg === null ? '' : rule.msg.expand(transaction)
    this.#logdata = rule.logdata === null ? '' : rule.logdata.expand(transaction)
  }

  /** Logs a matched rule and takes its disruptive action. True: the phase ends here. */
  #finish(transaction: Transaction, rule: CompiledRule): boolean {
    const { severity, disruptive } = rule
    if (severity !== null && severity < transaction.highestSeverity) {
      transaction.highestSeverity = severity
    }
    const isIntercepting =
      disruptive.kind === 'deny' || disruptive.kind === 'drop' || disruptive.kind === 'redirect'
    const isDecisive = isIntercepting && transaction.interception === null && rule.phase !== 5
    if ((rule.log || rule.auditlog || isDecisive) && transaction.hits.length < MAX_HITS) {
      transaction.hits.push({
        rule,
        msg: this.#msg,
        logdata: this.#logdata,
        matches: this.#matches.take(),
        score: this.#score(transaction, rule),
        isDecisive,
      })
    }
    if (isDecisive) transaction.interception = interceptionOf(disruptive, rule.status)
    if (transaction.engine === 'off') return true
    if (isIntercepting) return transaction.engine === 'on'
    if (disruptive.kind !== 'allow') return false
    transaction.allowed = disruptive.scope
    return true
  }

  #score(transaction: Transaction, rule: CompiledRule): number {
    const { inboundScoreSlots, outboundScoreSlots } = this.#program
    const slots = rule.phase <= 2 ? inboundScoreSlots : outboundScoreSlots
    let score = 0
    for (const slot of slots) score += Number.parseInt(transaction.tx.slots[slot] ?? '0', 10) || 0
    return score
  }
}

/** True when nothing was taken from the rules at `[start, end)`, nor they themselves. */
function isWhole(
  transaction: Transaction,
  rules: readonly CompiledRule[],
  start: number,
  end: number,
): boolean {
  const { removedRules, removedTargets } = transaction
  if (removedRules === null && removedTargets === null) return true
  for (let position = start; position < end; position += 1) {
    if (removedRules !== null && hasRule(removedRules, rules[position].index)) return false
    if (exclusionsOf(transaction, rules[position]) !== null) return false
  }
  return true
}

/** What `ctl:ruleRemoveTarget*` says where some of it concerns the rule. */
function exclusionsOf(
  { removedTargets }: Transaction,
  rule: CompiledRule,
): readonly TargetExclusion[] | null {
  return removedTargets !== null && losesTargets(removedTargets, rule.index) ? removedTargets : null
}

/** Tests the only value of a link that may have one. */
function matches({ test, pipelines }: CompiledLink, value: string, argument: string): boolean {
  const text = transformThrough(value, pipelines[0])
  if (test.kind === 'dynamic') return test.operator.match(text, argument, null) !== test.negated
  if (test.kind === 'always') return true
  return test.predicate.operator.match(text, null) !== test.predicate.negated
}

function storeCaptures(transaction: Transaction, captures: Captures): void {
  // An operator that captures nothing leaves what was captured before.
  if (captures.count === 0) return
  const { slots } = transaction.tx
  for (let index = 0; index < CAPTURE_SLOTS; index += 1) {
    slots[index] = index < captures.count ? captures.groups[index] : undefined
  }
}
