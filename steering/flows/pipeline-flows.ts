import {
  DATAGRAMS,
  FIRST_SYN,
  FRAGMENT,
  IP_FAMILIES,
  TCP_FAMILIES,
  TRACKED,
  type Tables,
  UDP_ERRORS,
  UDP_FAMILIES,
  UNHANDLED,
  UNTRACK,
  load,
  mark,
  move,
  proto,
  reg,
  tagged,
} from './build.ts'
import type { Action, Flow, Match, Slice } from './flow.ts'
import { ALL_REGISTERS, FIELD, MARK_INSPECTED, MARK_PASSED, REG, type TableName } from './layout.ts'

/** Attached ports of one domain that may share an address (VRRP pairs, overlapping allowed pairs). */
export const MAX_ADDRESS_SHARERS = 4

/** ICMP errors: destination unreachable (with it: fragmentation needed), and IPv6's packet too big. */
const ICMP_ERRORS = [
  { protocol: 'icmp', type: 3 },
  { protocol: 'icmp6', type: 1 },
  { protocol: 'icmp6', type: 2 },
] as const

const OF_ICMP6: readonly Match[] = [
  { on: 'tracked', as: 'valid' },
  { on: 'trackedProtocol', protocol: 'icmp6' },
]

/** Commit a label kept in a register, with mark 1. */
export const commitInspected = (zone: Slice): Action => ({
  do: 'commit',
  zone,
  mark: MARK_INSPECTED,
  label: { from: REG.label, to: FIELD.label },
})

/**
 * The flows that no port or attachment changes: the skeleton on which the others hang.
 */
export function pipelineFlows(tables: Tables, entryPriority: number): Flow[] {
  const { flow, goto, resubmit } = tables
  return [
    ...ICMP_ERRORS.map(({ protocol, type }) => ({
      table: 0,
      priority: entryPriority,
      cookie: 0,
      match: [proto(protocol), { on: 'icmpType', type } as const, UNHANDLED],
      actions: [goto('fromGuestPort')],
    })),
    flow('fromGuestPort', 0, [], [goto('resolveVlan')]),
    ...knownFlows(tables, 'nearKnown', REG.nearZone),
    flow('resolveVlan', 0, [], [move(FIELD.vlanTag, REG.vlan), goto('toGuestPort')]),
    flow('toGuestPort', 0, [], [goto('handBack')]),
    ...knownFlows(tables, 'farKnown', REG.farZone),

    // Passed once, passes until it ends: only a first SYN is judged anew.
    flow('classify', 65_000, [TRACKED, mark(MARK_PASSED), reg(REG.isSyn, 0)], [goto('goOn')]),
    flow('classify', 0, [], [goto('goOn')]),
    // A connection the other way whose answers will look like what a classifier describes.
    ...TCP_FAMILIES.map((family) =>
      flow(
        'decide',
        50,
        [proto(family), reg(REG.isAnswer, 1), reg(REG.isSyn, 1)],
        [goto('remember')],
      ),
    ),
    // Between these two: what the domain decides (decision-flows.ts).
    flow('decide', 20, [reg(REG.isSyn, 0)], [goto('capture')]),
    flow('decide', 0, [], [goto('goOn')]),
    // Of a datagram nothing needs to be remembered: the next one is judged by itself.
    ...DATAGRAMS.map((match) => flow('remember', 20, match, [goto('goOn')])),
    ...IP_FAMILIES.map((family) =>
      flow(
        'remember',
        10,
        [proto(family)],
        [{ do: 'commit', zone: REG.passZone, mark: MARK_PASSED }, goto('goOn')],
      ),
    ),
    flow('inspect', 100, [tagged(true)], [{ do: 'popVlan' }, resubmit('inspect')]),
    ...inspectorFlows(tables),
    ...restoreFlows(tables),
    flow(
      'goOn',
      20,
      [reg(REG.fromGuest, 1)],
      [load(REG.flags, 0), load(REG.attachment, 0), resubmit('resolveVlan')],
    ),
    flow('goOn', 10, [], [goto('handBack')]),
    flow(
      'handBack',
      0,
      [],
      [
        UNTRACK,
        ...ALL_REGISTERS.map((slice) => load(slice, 0n)),
        load(REG.handled, 1),
        { do: 'resubmit', table: 0 },
      ],
    ),
  ]
}

