import {
  type Alert,
  type AlertMatch,
  PASS,
  type Flow,
  type Verdict,
} from '#inspectors/inspector.ts'
import type { Action } from '#signatures/suricata/rule.ts'
import { type AlertSubject, NOTHING, alertOf } from './alert.ts'
import type { Engine } from './engine.ts'
import { matchesOf } from './evaluate.ts'
import type { FlowContext } from './flow-context.ts'
import { MAX_FINDINGS } from './limits.ts'
import type { CompiledRule, Side } from './program/compiled-rule.ts'
import type { RuleType } from './program/rule-type.ts'
import type { Endpoints } from './state/thresholds.ts'

/** What was looked at when a rule matched. A stream or a transaction has state: a packet alone has none. */
export type Origin = 'packet' | 'stream' | 'transaction'

/** A rule that matched and what it comes to. */
export interface Finding {
  readonly alert: Alert
  readonly flow: Flow
  readonly origin: Origin
  /** Transaction of the application protocol, as the caller named it; null: none. */
  readonly transaction: object | null
  /** The rule's, or what a rate filter put in its place. */
  readonly action: Action
  readonly isRateFiltered: boolean
}

/** What all matches of one packet, or one event, come to together. */
export interface Outcome {
  /** In rule order, at most as many as one packet may show. */
  readonly findings: readonly Finding[]
  readonly action: Action
  /** Whether the drop or pass holds for the rest of the flow. */
  readonly flowAction: 'drop' | 'pass' | null
  /** The rule that dropped or rejected. */
  readonly dropped: { readonly alert: Alert; readonly isRateFiltered: boolean } | null
  /** Alerts that a threshold, a suppression or `noalert` held back. */
  readonly suppressed: number
  /** Alerts for which the packet had no room. */
  readonly discarded: number
}

const NO_MATCHES: readonly AlertMatch[] = []

interface Match {
  readonly compiled: CompiledRule
  readonly about: AlertSubject
  readonly matches: readonly AlertMatch[]
  readonly endpoints: Endpoints
  readonly flow: Flow
  readonly origin: Origin
  readonly transaction: object | null
}

/**
 * Rules that matched wait here until the packet, or event, is over. Then they are gone through in rule
 * order: a pass ends it, a drop or reject stops the packet or the flow, thresholds and suppressions hold alerts
 * back and never a drop.
 *
 * One for all connections of an inspector: the packet, or event, of one is over before that of another begins.
 */
