import { SwitchError } from './errors.ts'

/**
 * A flow in the words of ovs-ofctl, the form in which desired and actual flows are compared. Two texts
 * of one flow may differ (order of fields, `load` or `set_field`), ovs-ofctl's own text of it does not.
 */
export interface FlowText {
  readonly table: number
  /** `priority=N` and the match: with the table, what identifies a flow in the switch. */
  readonly match: string
  readonly actions: string
}

/** A flow as it is in the switch. */
export interface InstalledFlow extends FlowText {
  readonly cookie: bigint
  readonly packets: number
  readonly bytes: number
}

/** Identity of a flow as a map key. */
export const flowKey = (flow: FlowText): string => `${flow.table} ${flow.match}`

/**
 * Reads `ovs-ofctl parse-flows`: one line for each flow given, in order.
 *
 *   OFPT_FLOW_MOD (OF1.5) (xid=0x4): ADD table:100 priority=0 actions=goto_table:102
 *
 * @param count how many flows were given
 * @throws SwitchError `UNREADABLE` when a flow was not taken
 */
export function readParsedFlows(lines: readonly string[], count: number): FlowText[] {
  const flows: FlowText[] = []
  for (const line of lines) {
    if (!line.startsWith('OFPT_FLOW_MOD')) continue
    const found =
      /^\S+ \(OF1\.5\) \(xid=0x[0-9a-f]+\): ADD (?:table:(\d+) )?(\S+) actions=(.+)$/.exec(line)
    if (found === null) throw new SwitchError('UNREADABLE', `ovs-ofctl refuses a flow: ${line}`)
    const [, table = '0', match, actions] = found
    flows.push({ table: Number(table), match: match, actions: actions })
  }
  if (flows.length === count) return flows
  throw new SwitchError('UNREADABLE', `ovs-ofctl read ${flows.length} flows of ${count}`)
}

const STATISTICS =
  /^ cookie=(0x[0-9a-f]+), duration=[\d.]+s, table=(\d+), n_packets=(\d+), n_bytes=(\d+), (?:[a-z_]+=[\da-z]+, )*/

/**
 * Reads a line of `ovs-ofctl dump-flows --no-names`:
 *
 *    cookie=0x9c15000100000000, duration=5.1s, table=100, n_packets=0, n_bytes=0, priority=0 actions=...
 *
 * @returns null for a line that is no flow
 * @throws SwitchError `UNREADABLE`
 */
export function readDumpLine(line: string): InstalledFlow | null {
  if (!line.startsWith(' cookie=')) return null
  const head = STATISTICS.exec(line)
  const actionsAt = line.indexOf(' actions=')
  if (head === null || actionsAt === -1)
    throw new SwitchError('UNREADABLE', `a dumped flow cannot be read: ${line.slice(0, 200)}`)
  const [text, cookie, table, packets, bytes] = head
  const match = line.slice(text.length, actionsAt).replaceAll(' ', '')
  return {
    table: Number(table),
    match: match.startsWith('priority=') ? match : `priority=32768,${match}`,
    actions: line.slice(actionsAt + ' actions='.length),
    cookie: BigInt(cookie),
    packets: Number(packets),
    bytes: Number(bytes),
  }
}
