import { tablesFrom } from '#steering/flows/build.ts'
import { decisionFlows } from '#steering/flows/decision-flows.ts'
import type { CookieBase } from '#steering/flows/render.ts'
import { type BookedFlow, bookFlow } from './flow-book.ts'

/** Decision flows that go into a bundle, and what becomes of the book when the switch took it. */
export interface DecisionChange {
  /** Of every domain of the state, as they are to be now. */
  readonly all: readonly BookedFlow[]
  /** Those of them that the switch is not known to have. */
  readonly added: readonly BookedFlow[]
  readonly removed: readonly BookedFlow[]
  landed(): void
}

interface Domain {
  readonly key: string
  readonly ofport: number
}

/**
 * Which domains listen, and what the switch has of it. Two ways lead into the switch: bundles of a whole
 * state, which also bring domains and take them, and the short way that changes the decisions of domains
 * that are there (`change`). Both may be under way at once, and which of two bundles the switch takes
 * first is not known: what both have written counts as unknown when the first has landed, so that it
 * is written again.
 */
export class Decisions {
  readonly #firstTable: number
  #base: CookieBase
  #listening: ReadonlySet<string> = new Set()
  #domains: readonly Domain[] = []
  /** By OpenFlow port, whether the switch has the flows of a domain that listens. */
  readonly #placed = new Map<number, boolean>()
  /** Ports whose decision is being sent the short way, */
  #sending: ReadonlySet<number> = new Set()
  /** and those of which this was so at some time since the bundle of the whole was made. */
  #sent = new Set<number>()
  #landings = 0
  readonly #made = new Map<string, readonly BookedFlow[]>()
  #version = 0

  constructor(firstTable: number, base: CookieBase) {
    this.#firstTable = firstTable
    this.#base = base
  }

  /** The round is known. */
  begin(base: CookieBase): void {
    this.#base = base
    this.#made.clear()
  }

  set listening(domains: ReadonlySet<string>) {
    this.#listening = new Set(domains)
  }

  isListening(key: string): boolean {
    return this.#listening.has(key)
  }

  /** Grows whenever the switch may have begun or ended to take another decision. */
  get version(): number {
    return this.#version
  }

  /** A change is on its way. */
  get isSending(): boolean {
    return this.#sending.size > 0
  }

  /** Flows of the domains that are in the switch, as they are to be now. */
  flows(): BookedFlow[] {
    return this.#domains.flatMap(({ key, ofport }) => this.#flowsOf(ofport, this.isListening(key)))
  }

  /** For a bundle of a whole state, by default of the domains that are there. One at a time. */
  take(domains: readonly Domain[] = this.#domains): DecisionChange {
    const next = domains.map(({ key, ofport }) => ({ key, ofport }))
    const ports = new Set(next.map((domain) => domain.ofport))
    const taken = new Map(next.map(({ key, ofport }) => [ofport, this.isListening(key)]))
    const added = [...taken].flatMap(([ofport, isListening]) =>
      this.#placed.get(ofport) === isListening ? [] : this.#flowsOf(ofport, isListening),
    )
    const removed = this.#domains.flatMap(({ ofport }) =>
      ports.has(ofport) ? [] : this.#flowsOf(ofport, true),
    )
    const sent = new Set(this.#sending)
    this.#sent = sent
    return {
      all: [...taken].flatMap(([ofport, isListening]) => this.#flowsOf(ofport, isListening)),
      added,
      removed,
      landed: () => {
        this.#landings++
        this.#domains = next
        for (const ofport of this.#placed.keys())
          if (!ports.has(ofport)) this.#placed.delete(ofport)
        for (const [ofport, isListening] of taken)
          if (sent.has(ofport)) this.#placed.delete(ofport)
          else this.#placed.set(ofport, isListening)
        this.#forgetOthers(ports)
      },
    }
  }

  /** For the domains that are in the switch already, one at a time. Null: it has what it should. */
  change(): { readonly added: readonly BookedFlow[]; ended(isTaken: boolean): void } | null {
    const changed = new Map<number, boolean>()
    for (const { key, ofport } of this.#domains)
      if (this.#placed.get(ofport) !== this.isListening(key))
        changed.set(ofport, this.isListening(key))
    if (changed.size === 0) return null
    this.#version++
    this.#sending = new Set(changed.keys())
    for (const ofport of changed.keys()) this.#sent.add(ofport)
    const landings = this.#landings
    return {
      added: [...changed].flatMap(([ofport, isListening]) => this.#flowsOf(ofport, isListening)),
      ended: (isTaken) => {
        this.#version++
        this.#sending = new Set()
        const isKnown = isTaken && this.#landings === landings
        for (const [ofport, isListening] of changed)
          if (isKnown) this.#placed.set(ofport, isListening)
          else this.#placed.delete(ofport)
      },
    }
  }

  clear(): void {
    this.#domains = []
    this.#placed.clear()
    this.#made.clear()
  }

  #flowsOf(ofport: number, isListening: boolean): readonly BookedFlow[] {
    const name = `${ofport} ${isListening}`
    let flows = this.#made.get(name)
    if (flows === undefined) {
      const domain = { key: '', ofport, mac: 0n, isListening }
      const made = decisionFlows(tablesFrom(this.#firstTable), domain)
      flows = made.map((flow) => bookFlow(flow, this.#base))
      this.#made.set(name, flows)
    }
    return flows
  }

  #forgetOthers(ports: ReadonlySet<number>): void {
    for (const name of this.#made.keys())
      if (!ports.has(Number(name.split(' ', 1)[0]))) this.#made.delete(name)
  }
}
