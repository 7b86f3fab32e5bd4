import type { Classifier, Direction } from '#chain/model/attachment.ts'
import type { SwitchPort } from '#steering/ovsdb/switch-port.ts'

/**
 * What becomes of an attachment's new connections: it follows from whether its domain listens, from
 * `onFailure` and `isDraining`.
 * `listening`: a worker accepts, new connections are inspected.
 * `bypass`: none does and onFailure is open: new connections pass uninspected.
 * `closed`: none does and onFailure is closed: new connections are dropped.
 * `draining`: detached: new connections pass, inspected ones are inspected to their end.
 * Connections that are inspected already stay with the inspector in every mode.
 */
export type AttachmentMode = 'listening' | 'bypass' | 'closed' | 'draining'

/** One attachment whose guest port is on this switch. */
export interface DesiredAttachment {
  /** Attachment id, unique on the host: tenant and id (`acme/shop-in`). Never rendered into a flow. */
  readonly key: string
  /** Key of a DesiredPort. */
  readonly port: string
  readonly direction: Direction
  readonly classifiers: readonly Classifier[]
  readonly priority: number
  /**
   * `new-only`: packets in mid-connection are left alone while the learning window is open (the
   * controller opens it when it first sees the attachment). `reset`: no window; such connections are
   * reset by the inspector's kernel.
   */
  readonly onAttach: 'new-only' | 'reset'
  /** What becomes of new connections while no worker of the domain listens. */
  readonly onFailure: 'open' | 'closed'
  /** Detached: new connections pass, inspected ones are inspected to their end. */
  readonly isDraining: boolean
}

/** A guest's port with attachments, and the inspection domain that serves it. */
export interface DesiredPort {
  /** Port id, unique on the host (`acme/web-1`). Never rendered into a flow. */
  readonly key: string
  /** Realised port in the switch: only ports that the switch has now are given. */
  readonly ofport: number
  readonly mac: string
  readonly vlan: number | null
  /** Addresses or CIDRs that the guest answers to; unique inside the domain. */
  readonly addresses: readonly string[]
  /** Key of a DesiredDomain. */
  readonly domain: string
}

/** The inspection namespace's side in the switch. */
export interface DesiredDomain {
  readonly key: string
  readonly ofport: number
  /** MAC of the namespace's own end of the veth (`eth0`): frames to the inspector carry it. */
  readonly mac: string
}

/**
 * Everything that has to be in force, complete each time, but for the domains in which workers listen:
 * that changes at once and alone (`Steering.setListening`).
 */
export interface DesiredSteering {
  /** Snapshot generation; its low 16 bits go into the label of new connections. */
  readonly generation: number
  readonly domains: readonly DesiredDomain[]
  readonly ports: readonly DesiredPort[]
  readonly attachments: readonly DesiredAttachment[]
  /** Every port of the bridge (PortWatch): VLANs of access ports are taken from it. */
  readonly switchPorts: readonly SwitchPort[]
}
