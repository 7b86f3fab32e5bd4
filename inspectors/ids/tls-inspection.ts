import type { Engine } from './engine.ts'
import { evaluateSections, scanView } from './evaluate.ts'
import type { Findings } from './findings.ts'
import type { FlowContext } from './flow-context.ts'
import type { Subject } from './match/subject.ts'
import type { Side } from './program/compiled-rule.ts'
import { TlsSession } from './tls/tls-session.ts'

/** TLS rules over the handshake of one connection. Each rule matches once in a direction. */
export class TlsInspection {
  readonly #engine: Engine
  readonly #context: FlowContext
  readonly #findings: Findings
  readonly #session = new TlsSession()
  readonly #hasNews: Record<Side, boolean> = { request: false, response: false }
  readonly #fired: Readonly<Record<Side, Set<number>>> = { request: new Set(), response: new Set() }

  constructor(engine: Engine, context: FlowContext, findings: Findings) {
    this.#engine = engine
    this.#context = context
    this.#findings = findings
  }

  get session(): TlsSession {
    return this.#session
  }

  /** Keys are in use both ways: the rest of the connection cannot be read. */
  get encrypted(): boolean {
    return this.#session.encrypted
  }

  /** Bytes of a direction are missing: its records cannot be told apart any more. */
  gap(side: Side): void {
    this.#session.gap(side)
  }

  /** Reads the handshake; rules are asked with `inspect`. */
  read(side: Side, chunk: Buffer): void {
    const session = this.#session
    if (!session.push(side, chunk)) return
    this.#hasNews[side] = true
    this.#context.tls = { version: session.version, states: session.states }
  }

  /** @param payload window of the raw stream of this side */
  inspect(side: Side, payload: Subject): void {
    if (!this.#hasNews[side] || this.#context.passes) return
    this.#hasNews[side] = false
    const session = this.#session
    session.side = side
    session.nowSeconds = this.#engine.settings.now() / 1000
    session.payload = payload
    const group = this.#engine.program.applications.tls[side]
    if (group.size === 0) return
    const { candidates, budget } = this.#engine
    candidates.clear()
    scanView(group.whole, session, candidates)
    for (const rule of group.always) candidates.add(rule)
    candidates.sort()
    const fired = this.#fired[side]
    for (const compiled of candidates.rules) {
      if (fired.has(compiled.index) || !this.#context.admits(compiled, side)) continue
      // A rule that must wait is found again with the next message: a handshake has few.
      if (evaluateSections(compiled, session, budget) !== 'match') continue
      fired.add(compiled.index)
      this.#findings.match(compiled, side)
      if (this.#context.passes) return
    }
  }
}
