import type { Action, Flow, Match, Protocol, Slice } from './flow.ts'
import { REG, TABLE, type TableName } from './layout.ts'

/** Short names for what flows are made of; the tables of one state start at `firstTable`. */
export const IP_FAMILIES: readonly Protocol[] = ['ip', 'ipv6']
export const TCP_FAMILIES: readonly Protocol[] = ['tcp', 'tcp6']
export const UDP_FAMILIES: readonly Protocol[] = ['udp', 'udp6']

export const proto = (protocol: Protocol): Match => ({ on: 'protocol', protocol })
export const reg = (slice: Slice, value: number): Match => ({ on: 'register', slice, value })
export const mark = (value: number): Match => ({ on: 'mark', mark: value })
export const inPort = (port: number): Match => ({ on: 'inPort', port })
export const tagged = (value: boolean): Match => ({ on: 'tagged', tagged: value })
export const TRACKED: Match = { on: 'tracked' }
export const FRAGMENT: Match = { on: 'fragment', fragment: true }
/** Once tracked: of a connection, or an error about one, of UDP. */
const OF_UDP: readonly Match[] = [
  { on: 'tracked', as: 'valid' },
  { on: 'trackedProtocol', protocol: 'udp' },
]
/**
 * Fragments of datagrams, once tracked. The first alone has ports, and the others of IPv6 not even the
 * protocol; conntrack puts them together and gives each the packet's. All of one must take the same way:
 * conntrack lets none through before it has them all, at each lookup.
 */
export const UDP_FRAGMENTS: readonly (readonly Match[])[] = IP_FAMILIES.map((family) => [
  proto(family),
  FRAGMENT,
  ...OF_UDP,
])
/** Datagrams and their fragments, once tracked. */
export const DATAGRAMS: readonly (readonly Match[])[] = [
  ...UDP_FAMILIES.map((family) => [proto(family)]),
  ...UDP_FRAGMENTS.slice(1),
]
/** ICMP errors about datagrams that conntrack knows. */
export const UDP_ERRORS: readonly (readonly Match[])[] = (['icmp', 'icmp6'] as const).map(
  (family) => [proto(family), ...OF_UDP],
)
export const FIRST_SYN: readonly Match[] = [{ on: 'fragment', fragment: false }, { on: 'firstSyn' }]
/** Neither handed back already nor one of ours on its second way through. */
export const UNHANDLED: Match = reg(REG.handled, 0)

export const load = (to: Slice, value: number | bigint): Action => ({
  do: 'load',
  to,
  value: BigInt(value),
})
export const move = (from: Slice, to: Slice): Action => ({ do: 'move', from, to })
export const UNTRACK: Action = { do: 'untrack' }

export interface Tables {
  readonly number: (name: TableName) => number
  readonly goto: (name: TableName) => Action
  readonly resubmit: (name: TableName) => Action
  readonly track: (zone: Slice, name: TableName) => Action
  /** A flow of one of our tables that belongs to no attachment in particular. */
  readonly flow: (
    name: TableName,
    priority: number,
    match: readonly Match[],
    actions: readonly Action[],
  ) => Flow
}

export function tablesFrom(firstTable: number): Tables {
  const number = (name: TableName): number => firstTable + TABLE[name]
  return {
    number,
    goto: (name) => ({ do: 'goto', table: number(name) }),
    resubmit: (name) => ({ do: 'resubmit', table: number(name) }),
    track: (zone, name) => ({ do: 'track', zone, table: number(name) }),
    flow: (name, priority, match, actions) => ({
      table: number(name),
      priority,
      cookie: 0,
      match,
      actions,
    }),
  }
}
