import {
  FRAGMENT,
  IP_FAMILIES,
  TCP_FAMILIES,
  TRACKED,
  type Tables,
  UDP_FAMILIES,
  UNHANDLED,
  inPort,
  load,
  mark,
  move,
  proto,
  reg,
  tagged,
} from './build.ts'
import type { SwitchPort } from '#steering/ovsdb/switch-port.ts'
import { contains } from './address.ts'
import type { Action, Flow, Match, Prefix, Protocol } from './flow.ts'
import { FIELD, MARK_INSPECTED, PORT_COOKIE, REG, VLAN_PRESENT } from './layout.ts'
import { MAX_ADDRESS_SHARERS, commitInspected, pairLabel } from './pipeline-flows.ts'
import type { SteeredDomain, SteeredPort } from './steered.ts'

/** What identifies an attached port in register 0: near and far zone. */
export const portRegister = (port: SteeredPort): number =>
  (((port.firstZone + 1) << 16) | port.firstZone) >>> 0

/** Low half of the cookie of what belongs to an attached port. */
export const portCookie = (port: SteeredPort): number => (PORT_COOKIE | port.firstZone) >>> 0

const otherZones = (port: SteeredPort): number =>
  (((port.firstZone + 3) << 16) | (port.firstZone + 2)) >>> 0

const vlanRegister = (port: SteeredPort): number =>
  port.vlan === null ? 0 : VLAN_PRESENT | port.vlan

const familyOf = (prefix: Prefix): Protocol => (prefix.family === 4 ? 'ip' : 'ipv6')

const selectPort = (port: SteeredPort): Action[] => [
  load(REG.port, portRegister(port)),
  load(REG.otherZones, otherZones(port)),
]

/** What enters our tables. Of fragments of IPv6 the switch does not know what they are of. */
const entryMatches = (hasDatagrams: boolean): Match[][] => [
  ...TCP_FAMILIES.map((family) => [proto(family)]),
  ...(hasDatagrams
    ? [...UDP_FAMILIES.map((family) => [proto(family)]), [proto('ipv6'), FRAGMENT]]
    : []),
]

/** What one attached port needs, whatever is attached to it. */
export function portFlows(tables: Tables, entryPriority: number, port: SteeredPort): Flow[] {
  const { flow, goto, track } = tables
  const select = [...selectPort(port), load(REG.inspector, port.inspector)]
  const entry = (priority: number, match: readonly Match[], actions: readonly Action[]): Flow => ({
    table: 0,
    priority,
    cookie: 0,
    match: [...match, UNHANDLED],
    actions,
  })
  const toGuest: Match = { on: 'ethDestination', mac: port.mac }
  const self = reg(REG.port, portRegister(port))
  const flows: readonly Flow[] = [
    ...entryMatches(port.hasDatagrams).flatMap((match) => [
      entry(
        entryPriority + 2,
        [...match, inPort(port.ofport), tagged(false)],
        [goto('fromGuestPort')],
      ),
      entry(entryPriority + 1, [...match, toGuest], [goto('resolveVlan')]),
    ]),
    ...IP_FAMILIES.map((family) =>
      flow(
        'fromGuestPort',
        20,
        [proto(family), inPort(port.ofport), tagged(false)],
        [...select, load(REG.fromGuest, 1), track(REG.nearZone, 'nearKnown')],
      ),
    ),
    // Its own domain has had this frame already.
    flow('toGuestPort', 30, [toGuest, reg(REG.inspectedBy, port.inspector)], [goto('handBack')]),
    ...port.addresses.map((prefix) =>
      flow(
        'toGuestPort',
        20,
        [
          proto(familyOf(prefix)),
          toGuest,
          reg(REG.vlan, vlanRegister(port)),
          { on: 'destination', prefix },
        ],
        [...select, track(REG.farZone, 'farKnown')],
      ),
    ),
    flow(
      'deliver',
      10,
      [self],
      [
        load(FIELD.ethDestination, port.mac),
        move(REG.labelMac, FIELD.ethSource),
        load(REG.guest, port.ofport),
        goto('restore'),
      ],
    ),
    flow(
      'send',
      10,
      [self],
      [
        load(FIELD.ethSource, port.mac),
        move(REG.labelMac, FIELD.ethDestination),
        load(FIELD.inPort, port.ofport),
        load(REG.vlan, vlanRegister(port)),
        move(REG.inspector, REG.inspectedBy),
        load(REG.flags, 0),
        tables.resubmit('toGuestPort'),
      ],
    ),
    // The other guest was dialled directly and not through a router: its answers' way is known.
    ...IP_FAMILIES.map((family) =>
      flow(
        'pair',
        20,
        [
          TRACKED,
          mark(MARK_INSPECTED),
          proto(family),
          reg(REG.peer, portRegister(port)),
          { on: 'labelMac', mac: port.mac },
        ],
        [
          load(REG.label, 0n),
          ...pairLabel(),
          move(REG.guest, REG.labelInPort),
          move(REG.peer, REG.port),
          commitInspected(REG.nearZone),
          goto('deliver'),
        ],
      ),
    ),
  ]
  return flows.map((one) => ({ ...one, cookie: portCookie(port) }))
}

