import type { CompiledPattern } from '#signatures/pcre/pattern.ts'
import type { AddressSpec } from './address.ts'
import type { PacketEvent } from './packet-events.ts'
import type { PortSpec } from './ports.ts'
import type { Protocol } from './protocols.ts'
import type { TransformStep } from './transform.ts'

/** What the rule asks for when it matches; the reject forms differ in who is told. */
export type Action = 'alert' | 'pass' | 'drop' | 'reject' | 'rejectsrc' | 'rejectdst' | 'rejectboth'

/** `to`: `->`; `both`: `<>`, holds either way round; `transaction`: `=>`, one rule over both sides. */
export type RuleDirection = 'to' | 'both' | 'transaction'

/** A number, or the name of a variable that `byte_extract` or `byte_math` sets earlier in the rule. */
export type Operand = number | string

export type Endian = 'big' | 'little' | 'dce'
/** `auto`: hex after 0x, octal after 0, otherwise decimal. */
export type NumberBase = 'dec' | 'hex' | 'oct' | 'auto'

/** How bytes become a number: `byte_test`, `byte_jump`, `byte_extract`, `byte_math`. */
export interface NumberSource {
  readonly bytes: Operand
  readonly offset: Operand
  readonly relative: boolean
  readonly endian: Endian
  /** Text digits in place of binary; null: binary. */
  readonly base: NumberBase | null
  /** Applied after reading, then shifted right by its trailing zeros; null: none. */
  readonly bitmask: number | null
}

export interface ContentMatch {
  readonly kind: 'content'
  /** Bytes looked for, latin1. */
  readonly pattern: string
  readonly negated: boolean
  readonly nocase: boolean
  readonly startsWith: boolean
  readonly endsWith: boolean
  readonly offset: Operand | null
  readonly depth: Operand | null
  /** Non-null `distance` or `within` makes the match relative to the end of the one before. */
  readonly distance: Operand | null
  readonly within: Operand | null
  readonly fastPattern: boolean
  /** The part of the pattern that goes into the prefilter; null: all of it. */
  readonly fastPatternChop: { readonly offset: number; readonly length: number } | null
}

export interface PcreMatch {
  readonly kind: 'pcre'
  readonly pattern: CompiledPattern
  readonly negated: boolean
  readonly relative: boolean
}

export type Comparison = '<' | '>' | '=' | '<=' | '>=' | '&' | '^'

export interface ByteTest {
  readonly kind: 'byte_test'
  readonly source: NumberSource
  readonly negated: boolean
  readonly comparison: Comparison
  readonly value: Operand
}

export interface ByteJump {
  readonly kind: 'byte_jump'
  readonly source: NumberSource
  readonly multiplier: number
  readonly align: boolean
  readonly from: 'here' | 'beginning' | 'end'
  readonly postOffset: Operand
}

export interface ByteExtract {
  readonly kind: 'byte_extract'
  readonly source: NumberSource
  readonly multiplier: number
  /** Result is rounded up to a multiple of this; 0: not. */
  readonly align: 0 | 2 | 4
  readonly variable: string
}

export interface ByteMath {
  readonly kind: 'byte_math'
  readonly source: NumberSource
  readonly operator: '+' | '-' | '*' | '/' | '<<' | '>>'
  readonly operand: Operand
  readonly variable: string
}

export interface IsDataAt {
  readonly kind: 'isdataat'
  readonly position: Operand
  readonly relative: boolean
  readonly negated: boolean
}

/** `min` and `max` are inclusive; `-1` and `Infinity` leave an end open. `number-range.ts` asks it. */
export interface NumberRange {
  readonly min: number
  readonly max: number
  readonly negated: boolean
  /** Bits that are compared; left out: the whole number. */
  readonly mask?: number
}

/** `bsize`, and `urilen` on a URI buffer. */
export interface BufferSize extends NumberRange {
  readonly kind: 'bsize'
}

export interface Base64Decode {
  readonly kind: 'base64_decode'
  /** Most encoded bytes that are decoded; 0: to the end. */
  readonly bytes: number
  readonly offset: number
  readonly relative: boolean
  /** Matches of the `base64_data` buffer that follows, in order. */
  readonly matches: BufferMatch[]
}

/** `absent`: the buffer does not exist at all (or, with `orElse`, the other matches hold). */
export interface Absent {
  readonly kind: 'absent'
  readonly orElse: boolean
}

/** Shannon entropy of a stretch of the buffer, 0 to 8 bits per byte. */
export interface Entropy {
  readonly kind: 'entropy'
  /** 0: to the end. */
  readonly bytes: number
  readonly offset: number
  readonly comparison: '<' | '>' | '=' | '!=' | '<=' | '>='
  readonly value: number
}

/** Which of a list of numbers a range is asked of. */
export type NumberIndex =
  /** One of them; with `orAbsent` an empty list will do. */
  | { readonly kind: 'any'; readonly orAbsent: boolean }
  | { readonly kind: 'all'; readonly orAbsent: boolean }
  /** From the end where negative; with `orAbsent` a place that does not exist will do. */
  | { readonly kind: 'at'; readonly position: number; readonly orAbsent: boolean }
  /** So many of them. */
  | { readonly kind: 'times'; readonly times: NumberRange }

