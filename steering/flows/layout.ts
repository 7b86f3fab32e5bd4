import type { Slice } from './flow.ts'

/**
 * Every bit that Portcullis uses in the switch, in one place.
 *
 * COOKIE (64)        owner 16 | round 16 | 32: attachment number, or bit 31 and the first zone of an
 *                    attached port, or 0 for what all share
 *
 * CONNTRACK ZONES    four for each attached port. The guest's connection has two legs with one 5-tuple
 *                    and two sequence spaces, so no two of these may ever be one zone:
 *   far    leg between the far side and the inspector           mark 1
 *   near   leg between the inspector and the guest              mark 1
 *   pass   connections that are not inspected, whole            mark 2
 *   book   SYNs only: tells the inspector's own SYN, the first packet of the second leg, what the
 *          label of the first leg was (MACs, in_port, attachment). It never sees anything else, so its
 *          entries stay in SYN_SENT, where a SYN with another sequence number is no violation.
 *
 * Datagrams have no sequence and no SYN: they are judged one by one, and use far and near alone, of which
 * each can tell the other its label. Their entries end when they are idle, after the switch's own timeouts.
 *
 * CT_MARK            1 inspected, 2 passes (older than the attachment, or bypass); 2 has no label
 *
 * CT_LABEL (128)
 *     0..47   MAC of the far side (the router's where it is routed)
 *    48..63   OpenFlow port of the far side; 0: not known (the guest opened the connection)
 *    64..95   attachment number
 *    96..108  VLAN tag that the far side's frames carry: vid and presence bit; 0: untagged
 *   112..127  generation, low 16 bits
 *
 * REGISTERS          zero when a packet comes in and when we hand it back, but for `handled`
 *   reg0    0..15 far zone, 16..31 near zone: also what identifies the attached port
 *   reg1    0..15 pass zone, 16..31 book zone
 *   reg2    attachment number
 *   reg3    0..12 VLAN the frame belongs to (vid, presence bit), 16..31 OpenFlow port of the inspector
 *           that the frame has been through
 *   reg4    0 the guest sent it, 1 it answers what the classifier describes, 2 it is judged by itself:
 *           a first SYN, any datagram,
 *           3 its attachment fails open, 16..31 OpenFlow port of the attached port's inspector
 *   reg5    which of the ports that share an address is being tried
 *   reg6    0..15 OpenFlow port of the guest
 *   reg7    reg0 of the attached port in the same domain that the inspector's SYN is for, or 0
 *   reg8..reg11 (xxreg2)  a label
 *   reg13   31 handled: our entry flows let it be, the flows of others in the bridge apply
 */

/** First 16 bits of our cookies. */
export const DEFAULT_OWNER = 0x9c15
export const DEFAULT_FIRST_TABLE = 100
export const DEFAULT_ENTRY_PRIORITY = 60_000

/** Set in the low half of the cookie of a port's flows; attachment numbers stay below. */
export const PORT_COOKIE = 0x8000_0000

export const MARK_INSPECTED = 1
export const MARK_PASSED = 2

/** Zones that one attached port has, in order of their numbers. */
export const ZONES_PER_PORT = 4
/** Place of the pass zone among them; far and near are the first two. */
export const PASS_ZONE = 2

const slice = (field: Slice['field'], from: number, to: number): Slice => ({ field, from, to })

