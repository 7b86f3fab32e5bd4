import type { NumberRange, Operand } from './buffer-match.ts'
import type { PacketEvent } from './packet-events.ts'

export interface FlowCondition {
  readonly direction: 'to_server' | 'to_client' | null
  readonly state: 'established' | 'not_established' | 'stateless' | null
  readonly stream: 'only_stream' | 'no_stream' | null
  readonly fragments: 'only_frag' | 'no_frag' | null
}

/** A property of the packet. The inline path has no packets and cannot enforce these. */
export type PacketCheck =
  | {
      readonly kind: 'flags'
      readonly mode: 'exact' | 'any' | 'all' | 'not'
      readonly set: number
      readonly ignored: number
    }
  | { readonly kind: 'number'; readonly field: PacketField; readonly range: NumberRange }
  | {
      readonly kind: 'fragbits'
      readonly mode: 'exact' | 'any' | 'all' | 'not'
      readonly set: number
    }
  | { readonly kind: 'ipopts'; readonly option: string }
  | { readonly kind: 'checksum'; readonly of: ChecksumLayer; readonly isRight: boolean }
  /** The decoder or the stream engine found this fault in the packet. */
  | { readonly kind: 'event'; readonly event: PacketEvent }

export type HashAlgorithm = 'md5' | 'sha1' | 'sha256'

/** A property of a file that a transaction carries. All those of a rule hold for one and the same file. */
export type FileCheck = {
  /** Direction the file travels in; null: that of the data. */
  readonly side: 'request' | 'response' | null
} & (
  | {
      readonly kind: 'name'
      /** In lower case, latin1. */
      readonly text: string
      readonly atEnd: boolean
      readonly negated: boolean
    }
  | { readonly kind: 'size'; readonly range: NumberRange }
  | {
      readonly kind: 'hash'
      readonly algorithm: HashAlgorithm
      /** File with the list, relative to the folder of the rule's file. */
      readonly list: string
      readonly negated: boolean
    }
  /** There is a file. */
  | { readonly kind: 'store' }
)

export type ChecksumLayer = 'ipv4' | 'tcpv4' | 'tcpv6' | 'udpv4' | 'udpv6' | 'icmpv4' | 'icmpv6'

export type PacketField =
  | 'tos'
  | 'icmpv6.mtu'
  | 'ttl'
  | 'id'
  | 'ip_proto'
  | 'fragoffset'
  | 'window'
  | 'ack'
  | 'seq'
  | 'itype'
  | 'icode'
  | 'icmp_id'
  | 'icmp_seq'
  | 'tcp.mss'
  | 'tcp.wscale'

/** A property of the flow or of its protocol, checked before any buffer. */
export type FlowCheck =
  | { readonly kind: 'sameip' }
  | { readonly kind: 'dsize'; readonly range: NumberRange }
  | {
      readonly kind: 'stream_size'
      readonly side: 'server' | 'client' | 'both' | 'either'
      readonly comparison: '<' | '>' | '=' | '<=' | '>=' | '!='
      readonly bytes: number
    }
  | {
      readonly kind: 'app-layer-protocol'
      /** One of them; `failed`: none is known; `unknown`: none is known yet. */
      readonly names: readonly string[]
      readonly negated: boolean
      /** `http` is not also `http1`. */
      readonly exact: boolean
      /** Whose finding is asked: of the direction of the data, of one that is given, of any, of all. */
      readonly mode: ProtocolMode
    }
  /** `age` in seconds and without a side; `pkts` and `bytes` of the packets so far. */
  | {
      readonly kind: 'flow-count'
      readonly what: 'age' | 'pkts' | 'bytes'
      readonly side: 'toserver' | 'toclient' | 'both' | 'either'
      readonly range: NumberRange
    }
  /** Holds when one item does. */
  | {
      readonly kind: 'tls.version'
      readonly items: readonly { readonly version: number; readonly negated: boolean }[]
    }
  | { readonly kind: 'ssl_state'; readonly states: readonly string[]; readonly negated: boolean }
  | {
      readonly kind: 'flowbits'
      readonly operation: 'isset' | 'isnotset'
      readonly names: readonly string[]
    }
  | {
      readonly kind: 'xbits'
      readonly operation: 'isset' | 'isnotset'
      readonly name: string
      readonly track: XbitTrack
    }
  | {
      readonly kind: 'flowint'
      readonly name: string
      readonly comparison: '<' | '>' | '=' | '<=' | '>=' | '!=' | 'isset' | 'notset'
      readonly value: Operand
    }

export type ProtocolMode = 'direction' | 'final' | 'original' | 'either' | 'to_server' | 'to_client'

export type XbitTrack = 'ip_src' | 'ip_dst' | 'ip_pair' | 'tx'