/**
 * After the lookup of the leg that a frame would be of: inspected connections go to the inspector; a
 * first SYN starts a new connection whatever the old one was; the rest is looked up in the pass zone.
 * ICMP errors about an inspected connection carry its mark, for conntrack relates them.
 */
function knownFlows(tables: Tables, name: 'nearKnown' | 'farKnown', zone: Slice): Flow[] {
  const { flow, goto, track } = tables
  const classify = track(REG.passZone, 'classify')
  return [
    // Too small, overlapping: whose they are cannot be told, and they may hide a SYN. Open vSwitch's
    // userspace datapath calls fragments under 1200 bytes so.
    ...[...TCP_FAMILIES, ...UDP_FAMILIES].map((family) =>
      flow(name, 40, [{ on: 'tracked', as: 'invalid' }, proto(family), FRAGMENT], []),
    ),
    ...TCP_FAMILIES.map((family) =>
      flow(
        name,
        30,
        [TRACKED, proto(family), ...FIRST_SYN, mark(MARK_INSPECTED)],
        [load(REG.isSyn, 1), { do: 'commit', zone, mark: 0 }, classify],
      ),
    ),
    ...TCP_FAMILIES.map((family) =>
      flow(name, 25, [proto(family), ...FIRST_SYN], [load(REG.isSyn, 1), classify]),
    ),
    // Whatever became of the ones before it.
    ...DATAGRAMS.map((match) => flow(name, 28, match, [load(REG.isSyn, 1), goto('classify')])),
    // Datagrams leave the inspector as they came to it: errors about them need no other way.
    ...UDP_ERRORS.map((match) => flow(name, 22, match, [goto('goOn')])),
    // Only seen where datagrams are led here with all fragments of IPv6.
    flow(name, 22, [proto('ipv6'), FRAGMENT, ...OF_ICMP6], [goto('goOn')]),
    flow(
      name,
      20,
      [TRACKED, mark(MARK_INSPECTED)],
      [move(FIELD.labelAttachment, REG.attachment), goto('inspect')],
    ),
    flow(name, 15, [proto('icmp')], [goto('goOn')]),
    flow(name, 15, [proto('icmp6')], [goto('goOn')]),
    ...IP_FAMILIES.map((family) => flow(name, 10, [proto(family)], [classify])),
  ]
}

/** Remember who the far side is, then to the inspector. SYNs enter the book as well. */
export function captureFlows(tables: Tables, generation: number): Flow[] {
  const common = [
    move(REG.attachment, REG.labelAttachment),
    load(REG.labelGeneration, generation & 0xffff),
  ]
  const fromFar = [
    load(REG.label, 0n),
    move(FIELD.ethSource, REG.labelMac),
    move(FIELD.inPort, REG.labelInPort),
    move(FIELD.vlanTag, REG.labelVlan),
    ...common,
  ]
  const fromGuest = [load(REG.label, 0n), move(FIELD.ethDestination, REG.labelMac), ...common]
  return [...datagramCapture(tables, fromFar, fromGuest), ...tcpCapture(tables, fromFar, fromGuest)]
}

/**
 * An answer to what is known keeps the label that is there: the way to the far side was learned from the far
 * side. In the other direction the label is written anew each time, for far sides move.
 */
function datagramCapture(
  { flow, goto }: Tables,
  fromFar: readonly Action[],
  fromGuest: readonly Action[],
): Flow[] {
  return [
    // No SYN comes here that answers something.
    flow(
      'capture',
      30,
      [TRACKED, mark(MARK_INSPECTED), reg(REG.isSyn, 1), reg(REG.isAnswer, 1)],
      [goto('inspect')],
    ),
    ...DATAGRAMS.flatMap((match) => [
      flow(
        'capture',
        20,
        [...match, reg(REG.fromGuest, 0)],
        [...fromFar, commitInspected(REG.farZone), goto('inspect')],
      ),
      flow(
        'capture',
        20,
        [...match, reg(REG.fromGuest, 1)],
        [...fromGuest, commitInspected(REG.nearZone), goto('inspect')],
      ),
    ]),
  ]
}

function tcpCapture(
  tables: Tables,
  fromFar: readonly Action[],
  fromGuest: readonly Action[],
): Flow[] {
  return IP_FAMILIES.flatMap((family) =>
    [0, 1].flatMap((isSyn) =>
      [0, 1].map((isFromGuest) =>
        tables.flow(
          'capture',
          10,
          [proto(family), reg(REG.isSyn, isSyn), reg(REG.fromGuest, isFromGuest)],
          [
            ...(isFromGuest === 1 ? fromGuest : fromFar),
            ...(isSyn === 1 ? [commitInspected(REG.bookZone)] : []),
            commitInspected(isFromGuest === 1 ? REG.nearZone : REG.farZone),
            tables.goto('inspect'),
          ],
        ),
      ),
    ),
  )
}

