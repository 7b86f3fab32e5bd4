import { type Static, Type } from 'typebox'
import { Direction } from './attachment.ts'
import { Name } from './names.ts'

/** A port as Open vSwitch has it on a host. */
export const ObservedPort = Type.Object({
  interfaceId: Type.String(),
  name: Type.String(),
  ofport: Type.Integer(),
  mac: Type.String(),
  vlan: Type.Optional(Type.Integer()),
  linkUp: Type.Boolean(),
})
export type ObservedPort = Static<typeof ObservedPort>

/**
 * `realized`: flows read back from the switch and workers with this chain listening.
 * `pending`: on the way. `failed`: cannot be enforced, `reason` says why; the previous state stays.
 * `bypassed`: no worker listens and onFailure is open, traffic passes uninspected.
 * `blocked`: no worker listens and onFailure is closed.
 * `draining`: detached, connections it already had are inspected to their end.
 */
export const AttachmentState = Type.Union([
  Type.Literal('realized'),
  Type.Literal('pending'),
  Type.Literal('failed'),
  Type.Literal('bypassed'),
  Type.Literal('blocked'),
  Type.Literal('draining'),
])
export type AttachmentState = Static<typeof AttachmentState>

export const AttachmentStatus = Type.Object({
  id: Name,
  tenant: Name,
  port: Name,
  chain: Name,
  direction: Direction,
  state: AttachmentState,
  reason: Type.Optional(Type.String()),
  /** Snapshot generation that is in force for this attachment. */
  generation: Type.Integer(),
  /** Inspector modes as the workers run them, in chain order: `waf:block`. */
  effective: Type.Array(Type.String()),
  /** `name@version` of each rule set the workers have loaded. */
  ruleSets: Type.Array(Type.String()),
  packets: Type.Integer(),
  bytes: Type.Integer(),
})
export type AttachmentStatus = Static<typeof AttachmentStatus>

export const DomainStatus = Type.Object({
  network: Name,
  tenant: Name,
  namespace: Type.String(),
  /** Workers that accept connections now, out of those wanted. */
  listening: Type.Integer(),
  wanted: Type.Integer(),
  restarts: Type.Integer(),
  bypassedMs: Type.Integer(),
})
export type DomainStatus = Static<typeof DomainStatus>

/** What an agent says of itself. The key expires: an agent that is gone is seen to be gone. */
export const HostStatus = Type.Object({
  host: Name,
  version: Type.String(),
  /** Milliseconds since the epoch. */
  reportedAt: Type.Integer(),
  epoch: Type.Integer(),
  /** Highest snapshot generation that is wholly in force. */
  generation: Type.Integer(),
  /** Generation the agent has read, and why it is not in force where it is not. */
  seenGeneration: Type.Integer(),
  reason: Type.Optional(Type.String()),
  /** False: `ports` says nothing of which there are. */
  switchConnected: Type.Boolean(),
  capabilities: Type.Array(Type.String()),
  ports: Type.Array(ObservedPort),
  attachments: Type.Array(AttachmentStatus),
  domains: Type.Array(DomainStatus),
  driftRepaired: Type.Integer(),
})
export type HostStatus = Static<typeof HostStatus>
