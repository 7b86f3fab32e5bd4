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

  /** @param faults of the message where it was seen, beside its own: names without `dns.` */
  message(side: Side, message: DnsMessage, bytes: Buffer, faults: readonly string[]): void {
    const { candidates, budget, program } = this.#engine
    const group = program.applications.dns[side]
    if (group.size === 0 && !program.eventApplications.has('dns')) return
    const view = new DnsView(message, bytes)
    candidates.clear()
    scanView(group.whole, view, candidates)
    for (const rule of group.always) candidates.add(rule)
    for (const fault of [...message.faults, ...faults])
      for (const compiled of program.events.get(`dns.${fault}`) ?? [])
        if (side === 'request' ? compiled.rule.toServer : compiled.rule.toClient)
          candidates.add(compiled)
    candidates.sort()
    for (const compiled of candidates.rules) {
      if (!this.#context.admits(compiled, side)) continue
      if (evaluateSections(compiled, view, budget) !== 'match') continue
      this.#findings.match(compiled, side)
      if (this.#context.passes) return
    }
  }
}
