import { TABLE } from '#steering/flows/layout.ts'
import type { Bridge } from './bridge.ts'
import type { Decisions } from './decisions.ts'
import { type DesiredFlow, type Difference, bundleText, difference, isEmpty } from './difference.ts'
import type { BookedFlow, FlowBook } from './flow-book.ts'

/** What the switch has otherwise than the book. */
export interface Found {
  readonly wanted: readonly DesiredFlow[]
  readonly change: Difference
  /** False when decisions changed while the switch was asked: they are left out. */
  readonly hasDecisions: boolean
}

/** Compares the switch with what is booked, in ovs-ofctl's words, and repairs it. */
export class FlowCheck {
  readonly #bridge: Bridge
  readonly #book: FlowBook
  readonly #decisions: Decisions
  readonly #owner: number
  readonly #decideTable: number

  constructor(
    bridge: Bridge,
    book: FlowBook,
    decisions: Decisions,
    options: { readonly owner: number; readonly firstTable: number },
  ) {
    this.#bridge = bridge
    this.#book = book
    this.#decisions = decisions
    this.#owner = options.owner
    this.#decideTable = options.firstTable + TABLE.decide
  }

  /** @param cookies only flows with these are looked at; null: all of ours. @returns null: all is well */
  async look(cookies: ReadonlySet<bigint> | null): Promise<Found | null> {
    const { version, isSending } = this.#decisions
    const booked = [...this.#book.flows(), ...this.#decisions.flows()]
    const asked = cookies === null ? booked : booked.filter((flow) => cookies.has(flow.cookie))
    const [wanted, installed] = await Promise.all([
      this.inSwitchWords(asked),
      cookies === null ? this.#bridge.ownFlows(this.#owner) : this.#bridge.flowsOf([...cookies]),
    ])
    const hasDecisions = !isSending && this.#decisions.version === version
    const isLookedAt = (flow: DesiredFlow): boolean => hasDecisions || !this.#isDecision(flow)
    const change = difference(wanted.filter(isLookedAt), installed.filter(isLookedAt))
    return isEmpty(change) ? null : { wanted, change, hasDecisions }
  }

  async repair({ wanted, change, hasDecisions }: Found): Promise<void> {
    const decided = hasDecisions ? this.#decisions.take() : null
    await this.#bridge.apply(bundleText(wanted, change))
    decided?.landed()
  }

  /** Where two flows have one identity, the later counts. */
  async inSwitchWords(flows: readonly BookedFlow[]): Promise<DesiredFlow[]> {
    await this.#bridge.normalize(flows)
    return flows.map((flow) => flow.normal!)
  }

  #isDecision({ table, cookie }: DesiredFlow): boolean {
    return table === this.#decideTable && (cookie & 0xffff_ffffn) === 0n
  }
}