export class Findings {
  readonly #engine: Engine
  /** Connection that is being looked at; null: none was so far. */
  #context: FlowContext | null = null
  #matches: Match[] = []
  #lost = 0
  #flow: Flow = 'to_server'
  #origin: Origin = 'transaction'
  #transaction: object | null = null

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Says what is looked at from now on. */
  about(context: FlowContext, flow: Flow, origin: Origin, transaction: object | null): void {
    if (context !== this.#context) this.#turnTo(context)
    this.#flow = flow
    this.#origin = origin
    this.#transaction = transaction
  }

  /** What an event of another connection left that was broken off is nothing of this one. */
  #turnTo(context: FlowContext): void {
    this.#context = context
    if (this.#matches.length > 0) this.#matches = []
    this.#lost = 0
  }

  /**
   * Takes a rule whose conditions all hold and applies its effects, which later rules may ask for.
   *
   * @param side of the data that it matched
   * @param about what it matched with beside its buffers
   */
  match(compiled: CompiledRule, side: Side, about: AlertSubject = NOTHING): void {
    const { budget, settings } = this.#engine
    const { context } = budget
    const endpoints = this.#context!.endpoints(side)
    this.#context!.apply(compiled.rule.effects, endpoints, settings.now())
    if (this.#matches.length >= MAX_FINDINGS) {
      this.#lost += 1
      return
    }
    const isQuoted = settings.quotesMatches && !compiled.rule.noAlert
    this.#matches.push({
      compiled,
      about: context === null ? about : { ...about, context },
      matches: isQuoted ? matchesOf(compiled) : NO_MATCHES,
      endpoints,
      flow: this.#flow,
      origin: this.#origin,
      transaction: this.#transaction,
    })
  }

  /** The verdict of an event; nothing while packets gather their events until `settle`. */
  take(): Verdict {
    if (this.#matches.length === 0 || this.#engine.settings.gathersPackets) return PASS
    const context = this.#context!
    const outcome = this.settle(context)
    if (outcome === null) return PASS
    const alerts = outcome.findings.map(({ alert }) => alert)
    // In line a pass is for the connection: there is no packet to pass alone.
    if (outcome.action === 'pass') {
      context.passes = true
      return { kind: 'bypass', reason: 'pass-rule', alerts }
    }
    if (outcome.action !== 'alert') return { kind: 'drop', alerts }
    return alerts.length === 0 ? PASS : { kind: 'alert', alerts }
  }

  /** Goes through what has matched of a connection since the last time; null: nothing has. */
  settle(context: FlowContext): Outcome | null {
    if (this.#matches.length === 0 || context !== this.#context) return null
    const matches = this.#matches
    this.#matches = []
    if (matches.length > 1)
      matches.sort((left, right) => left.compiled.index - right.compiled.index)
    const discarded = this.#lost
    this.#lost = 0
    const outcome = settleMatches(matches, this.#engine, discarded)
    if (outcome.flowAction === 'pass') context.passes = true
    this.#engine.counters.alertsDropped += outcome.discarded
    return outcome
  }
}

function settleMatches(matches: readonly Match[], engine: Engine, lost: number): Outcome {
  const { settings } = engine
  const findings: Finding[] = []
  let action: Action = 'alert'
  let flowAction: Outcome['flowAction'] = null
  let dropped: Outcome['dropped'] = null
  let suppressed = 0
  let discarded = lost
  for (const match of matches) {
    const { rule } = match.compiled
    const standing = settings.limits.judge(rule, match.endpoints, settings.now())
    if (standing.kind === 'below') {
      suppressed += 1
      continue
    }
    const own = isUrgent(match, engine) ? 'drop' : rule.action
    const effective = standing.action ?? own
    const isRateFiltered = standing.action !== null
    const drops = effective !== 'alert' && effective !== 'pass'
    const isForFlow = holdsForFlow(match.compiled.type, match.origin)
    if (drops) {
      // The first word that is spoken about a packet or a flow counts.
      if (action === 'alert') action = effective
      if (isForFlow) flowAction ??= 'drop'
      dropped ??= {
        alert: alertOf(match.compiled, match.matches, true, match.about),
        isRateFiltered,
      }
    }
    if (effective === 'pass') {
      if (action === 'alert') {
        action = 'pass'
        if (isForFlow) flowAction ??= 'pass'
      }
      if (!rule.showsPass || isRateFiltered) break
    }
    if (standing.kind === 'silent' || rule.noAlert) {
      suppressed += 1
      continue
    }
    if (findings.length >= settings.packetAlertMax) {
      discarded += 1
      continue
    }
    findings.push({
      alert: alertOf(match.compiled, match.matches, drops, match.about),
      flow: match.flow,
      origin: match.origin,
      transaction: match.transaction,
      action: effective,
      isRateFiltered,
    })
    if (effective === 'pass') break
  }
  return { findings, action, flowAction, dropped, suppressed, discarded }
}

function isUrgent({ compiled: { rule } }: Match, { settings }: Engine): boolean {
  return (
    rule.action === 'alert' &&
    !rule.noAlert &&
    settings.dropPriority !== null &&
    rule.priority <= settings.dropPriority
  )
}

/** Whether a drop or pass of a rule of this type is for the flow. */
export function holdsForFlow(type: RuleType, origin: Origin): boolean {
  switch (type) {
    case 'pkt':
      return false
    case 'pkt_stream':
    case 'stream':
      return origin !== 'packet'
    case 'ip_only':
    case 'like_ip_only':
    case 'pd_only':
    case 'app_layer':
    case 'app_tx':
      return true
  }
}
