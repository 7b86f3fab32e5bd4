import { type Alert, PASS, type Verdict } from '#inspectors/inspector.ts'
import { matchesOf } from './evaluate.ts'
import { alertOf } from './alert.ts'
import type { Engine } from './engine.ts'
import { MAX_ALERTS_PER_EVENT } from './limits.ts'
import type { CompiledRule } from './program/compiled-rule.ts'
import type { FlowState } from './state/flow-state.ts'
import type { Endpoints } from './state/thresholds.ts'

/** What one event led to: rules that matched, in order, become one verdict. */
export class Findings {
  readonly #engine: Engine
  #alerts: Alert[] = []
  #drop = false
  #pass = false

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** A pass rule matched: nothing more of the flow is evaluated. */
  get passes(): boolean {
    return this.#pass
  }

  /**
   * Takes a rule whose conditions all hold: counts it, applies its effects and remembers what it asks for.
   * A threshold holds alerts back, never drops.
   */
  match(compiled: CompiledRule, state: FlowState, endpoints: Endpoints): void {
    const { rule } = compiled
    const { thresholds, settings } = this.#engine
    const now = settings.now()
    const { threshold } = rule
    const admitted = threshold === null || thresholds.admits(rule, threshold, endpoints, now)
    if (threshold?.kind === 'detection' && !admitted) return
    for (const effect of rule.effects)
      state.apply(effect, endpoints.source, endpoints.destination, now)
    if (rule.action === 'pass') {
      this.#pass = true
      if (!rule.showsPass) return
    }
    const urgent =
      rule.action === 'alert' &&
      !rule.noAlert &&
      settings.dropPriority !== null &&
      rule.priority <= settings.dropPriority
    const drops = urgent || (rule.action !== 'alert' && rule.action !== 'pass')
    if (drops) this.#drop = true
    if (rule.noAlert || (!admitted && !drops)) return
    if (!admitted && this.#alerts.length > 0) return
    if (settings.suppressions.holdsBack(rule, endpoints)) return
    if (this.#alerts.length >= MAX_ALERTS_PER_EVENT) {
      this.#engine.counters.alertsDropped += 1
      return
    }
    this.#alerts.push(alertOf(compiled, matchesOf(compiled), drops))
  }

  /** The verdict of the event; the next event starts anew. */
  take(): Verdict {
    if (this.#pass) {
      const alerts = this.#alerts
      this.#reset()
      return { kind: 'bypass', reason: 'pass-rule', alerts }
    }
    if (this.#drop) {
      const alerts = this.#alerts
      this.#reset()
      return { kind: 'drop', alerts }
    }
    if (this.#alerts.length === 0) return PASS
    const alerts = this.#alerts
    this.#reset()
    return { kind: 'alert', alerts }
  }

  #reset(): void {
    this.#alerts = []
    this.#drop = false
    this.#pass = false
  }
}
