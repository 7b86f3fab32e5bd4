import { type AlertMatch, MAX_MATCH_BYTES } from '#inspectors/inspector.ts'
import type { Disruptive, Phase } from '#signatures/seclang/model.ts'
import {
  type CompiledLink,
  type CompiledRule,
  hasRule,
  type Program,
  type TargetList,
} from '../compile/program.ts'
import { Captures } from '../operators/operator.ts'
import { CAPTURE_SLOTS } from '../transaction/tx-store.ts'
import type { Interception, Transaction } from '../transaction/transaction.ts'
import type { Entry } from '../values/entry.ts'
import { type Pipeline, transformThrough } from '../values/pipeline.ts'
import { applyEffect } from './apply-effect.ts'
import { ResolvedTargets, resolveTargets, variableName } from './resolved-targets.ts'
import { MAX_HIT_MATCHES, MAX_HITS } from './rule-hit.ts'

/**
 * Runs the rules of a phase over a transaction.
 *
 * Rules are walked in file order, but most are passed over by one bit test. Rules that look at the same
 * variables through the same transformations form a group. When the first of them is reached, the values
 * are asked whether they are known to satisfy none of the group (`TextFacts.deadGroups`); if one is not,
 * the predicates that the texts could satisfy are united over all values of the group. A rule whose
 * predicate is not in its group's union cannot match and is skipped. What the tests learn about a text
 * goes back into its facts, so unions shrink with time and values seen before cost a look-up.
 *
 * Rules that depend on state (TX, counts, persistent collections) or on arguments with macros are
 * evaluated every time. State and effects follow ModSecurity v2: captures and effects happen for each
 * matching variable, before it is known whether the chain goes on; what is logged is the whole chain.
 *
 * The evaluator is scratch space: one per worker and program, used by one phase at a time.
 */
export class Evaluator {
  readonly #program: Program
  readonly #unions: Int32Array
  /** Per group: `#stamp` when it is dead in this phase, `-#stamp` when its union is made. */
  readonly #groupStates: Int32Array
  readonly #listStamps: Int32Array
  readonly #resolved: ResolvedTargets[]
  readonly #resolvedStamps: Int32Array
  readonly #captures = new Captures()
  readonly #linkTargets = new ResolvedTargets()
  /** Scratch: bits of groups that no value of a list satisfies. */
  readonly #dead: Int32Array
  #stamp = 0
  /** Matches of the rule that is being evaluated. */
  #matches: AlertMatch[] = []
  #msg = ''
  #logdata = ''

  constructor(program: Program) {
    this.#program = program
    this.#unions = new Int32Array(program.groups.length * program.words)
    this.#groupStates = new Int32Array(program.groups.length)
    this.#listStamps = new Int32Array(program.targetLists.length)
    this.#dead = new Int32Array(Math.ceil(program.groups.length / 32))
    this.#resolved = program.targetLists.map(() => new ResolvedTargets())
    this.#resolvedStamps = new Int32Array(program.targetLists.length)
  }

