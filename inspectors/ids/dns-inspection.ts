import { DnsView } from './dns/dns-view.ts'
import type { DnsMessage } from './dns/message.ts'
import type { Engine } from './engine.ts'
import { evaluateSections, scanView } from './evaluate.ts'
import type { Findings } from './findings.ts'
import type { FlowContext } from './flow-context.ts'
import type { Side } from './program/compiled-rule.ts'

/** DNS rules over the messages of one flow, each by itself. */
export class DnsInspection {
  readonly #engine: Engine
  readonly #context: FlowContext
  readonly #findings: Findings

  constructor(engine: Engine, context: FlowContext, findings: Findings) {
    this.#engine = engine
    this.#context = context
    this.#findings = findings
  }

  message(side: Side, message: DnsMessage, bytes: Buffer): void {
    const group = this.#engine.program.applications.dns[side]
    if (group.size === 0) return
    const view = new DnsView(message, bytes)
    const { candidates, budget } = this.#engine
    candidates.clear()
    if (group.whole !== null) scanView(group.whole, view, candidates)
    for (const rule of group.always) candidates.add(rule)
    candidates.sort()
    const endpoints = this.#context.endpoints(side)
    for (const compiled of candidates.rules) {
      if (!this.#context.admits(compiled, side)) continue
      if (evaluateSections(compiled, view, budget) !== 'match') continue
      this.#findings.match(compiled, this.#context.state, endpoints)
      if (this.#findings.passes) return
    }
  }
}
