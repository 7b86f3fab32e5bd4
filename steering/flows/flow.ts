/**
 * OpenFlow as data. Everything in a flow is a number or one of a closed set of names, so no text of a
 * tenant can reach the switch: the renderer (render.ts) has nothing else to write.
 */

export interface Prefix {
  readonly family: 4 | 6
  /** Network address, host bits zero. */
  readonly value: bigint
  /** 0..32 or 0..128. */
  readonly length: number
}

/** Bits `from`..`to` (inclusive) of a field. */
export interface Slice {
  readonly field:
    | 'NXM_NX_REG0'
    | 'NXM_NX_REG1'
    | 'NXM_NX_REG2'
    | 'NXM_NX_REG3'
    | 'NXM_NX_REG4'
    | 'NXM_NX_REG5'
    | 'NXM_NX_REG6'
    | 'NXM_NX_REG7'
    | 'NXM_NX_REG8'
    | 'NXM_NX_REG10'
    | 'NXM_NX_REG13'
    | 'NXM_NX_XXREG0'
    | 'NXM_NX_XXREG1'
    | 'NXM_NX_XXREG2'
    | 'NXM_NX_CT_LABEL'
    | 'NXM_OF_ETH_SRC'
    | 'NXM_OF_ETH_DST'
    | 'NXM_OF_IN_PORT'
    | 'NXM_OF_VLAN_TCI'
    | 'OXM_OF_VLAN_VID'
  readonly from: number
  readonly to: number
}

export type Protocol = 'ip' | 'ipv6' | 'tcp' | 'tcp6' | 'udp' | 'udp6' | 'icmp' | 'icmp6'

export type Match =
  | { readonly on: 'protocol'; readonly protocol: Protocol }
  | { readonly on: 'inPort'; readonly port: number }
  | { readonly on: 'ethDestination'; readonly mac: bigint }
  | { readonly on: 'tagged'; readonly tagged: boolean }
  | { readonly on: 'source'; readonly prefix: Prefix }
  | { readonly on: 'destination'; readonly prefix: Prefix }
  /** Port of a TCP segment or datagram; the flow says which of the two. */
  | {
      readonly on: 'sourcePort' | 'destinationPort'
      readonly protocol: 'tcp' | 'udp'
      readonly value: number
      readonly mask: number
    }
  /** Conntrack's original port: known for every fragment, which the header's is not. */
  | {
      readonly on: 'trackedDestination'
      readonly protocol: 'tcp'
      readonly value: number
      readonly mask: number
    }
  /** Protocol of the connection that conntrack relates the packet to. */
  | { readonly on: 'trackedProtocol'; readonly protocol: 'udp' | 'icmp6' }
  | { readonly on: 'fragment'; readonly fragment: boolean }
  /** SYN set, ACK clear. */
  | { readonly on: 'firstSyn' }
  | { readonly on: 'notSyn' }
  | { readonly on: 'synAck' }
  | { readonly on: 'icmpType'; readonly type: number }
  | { readonly on: 'tracked'; readonly as?: 'valid' | 'invalid' }
  | { readonly on: 'mark'; readonly mark: number }
  | { readonly on: 'labelMac'; readonly mac: bigint }
  | { readonly on: 'labelAttachment'; readonly attachment: number }
  /** A slice of a 32-bit register. */
  | { readonly on: 'register'; readonly slice: Slice; readonly value: number }

export type Action =
  | { readonly do: 'load'; readonly value: bigint; readonly to: Slice }
  | { readonly do: 'move'; readonly from: Slice; readonly to: Slice }
  /** Look the connection up and go on, tracked, in `table`. */
  | { readonly do: 'track'; readonly zone: Slice; readonly table: number }
  /** Commit with a mark and, where given, a label (the whole of a register, or the attachment). */
  | {
      readonly do: 'commit'
      readonly zone: Slice
      readonly mark: number
      readonly label?: { readonly from: Slice; readonly to: Slice }
    }
  | { readonly do: 'untrack' }
  | { readonly do: 'popVlan' }
  | { readonly do: 'pushVlan' }
  | { readonly do: 'output'; readonly port: number }
  | { readonly do: 'outputTo'; readonly slice: Slice }
  | { readonly do: 'goto'; readonly table: number }
  | { readonly do: 'resubmit'; readonly table: number }

export interface Flow {
  readonly table: number
  readonly priority: number
  /**
   * Low half of the cookie, so that what belongs together can be removed at once: an attachment's number,
   * or a port's (PORT_COOKIE in layout.ts), or 0.
   */
  readonly cookie: number
  readonly match: readonly Match[]
  /** None: drop. */
  readonly actions: readonly Action[]
}
