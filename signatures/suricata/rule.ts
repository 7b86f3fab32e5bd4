import type { BufferMatch, Operand } from './buffer-match.ts'
import type { FileCheck, FlowCheck, FlowCondition, PacketCheck, XbitTrack } from './checks.ts'
import type { AddressSpec } from './address.ts'
import type { PortSpec } from './ports.ts'
import type { Protocol } from './protocols.ts'
import type { TransformStep } from './transform.ts'

/** What the rule asks for when it matches; the reject forms differ in who is told. */
export type Action = 'alert' | 'pass' | 'drop' | 'reject' | 'rejectsrc' | 'rejectdst' | 'rejectboth'

/** `to`: `->`; `both`: `<>`, holds either way round; `transaction`: `=>`, one rule over both sides. */
export type RuleDirection = 'to' | 'both' | 'transaction'

/** Matches over one buffer, in the order written. Two sections of one buffer are merged. */
export interface Section {
  /** Row of the buffer table (`buffers.ts`). */
  readonly buffer: string
  readonly transforms: readonly TransformStep[]
  /** Direction it was pinned to (`http.connection: to_client`); null: that of the data. */
  readonly side: 'request' | 'response' | null
  readonly matches: readonly BufferMatch[]
}

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
  readonly kind: 'limit' | 'threshold' | 'both' | 'detection' | 'backoff'
  readonly track: ThresholdTrack
  readonly count: number
  /** Of `backoff`: without end. */
  readonly seconds: number
  /** `backoff`: after an alert so many times as many matches are needed for the next. */
  readonly multiplier?: number
  /** `detection`: matches with different ports alone count. */
  readonly uniqueOn?: 'src_port' | 'dst_port'
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

/** A rule without what it matches: who it is, where it looks and what it leads to. */
export type RuleHead = Omit<Rule, 'sections'>
