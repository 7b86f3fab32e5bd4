import type { Direction, PortEntry } from '#chain/model/attachment.ts'
import type { SwitchPort } from '#steering/ovsdb/switch-port.ts'
import type { Prefix } from './flow.ts'

/** The compiler's input: desired state with every id allocated and every text turned into numbers. */
export interface SteeredState {
  readonly generation: number
  readonly firstTable: number
  /** Priority of the lowest of our entry flows in table 0; the others are up to 3 above it. */
  readonly entryPriority: number
  readonly domains: readonly SteeredDomain[]
  readonly ports: readonly SteeredPort[]
  readonly attachments: readonly SteeredAttachment[]
  readonly switchPorts: readonly SwitchPort[]
}

export interface SteeredDomain {
  /** As the desired state names it. */
  readonly key: string
  readonly ofport: number
  readonly mac: bigint
  /** A worker accepts connections. */
  readonly isListening: boolean
}

export interface SteeredPort {
  /** First of ZONES_PER_PORT consecutive zones: far, near, pass, book. */
  readonly firstZone: number
  readonly ofport: number
  readonly mac: bigint
  readonly vlan: number | null
  readonly addresses: readonly Prefix[]
  /** OpenFlow port of its inspector. */
  readonly inspector: number
  /** An attachment wants datagrams: UDP of this port goes through our tables. */
  readonly hasDatagrams: boolean
}

export interface SteeredClassifier {
  readonly protocol: 'tcp' | 'udp'
  readonly destinationPorts: 'any' | readonly PortEntry[]
  readonly remote: Prefix | null
}

export interface SteeredAttachment {
  /** Number in cookies and labels, 1..2^31-1. */
  readonly number: number
  readonly port: SteeredPort
  readonly direction: Direction
  readonly classifiers: readonly SteeredClassifier[]
  readonly priority: number
  readonly onFailure: 'open' | 'closed'
  readonly isDraining: boolean
  /** True while the learning window is open. */
  readonly isLearning: boolean
}
