import { SwitchError } from './errors.ts'
import { type FlowText, type InstalledFlow, readDump, readParsedFlows } from './flow-text.ts'
import { ofctl } from './ofctl.ts'

/** What the controller does to a bridge, through ovs-ofctl on its management socket. */
export class Bridge {
  readonly #socket: string
  /** Normal form by rendered text: a flow that stays is parsed once. */
  readonly #normal = new Map<string, FlowText>()

  constructor(managementSocket: string) {
    this.#socket = `unix:${managementSocket}`
  }

  /** ovs-ofctl's own words for flows, in order. The bridge is not asked. */
  async normalize(texts: readonly string[]): Promise<readonly FlowText[]> {
    const unknown = [...new Set(texts.filter((text) => !this.#normal.has(text)))]
    if (unknown.length > 0) {
      const output = await ofctl(['parse-flows', '-'], `${unknown.join('\n')}\n`)
      const parsed = readParsedFlows(output, unknown.length)
      // What went out of use is not kept: the texts of the moment are.
      const kept = new Set(texts)
      for (const text of this.#normal.keys()) if (!kept.has(text)) this.#normal.delete(text)
      for (const [index, text] of unknown.entries()) this.#normal.set(text, parsed[index])
    }
    return texts.map((text) => this.#normal.get(text)!)
  }

  /** Flows whose cookie has the owner in its upper 16 bits. */
  async ownFlows(owner: number): Promise<InstalledFlow[]> {
    return readDump(await ofctl(['--no-names', 'dump-flows', this.#socket, ownedBy(owner)]))
  }

  /** Removes flows by that cookie mask, and no others. */
  async removeOwnFlows(owner: number): Promise<void> {
    await ofctl(['del-flows', this.#socket, ownedBy(owner)])
  }

  /** @throws SwitchError `TABLES_IN_USE` */
  async checkTables(owner: number, first: number, count: number): Promise<void> {
    for (const flow of readDump(await ofctl(['--no-names', 'dump-flows', this.#socket])))
      if (flow.table >= first && flow.table < first + count && flow.cookie >> 48n !== BigInt(owner))
        throw new SwitchError(
          'TABLES_IN_USE',
          `table ${flow.table} has a flow of somebody else (cookie 0x${flow.cookie.toString(16)}): ` +
            `choose another first table`,
        )
  }

  /** One OpenFlow bundle: every packet sees all of it or nothing. */
  async apply(bundle: string): Promise<void> {
    await ofctl(['--bundle', 'add-flows', this.#socket, '-'], bundle)
  }
}

/** Match on the owner's 16 bits of the cookie. */
function ownedBy(owner: number): string {
  const value = BigInt(owner & 0xffff) << 48n
  return `cookie=0x${value.toString(16)}/0xffff000000000000`
}