export const REG = {
  farZone: slice('NXM_NX_REG0', 0, 15),
  nearZone: slice('NXM_NX_REG0', 16, 31),
  port: slice('NXM_NX_REG0', 0, 31),
  passZone: slice('NXM_NX_REG1', 0, 15),
  bookZone: slice('NXM_NX_REG1', 16, 31),
  otherZones: slice('NXM_NX_REG1', 0, 31),
  attachment: slice('NXM_NX_REG2', 0, 31),
  vlan: slice('NXM_NX_REG3', 0, 12),
  inspectedBy: slice('NXM_NX_REG3', 16, 31),
  flags: slice('NXM_NX_REG4', 0, 15),
  fromGuest: slice('NXM_NX_REG4', 0, 0),
  isAnswer: slice('NXM_NX_REG4', 1, 1),
  isSyn: slice('NXM_NX_REG4', 2, 2),
  failsOpen: slice('NXM_NX_REG4', 3, 3),
  inspector: slice('NXM_NX_REG4', 16, 31),
  candidate: slice('NXM_NX_REG5', 0, 31),
  guest: slice('NXM_NX_REG6', 0, 15),
  peer: slice('NXM_NX_REG7', 0, 31),
  peerNearZone: slice('NXM_NX_REG7', 16, 31),
  label: slice('NXM_NX_XXREG2', 0, 127),
  labelMac: slice('NXM_NX_XXREG2', 0, 47),
  labelInPort: slice('NXM_NX_XXREG2', 48, 63),
  labelAttachment: slice('NXM_NX_XXREG2', 64, 95),
  labelVlan: slice('NXM_NX_XXREG2', 96, 108),
  labelVid: slice('NXM_NX_XXREG2', 96, 107),
  labelGeneration: slice('NXM_NX_XXREG2', 112, 127),
  /** For matching, which wants 32-bit registers: reg8 is bits 96..127 of xxreg2, reg10 bits 32..63. */
  labelVlanPresent: slice('NXM_NX_REG8', 12, 12),
  labelInPortMatch: slice('NXM_NX_REG10', 16, 31),
  handled: slice('NXM_NX_REG13', 31, 31),
} as const

/** All registers we use but reg13, 128 bits at a time, to be zeroed before a packet is handed back. */
export const ALL_REGISTERS: readonly Slice[] = [
  slice('NXM_NX_XXREG0', 0, 127),
  slice('NXM_NX_XXREG1', 0, 127),
  slice('NXM_NX_XXREG2', 0, 127),
]

export const FIELD = {
  ethSource: slice('NXM_OF_ETH_SRC', 0, 47),
  ethDestination: slice('NXM_OF_ETH_DST', 0, 47),
  inPort: slice('NXM_OF_IN_PORT', 0, 15),
  vlanTag: slice('NXM_OF_VLAN_TCI', 0, 12),
  vlanVid: slice('OXM_OF_VLAN_VID', 0, 11),
  label: slice('NXM_NX_CT_LABEL', 0, 127),
  labelAttachment: slice('NXM_NX_CT_LABEL', 64, 95),
} as const

/** Bit of a VLAN tag as matched and kept that says that there is one. */
export const VLAN_PRESENT = 0x1000

/**
 * Our tables, as offsets from the first one. A packet moves to higher numbers, but for `fromInspector`,
 * `bySource` and `toGuestPort`, which are entered again by resubmit.
 */
export const TABLE = {
  /** Frame of an attached guest: look its near zone up. */
  fromGuestPort: 0,
  nearKnown: 1,
  /** Which VLAN a frame belongs to. */
  resolveVlan: 2,
  /** Frame to an attached guest: look its far zone up. */
  toGuestPort: 3,
  farKnown: 4,
  /** Not inspected so far: which attachment wants it. */
  classify: 5,
  /** What becomes of it: two flows for each domain say so, whatever the number of attachments. */
  decide: 6,
  /** Commit mark 2, go on as before. */
  remember: 7,
  /** Commit mark 1, go to the inspector. */
  capture: 8,
  /** Output to the inspection namespace. */
  inspect: 9,
  /** Frame of an inspector: is it for a guest on the near leg. */
  fromInspector: 10,
  nearLeg: 11,
  nearBook: 12,
  /** Is it in the name of a guest on the far leg. */
  bySource: 13,
  farLeg: 14,
  farBook: 15,
  /** Two attached guests of one domain talk to each other. */
  pair: 16,
  /** Give a frame to the guest its far side's identity. */
  deliver: 17,
  restore: 18,
  /** Give a frame to the far side its guest's identity. */
  send: 19,
  /** As before: on to the far end's attachments, then to the flows of others. */
  goOn: 20,
  handBack: 21,
} as const
export type TableName = keyof typeof TABLE

export const TABLE_COUNT = 22