  /** Runs a phase. What rules decide is left in the transaction (`interception`, `hits`, TX). */
  runPhase(transaction: Transaction, phase: Phase): void {
    if (transaction.engine === 'off') return
    const { rules, next, groupOf, wordOf, bitOf } = this.#program.phases[phase]
    const { words } = this.#program
    transaction.currentPhase = phase
    this.#stamp += 1
    let position = 0
    while (position < rules.length) {
      const group = groupOf[position]
      if (group >= 0) {
        const state = this.#groupStates[group]
        if (state === this.#stamp) {
          position += 1
          continue
        }
        if (state !== -this.#stamp && !this.#prepare(transaction, group)) {
          position += 1
          continue
        }
        if ((this.#unions[group * words + wordOf[position]] & bitOf[position]) === 0) {
          position += 1
          continue
        }
      }
      const rule = rules[position]
      const { removedRules } = transaction
      const isRemoved = removedRules !== null && hasRule(removedRules, rule.index)
      if (isRemoved || !this.#runRule(transaction, rule)) {
        position += 1
        continue
      }
      if (this.#finish(transaction, rule)) return
      position = next[position]
    }
  }

  /** Decides about a group for this phase: false when it is dead, else its union is made. */
  #prepare(transaction: Transaction, index: number): boolean {
    const { targets } = this.#program.groups[index]
    if (this.#listStamps[targets.index] !== this.#stamp) this.#findDead(transaction, targets)
    if (this.#groupStates[index] === this.#stamp) return false
    this.#unite(transaction, index)
    this.#groupStates[index] = -this.#stamp
    return true
  }

  /** Marks the groups of a list that all its values are known not to satisfy. */
  #findDead(transaction: Transaction, targets: TargetList): void {
    this.#listStamps[targets.index] = this.#stamp
    const { groups } = targets
    const first = groups[0] >> 5
    const last = groups[groups.length - 1] >> 5
    const dead = this.#dead
    dead.fill(-1, first, last + 1)
    const { entries, length } = this.#stable(transaction, targets.index)
    for (let at = 0; at < length; at += 1) {
      const facts = (entries[at].facts ??= this.#program.texts.of(entries[at].value))
      const known = facts.deadGroups
      if (known === null) return
      for (let word = first; word <= last; word += 1) dead[word] &= known[word]
    }
    for (let at = 0; at < groups.length; at += 1) {
      const group = groups[at]
      if ((dead[group >> 5] & (1 << (group & 31))) !== 0) this.#groupStates[group] = this.#stamp
    }
  }

  #unite(transaction: Transaction, index: number): void {
    const { groups, texts, words } = this.#program
    const group = groups[index]
    const { pipelines } = group
    const unions = this.#unions
    const base = index * words
    for (let at = 0; at < group.words.length; at += 1) unions[base + group.words[at]] = 0
    const { entries, length } = this.#stable(transaction, group.targets.index)
    for (let at = 0; at < length; at += 1) {
      const entry = entries[at]
      const raw = (entry.facts ??= texts.of(entry.value))
      const deadGroups = (raw.deadGroups ??= new Int32Array(this.#dead.length))
      if ((deadGroups[index >> 5] & (1 << (index & 31))) !== 0) continue
      let live = 0
      for (let step = 0; step < pipelines.length; step += 1) {
        const bits = texts.bitsOf(texts.through(raw, pipelines[step]))
        for (let word = 0; word < group.words.length; word += 1) {
          const masked = bits[group.words[word]] & group.masks[word]
          unions[base + group.words[word]] |= masked
          live |= masked
        }
      }
      if (live === 0) deadGroups[index >> 5] |= 1 << (index & 31)
    }
  }

  /** Values of a list that do not change while the phase runs. */
  #stable(transaction: Transaction, listIndex: number): ResolvedTargets {
    const resolved = this.#resolved[listIndex]
    if (this.#resolvedStamps[listIndex] !== this.#stamp) {
      this.#resolvedStamps[listIndex] = this.#stamp
      resolveTargets(transaction, this.#program.targetLists[listIndex], resolved, -1)
    }
    return resolved
  }

  /** True when the whole chain matches. Effects of its links have then been applied. */
  #runRule(transaction: Transaction, rule: CompiledRule): boolean {
    const { links } = rule
    if (links.length === 0) return false
    if (transaction.matchedVariables.length > 0) transaction.matchedVariables = []
    if (this.#matches.length > 0) this.#matches = []
    this.#msg = ''
    this.#logdata = ''
    for (let index = 0; index < links.length; index += 1) {
      const isLast = index === links.length - 1
      if (!this.#runLink(transaction, rule, links[index], isLast)) return false
    }
    return true
  }

  #runLink(
    transaction: Transaction,
    rule: CompiledRule,
    link: CompiledLink,
    isLast: boolean,
  ): boolean {
    const { test } = link
    if (test.kind === 'always') {
      this.#applyEffects(transaction, link)
      if (isLast) this.#describe(transaction, rule)
      return true
    }
    const argument = test.kind === 'dynamic' ? test.argument.expand(transaction) : ''
    const resolved = this.#targetsOf(transaction, rule, link)
    const count = resolved.length
    let matched = false
    for (let at = 0; at < count; at += 1) {
      const entry = resolved.entries[at]
      for (let step = 0; step < link.pipelines.length; step += 1) {
        const text = this.#textOf(link, entry, step)
        if (text === null) continue
        if (test.kind === 'static') {
          if (!this.#satisfies(link, test.predicate.index, entry, step, text)) continue
        } else if (test.operator.match(text, argument, null) === test.negated) continue
        const name = variableName(link.targets.parts[resolved.partOf(at)], entry)
        this.#onMatch(transaction, rule, link, name, text, argument, link.pipelines[step])
        if (isLast && !matched) this.#describe(transaction, rule)
        matched = true
      }
    }
    return matched
  }

  #targetsOf(transaction: Transaction, rule: CompiledRule, link: CompiledLink): ResolvedTargets {
    const { targets } = link
    if (!targets.isVolatile && transaction.removedTargets === null) {
      return this.#stable(transaction, targets.index)
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
    name: string,
    text: string,
    argument: string,
    pipeline: Pipeline,
  ): void {
    transaction.matchedVariable = text
    transaction.matchedVariableName = name
    transaction.matchedVariables.push({ name, value: text })
    const wantsMatch = rule.log && this.#matches.length < MAX_HIT_MATCHES
    if (link.capture || wantsMatch) {
      const captures = this.#capture(link, text, argument)
      if (link.capture) storeCaptures(transaction, captures)
      if (wantsMatch) {
        // What an operator reports may be something else than bytes of the value (a fingerprint).
        const isPart = captures.count > 0 && text.startsWith(captures.groups[0], captures.offset)
        const found = isPart ? captures.groups[0] : text
        this.#matches.push({
          variable: name,
          valueLatin1: found.length > MAX_MATCH_BYTES ? found.slice(0, MAX_MATCH_BYTES) : found,
          offset: isPart ? captures.offset : -1,
          transformations: pipeline.names,
        })
      }
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
    for (let index = 0; index < effects.length; index += 1) {
      applyEffect(effects[index], transaction)
    }
  }

  /** Message and data are expanded at the first match of the last link: TX.0 is then what it found. */
  #describe(transaction: Transaction, rule: CompiledRule): void {
    if (!rule.log) return
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
    if ((rule.log || isDecisive) && transaction.hits.length < MAX_HITS) {
      transaction.hits.push({
        rule,
        msg: this.#msg,
        logdata: this.#logdata,
        matches: this.#matches,
        score: this.#score(transaction, rule),
        isDecisive,
      })
      this.#matches = []
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

const MAX_LOCATION = 2048

function interceptionOf(disruptive: Disruptive, status: number): Interception {
  if (disruptive.kind === 'drop') return { kind: 'drop' }
  if (disruptive.kind !== 'redirect') return { kind: 'deny', status }
  const isRedirect = status >= 300 && status < 400
  return {
    kind: 'redirect',
    status: isRedirect ? status : 302,
    location: disruptive.location.slice(0, MAX_LOCATION),
  }
}

function storeCaptures(transaction: Transaction, captures: Captures): void {
  // An operator that captures nothing leaves what was captured before.
  if (captures.count === 0) return
  const { slots } = transaction.tx
  for (let index = 0; index < CAPTURE_SLOTS; index += 1) {
    slots[index] = index < captures.count ? captures.groups[index] : undefined
  }
}
