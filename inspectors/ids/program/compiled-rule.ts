import type { BufferSide } from '#signatures/suricata/buffers.ts'
import type { NumbersMatch } from '#signatures/suricata/buffer-match.ts'
import type { FlowCheck } from '#signatures/suricata/checks.ts'
import type { RuleHead } from '#signatures/suricata/rule.ts'
import type { RuleType } from './rule-type.ts'
import type { TransformStep } from '#signatures/suricata/transform.ts'
import type { FileTest } from '../files/file-test.ts'
import type { PortCondition } from './port-condition.ts'
import type { SlotReading } from './slot-reading.ts'
import type { Step } from './steps.ts'

/** A buffer with its transforms, as rules use it. Slots are numbered; views cache by the number. */
export interface Slot {
  readonly id: number
  readonly buffer: string
  readonly transforms: readonly TransformStep[]
  /** Direction it is pinned to; null: that of the data. */
  readonly side: Side | null
  /** Directions that have the buffer. */
  readonly sides: BufferSide
  readonly multiple: boolean
  readonly streaming: boolean
  /** Which scan of an HTTP head finds it. */
  readonly reading: SlotReading
  /** Its instances are numbers, not text. */
  readonly numbers: boolean
}

export interface CompiledSection {
  readonly slot: Slot
  readonly steps: readonly Step[]
  /** Decided only when the whole buffer was seen. */
  readonly needsEnd: boolean
  /** `absent`: holds when the buffer does not exist. */
  readonly absent: 'no' | 'required' | 'or-else'
  /** Comparisons of a number buffer; empty for a text one. */
  readonly numbers: readonly NumbersMatch[]
}

/** Addresses and ports of a rule header. Rules share these; flows of one kind share one result for each. */
export interface HeaderTest {
  readonly id: number
  /** @param source, destination addresses as bytes in the direction of the data */
  matches(source: string, sourcePort: number, destination: string, destinationPort: number): boolean
  /** The same of the ports alone: false only where no address could make it match. */
  matchesPorts(sourcePort: number, destinationPort: number): boolean
  /** All that is asked of either port. */
  readonly ports: Readonly<Record<'source' | 'destination', readonly PortCondition[]>>
}

export interface CompiledRule {
  /** Place in evaluation order: pass, drop, reject, alert; setters of bits first; urgent first. */
  readonly index: number
  readonly rule: RuleHead
  readonly type: RuleType
  readonly header: HeaderTest
  /** Of the rule: what is asked first is at hand. Protocol that the connection must speak; null: any. */
  readonly spoken: string | null
  readonly flowChecks: readonly FlowCheck[]
  readonly sections: readonly CompiledSection[]
  /** Its events evaluate the rule; null: the bytes themselves do. */
  readonly application: Application | null
  /** Asked of each file of a message; empty: of none. */
  readonly files: readonly FileTest[]
  /** Payload sections run on the stream, on single chunks, or on both. */
  readonly payload: 'none' | 'stream' | 'chunk' | 'both'
  /** Packets of a capture that the rule is matched against by itself. */
  readonly onPackets: 'always' | 'without-session' | 'never'
  /** On a packet it is asked when the packet's bytes were read, not before. */
  readonly afterStream: boolean
}

export type Side = 'request' | 'response'

export type Application = 'http' | 'tls' | 'dns' | 'dcerpc'