/** Compares the numbers of a number buffer (`BufferRow.numbers`). */
export interface NumbersMatch {
  readonly kind: 'numbers'
  /** Asked of the numbers, or with `count` of how many there are. */
  readonly range: NumberRange
  readonly count: boolean
  readonly index: NumberIndex
  /** Part of the list that is looked at, as `Array.slice` takes it; null: all of it. */
  readonly slice: readonly [number, number] | null
}

export type DatasetType = 'string' | 'md5' | 'sha256' | 'ipv4' | 'ip'

/** Where the values of a set come from. */
export interface DatasetSource {
  readonly name: string
  /** Null: another rule tells. */
  readonly type: DatasetType | null
  /** Relative to the folder of the rule's file; null: it begins empty. */
  readonly file: string | null
  /** The file need not be there. */
  readonly isState: boolean
  readonly format: 'csv' | 'json' | 'ndjson'
  /** Dotted paths within a JSON entry, and to the list of entries; empty: the whole. */
  readonly valueKey: string
  readonly arrayKey: string
  /** Name under which an alert quotes the entry; null: it does not. */
  readonly contextKey: string | null
  /** The value itself is left out of what is quoted. */
  readonly removesKey: boolean
  /** A domain stands for those below it. */
  readonly isSubdomain: boolean
  /** Memory that the set may take. */
  readonly maxBytes: number
}

/** Whether the buffer is in a set; `set` and `unset` change it when the whole rule matches. */
export type DatasetMatch = DatasetSource &
  (
    | {
        readonly kind: 'dataset'
        readonly operation: 'set' | 'unset' | 'isset' | 'isnotset'
      }
    | {
        readonly kind: 'datarep'
        readonly comparison: '>' | '<' | '='
        readonly value: number
      }
  )

export type BufferMatch =
  | ContentMatch
  | PcreMatch
  | ByteTest
  | ByteJump
  | ByteExtract
  | ByteMath
  | IsDataAt
  | BufferSize
  | Base64Decode
  | Absent
  | Entropy
  | NumbersMatch
  | DatasetMatch

/** Matches over one buffer, in the order written. Two sections of one buffer are merged. */
export interface Section {
  /** Row of the buffer table (`buffers.ts`). */
  readonly buffer: string
  readonly transforms: readonly TransformStep[]
  /** Direction it was pinned to (`http.connection: to_client`); null: that of the data. */
  readonly side: 'request' | 'response' | null
  readonly matches: readonly BufferMatch[]
}

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

export type PacketField =
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

/** What a match changes, whether or not an alert is shown. */
export type Effect =
  | {
      readonly kind: 'flowbits'
      readonly operation: 'set' | 'unset' | 'toggle'
      readonly names: readonly string[]
    }
  | {
      readonly kind: 'xbits'
      readonly operation: 'set' | 'unset' | 'toggle'
      readonly name: string
      readonly track: XbitTrack
      readonly expireSeconds: number
    }
  | {
      readonly kind: 'flowint'
      readonly name: string
      readonly operation: '=' | '+' | '-'
      readonly value: Operand
    }

export type ThresholdTrack = 'by_src' | 'by_dst' | 'by_rule' | 'by_both' | 'by_flow'

/** Bounds alerts in time. `detection` is `detection_filter`: the rule matches only above the rate. */
export interface Threshold {
  readonly kind: 'limit' | 'threshold' | 'both' | 'detection'
  readonly track: ThresholdTrack
  readonly count: number
  readonly seconds: number
}

/** One parsed rule. Everything the text asks for is here, or the rule was rejected. */
export interface Rule {
  readonly action: Action
  readonly protocol: Protocol
  readonly direction: RuleDirection
  readonly source: AddressSpec
  readonly sourcePorts: PortSpec
  readonly destination: AddressSpec
  readonly destinationPorts: PortSpec
  /** Application protocol, from the header or from the buffers used; null: any. */
  readonly application: string | null
  readonly gid: number
  readonly sid: number
  readonly rev: number
  readonly message: string
  readonly classtype: string | null
  /** 1 (most urgent) to 255; the classtype's where the rule does not say. */
  readonly priority: number
  readonly category: string
  readonly references: readonly string[]
  readonly metadata: Readonly<Record<string, readonly string[]>>
  readonly target: 'src_ip' | 'dest_ip' | null
  readonly flow: FlowCondition
  /** Directions in which the rule can match, from `flow` and from the buffers. */
  readonly toServer: boolean
  readonly toClient: boolean
  readonly sections: readonly Section[]
  readonly packetChecks: readonly PacketCheck[]
  readonly flowChecks: readonly FlowCheck[]
  readonly fileChecks: readonly FileCheck[]
  /** Events of `app-layer-event`: the rule is asked when one was raised, and wants all. */
  readonly events: readonly string[]
  readonly effects: readonly Effect[]
  readonly threshold: Threshold | null
  readonly noAlert: boolean
  /** Matches are shown though the action is pass. */
  readonly showsPass: boolean
  /** False for a commented-out rule that was parsed on request. */
  readonly enabled: boolean
  readonly file: string
  readonly line: number
}