/** VLAN of untagged frames by access port; frames with a tag that such a port may not send pass by. */
export function vlanFlows(tables: Tables, ports: readonly SwitchPort[]): Flow[] {
  const { flow, goto } = tables
  return ports.flatMap((port) =>
    port.vlan === null
      ? []
      : [
          flow(
            'resolveVlan',
            20,
            [inPort(port.ofport), tagged(false)],
            [load(REG.vlan, VLAN_PRESENT | port.vlan), goto('toGuestPort')],
          ),
          ...(port.trunk
            ? []
            : [flow('resolveVlan', 20, [inPort(port.ofport), tagged(true)], [goto('handBack')])]),
        ],
  )
}

/**
 * What one domain needs beside its decisions and the addresses of its guests: its frames are recognised
 * by its port, and by the addresses in them. Nothing else leaves an inspection namespace: no ARP, no
 * neighbour discovery, no connection of its own.
 */
export function domainFlows(
  tables: Tables,
  entryPriority: number,
  domain: Pick<SteeredDomain, 'ofport' | 'mac'>,
): Flow[] {
  const { flow, goto } = tables
  return [
    ...entryMatches(true).map((match) => ({
      table: 0,
      priority: entryPriority + 3,
      cookie: 0,
      match: [...match, inPort(domain.ofport), tagged(false), UNHANDLED],
      actions: [load(REG.inspector, domain.ofport), goto('fromInspector')],
    })),
    {
      table: 0,
      priority: entryPriority + 2,
      cookie: 0,
      match: [inPort(domain.ofport), UNHANDLED],
      actions: [],
    },
    flow('inspect', 10, [reg(REG.inspector, domain.ofport)], toInspector(domain)),
  ]
}

/** Into the namespace: its own MAC, so that its kernel takes the frame. */
export const toInspector = (domain: Pick<SteeredDomain, 'ofport' | 'mac'>): Action[] => [
  load(FIELD.ethDestination, domain.mac),
  { do: 'output', port: domain.ofport },
]

/** An address with the attached ports of one domain that may have it. */
export interface SharedAddress {
  readonly prefix: Prefix
  /** At most MAX_ADDRESS_SHARERS. */
  readonly candidates: readonly SteeredPort[]
}

/**
 * Which guests an address may be of, tried in turn: the most specific prefix first. Two attached ports
 * may share one (VRRP); conntrack tells whose connection it is.
 */
export function addressFlows(
  tables: Tables,
  inspector: number,
  { prefix, candidates }: SharedAddress,
): Flow[] {
  const { flow, goto, track } = tables
  const priority = 100 + prefix.length
  const match = (step: number): Match[] => [
    proto(familyOf(prefix)),
    inPort(inspector),
    reg(REG.candidate, step),
  ]
  const cookie = portCookie(candidates[0])
  const destination: Match = { on: 'destination', prefix }
  const source: Match = { on: 'source', prefix }
  const flows: Flow[] = []
  for (const [step, port] of candidates.entries()) {
    const isFirst = step === 0 ? [load(REG.peer, portRegister(port))] : []
    flows.push(
      flow(
        'fromInspector',
        priority,
        [...match(step), destination],
        [...selectPort(port), ...isFirst, track(REG.nearZone, 'nearLeg')],
      ),
      flow(
        'bySource',
        priority,
        [...match(step), source],
        [
          ...selectPort(port),
          load(FIELD.ethSource, port.mac),
          load(REG.guest, port.ofport),
          track(REG.farZone, 'farLeg'),
        ],
      ),
    )
  }
  flows.push(
    flow(
      'fromInspector',
      priority,
      [...match(candidates.length), destination],
      [load(REG.candidate, 0), goto('bySource')],
    ),
    flow('bySource', priority, [...match(candidates.length), source], []),
  )
  return flows.map((one) => ({ ...one, cookie }))
}

/** Every distinct prefix with the ports that have it or one around it, nearest first. */
export function addressCandidates(ports: readonly SteeredPort[]): SharedAddress[] {
  const entries = ports.flatMap((port) => port.addresses.map((prefix) => ({ port, prefix })))
  const wide = entries.filter(({ prefix }) => prefix.length < (prefix.family === 4 ? 32 : 128))
  const exact = new Map<string, typeof entries>()
  for (const entry of entries) {
    const key = prefixKey(entry.prefix)
    const same = exact.get(key)
    if (same === undefined) exact.set(key, [entry])
    else same.push(entry)
  }
  return [...exact].map(([key, same]) => {
    const { prefix } = same[0]
    const around = wide.filter((e) => prefixKey(e.prefix) !== key && contains(e.prefix, prefix))
    const sorted = [...same, ...around].sort(
      (a, b) => b.prefix.length - a.prefix.length || a.port.firstZone - b.port.firstZone,
    )
    const candidates = [...new Set(sorted.map((entry) => entry.port))]
    return { prefix, candidates: candidates.slice(0, MAX_ADDRESS_SHARERS) }
  })
}

export const prefixKey = ({ family, value, length }: Prefix): string =>
  `${family}:${value}/${length}`