/**
 * What an inspector sends: for the guest whose address it is to, if the near leg or (a SYN) the book of
 * that guest knows the connection; else in the name of the guest whose address it is from, if the far
 * leg or the book of that one does; else nothing. A datagram's book is the other leg.
 */
function inspectorFlows(tables: Tables): Flow[] {
  const { flow, goto, track } = tables
  const keepLabel = move(FIELD.label, REG.label)
  const inspected = [TRACKED, mark(MARK_INSPECTED)]
  return [
    flow('fromInspector', 0, [], [load(REG.candidate, 0), goto('bySource')]),
    flow('nearLeg', 20, inspected, [keepLabel, goto('deliver')]),
    ...TCP_FAMILIES.map((family) =>
      flow('nearLeg', 10, [proto(family), ...FIRST_SYN], [track(REG.bookZone, 'nearBook')]),
    ),
    ...DATAGRAMS.map((match) => flow('nearLeg', 10, match, [track(REG.farZone, 'nearBook')])),
    ...nextCandidate(tables, 'nearLeg', 'fromInspector'),
    ...IP_FAMILIES.map((family) =>
      flow(
        'nearBook',
        20,
        [...inspected, proto(family)],
        [keepLabel, commitInspected(REG.nearZone), goto('deliver')],
      ),
    ),
    ...nextCandidate(tables, 'nearBook', 'fromInspector'),
    flow('bySource', 0, [], []),
    flow('farLeg', 20, inspected, [keepLabel, goto('send')]),
    ...TCP_FAMILIES.map((family) =>
      flow('farLeg', 10, [proto(family), ...FIRST_SYN], [track(REG.bookZone, 'farBook')]),
    ),
    ...DATAGRAMS.map((match) => flow('farLeg', 10, match, [track(REG.nearZone, 'farBook')])),
    ...nextCandidate(tables, 'farLeg', 'bySource'),
    ...IP_FAMILIES.map((family) =>
      flow(
        'farBook',
        20,
        [...inspected, proto(family), reg(REG.peer, 0)],
        [keepLabel, commitInspected(REG.farZone), goto('send')],
      ),
    ),
    flow('farBook', 10, inspected, [keepLabel, goto('pair')]),
    ...nextCandidate(tables, 'farBook', 'bySource'),
    // Both ends are inspected here in one pass: from now on this is the near leg of the other one.
    ...IP_FAMILIES.map((family) =>
      flow(
        'pair',
        10,
        [proto(family)],
        [
          load(REG.label, 0n),
          ...pairLabel(),
          move(REG.peer, REG.port),
          commitInspected(REG.nearZone),
          goto('deliver'),
        ],
      ),
    ),
  ]
}

/** Label of the second guest's near leg: the first guest is the far side, reached as `pair` knows. */
export const pairLabel = (): Action[] => [
  move(FIELD.ethSource, REG.labelMac),
  move(FIELD.labelAttachment, REG.labelAttachment),
]

function nextCandidate(tables: Tables, from: TableName, again: TableName): Flow[] {
  return Array.from({ length: MAX_ADDRESS_SHARERS }, (_, index) =>
    tables.flow(
      from,
      0,
      [reg(REG.candidate, index)],
      [load(REG.candidate, index + 1), UNTRACK, tables.resubmit(again)],
    ),
  )
}

/**
 * A frame for the guest comes, for everyone else in the bridge, from the far side: its MAC, its port,
 * its tag. Where the port is not known (the guest opened the connection) it goes straight to the guest.
 */
function restoreFlows(tables: Tables): Flow[] {
  const { flow, goto } = tables
  const fromFarPort = [move(REG.labelInPort, FIELD.inPort), goto('handBack')]
  return [
    flow('restore', 30, [reg(REG.labelInPortMatch, 0)], [{ do: 'outputTo', slice: REG.guest }]),
    flow(
      'restore',
      20,
      [reg(REG.labelVlanPresent, 1)],
      [{ do: 'pushVlan' }, move(REG.labelVid, FIELD.vlanVid), ...fromFarPort],
    ),
    flow('restore', 10, [], fromFarPort),
  ]
}
