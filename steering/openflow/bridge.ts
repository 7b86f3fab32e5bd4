import { SwitchError } from './errors.ts'
import type { BookedFlow } from './flow-book.ts'
import { type InstalledFlow, readDumpLine, readParsedFlows } from './flow-text.ts'
import { ofctl } from './ofctl.ts'

/** All bits set is what OpenFlow reserves: no flow can have it. */
const NOBODYS_COOKIE = 0xffff_ffff_ffff_ffffn

/** What the controller does to a bridge, through ovs-ofctl on its management socket. */
export class Bridge {
  readonly #socket: string

  constructor(managementSocket: string) {
    this.#socket = `unix:${managementSocket}`
  }

  /** Fills in ovs-ofctl's own words for flows that have not been compared before. No bridge is asked. */
  async normalize(flows: Iterable<BookedFlow>): Promise<void> {
    const unknown: BookedFlow[] = []
    for (const flow of flows) if (flow.normal === null) unknown.push(flow)
    if (unknown.length === 0) return
    const input = `${unknown.map((flow) => flow.text).join('\n')}\n`
    const output: string[] = []
    await ofctl(['parse-flows', '-'], { input, onLine: (line) => output.push(line) })
    const parsed = readParsedFlows(output, unknown.length)
    for (const [index, flow] of unknown.entries())
      flow.normal = { ...parsed[index], cookie: flow.cookie }
  }

  /** Flows whose cookie has the owner in its upper 16 bits. @param table of that one table alone */
  ownFlows(owner: number, table?: number): Promise<InstalledFlow[]> {
    const which = table === undefined ? '' : `table=${table},`
    return this.#dump(which + ownedBy(owner))
  }

  /** Flows with one of these cookies. */
  async flowsOf(cookies: readonly bigint[]): Promise<InstalledFlow[]> {
    const dumps = cookies.map((cookie) => this.#dump(`cookie=0x${cookie.toString(16)}/-1`))
    return (await Promise.all(dumps)).flat()
  }

  /** Removes flows by that cookie mask, and no others. */
  async removeOwnFlows(owner: number): Promise<void> {
    await ofctl(['del-flows', this.#socket, ownedBy(owner)])
  }

  /** A change that changes nothing: it makes the switch look its cached flows over. */
  async touch(): Promise<void> {
    await ofctl(['del-flows', this.#socket, `cookie=0x${NOBODYS_COOKIE.toString(16)}/-1`])
  }

  /** @throws SwitchError `TABLES_IN_USE` */
  async checkTables(owner: number, first: number, count: number): Promise<void> {
    for (const flow of await this.#dump())
      if (flow.table >= first && flow.table < first + count && flow.cookie >> 48n !== BigInt(owner))
        throw new SwitchError(
          'TABLES_IN_USE',
          `table ${flow.table} has a flow of somebody else (cookie 0x${flow.cookie.toString(16)}): ` +
            `choose another first table`,
        )
  }

  /** One OpenFlow bundle: every packet sees all of it or nothing. */
  async apply(bundle: string): Promise<void> {
    await ofctl(['--bundle', 'add-flows', this.#socket, '-'], { input: bundle })
  }

  /** Read line by line as it comes: thousands of flows must not keep the agent from anything else. */
  async #dump(match?: string): Promise<InstalledFlow[]> {
    const flows: InstalledFlow[] = []
    const args = ['--no-names', 'dump-flows', this.#socket, ...(match === undefined ? [] : [match])]
    const onLine = (line: string): void => {
      const flow = readDumpLine(line)
      if (flow !== null) flows.push(flow)
    }
    await ofctl(args, { onLine })
    return flows
  }
}

/** Match on the owner's 16 bits of the cookie. */
function ownedBy(owner: number): string {
  const value = BigInt(owner & 0xffff) << 48n
  return `cookie=0x${value.toString(16)}/0xffff000000000000`
}
