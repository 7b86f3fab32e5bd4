import { type Static, Type } from 'typebox'
import { Attachment } from './attachment.ts'
import { Chain } from './chain.ts'
import { Name } from './names.ts'
import { Port } from './port.ts'

/**
 * Where connections come from.
 * `transparent`: an inherited `IP_TRANSPARENT` socket; the local address is the server that was
 * dialled, and the upstream connection is made from the client's own address.
 * `proxy`: a plain reverse proxy (`portcullis inspect`).
 */
export const DomainListener = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('transparent'),
      fd: Type.Integer({ minimum: 3 }),
      /** Packet socket from which datagrams are read, and through which they go on. */
      datagramFd: Type.Optional(Type.Integer({ minimum: 3 })),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      kind: Type.Literal('proxy'),
      host: Type.String(),
      port: Type.Integer({ minimum: 0, maximum: 65_535 }),
      upstreamHost: Type.String(),
      upstreamPort: Type.Integer({ minimum: 1, maximum: 65_535 }),
    },
    { additionalProperties: false },
  ),
])
export type DomainListener = Static<typeof DomainListener>

/** A chain with each rule reference resolved: reference as written -> files and folders on this host. */
export const DomainChain = Type.Object(
  {
    tenant: Name,
    chain: Chain,
    /** Absolute paths by the string the chain uses for them (`baseline`, `crs@ab12`, a path). */
    rulePaths: Type.Record(Type.String(), Type.String()),
    /** `name@version` by the string the chain uses, for status and alerts. */
    ruleVersions: Type.Record(Type.String(), Type.String()),
  },
  { additionalProperties: false },
)
export type DomainChain = Static<typeof DomainChain>

/** What one inspection domain (a namespace with its workers) has to do. Immutable per generation. */
export const DomainConfig = Type.Object(
  {
    domain: Type.String(),
    host: Type.String(),
    generation: Type.Integer({ minimum: 1 }),
    listener: DomainListener,
    workers: Type.Integer({ minimum: 1, maximum: 64 }),
    /** Folder of the workers' alert spool; they may write there and nowhere else. */
    spoolFolder: Type.String(),
    ports: Type.Array(Port),
    attachments: Type.Array(Attachment),
    /** For kind `proxy` the first chain is used for every connection and `attachments` is empty. */
    chains: Type.Array(DomainChain),
  },
  { additionalProperties: false },
)
export type DomainConfig = Static<typeof DomainConfig>

/** One line each way on the supervisor's control socket (JSON, `\n`). */
export type ControlRequest =
  | { readonly id: number; readonly method: 'apply'; readonly config: DomainConfig }
  | { readonly id: number; readonly method: 'status' }
  | { readonly id: number; readonly method: 'metrics' }
  | { readonly id: number; readonly method: 'stop'; readonly drainMs: number }

export type ControlResponse =
  | { readonly id: number; readonly ok: true; readonly status: SupervisorStatus }
  | { readonly id: number; readonly ok: true; readonly metrics: string }
  | { readonly id: number; readonly ok: false; readonly error: string }

/** Sent unasked to every connected client when a field changes. */
export interface ControlEvent {
  readonly event: 'status'
  readonly status: SupervisorStatus
}

export interface SupervisorStatus {
  readonly domain: string
  readonly pid: number
  /** Generation that every listening worker runs; 0 before the first. */
  readonly generation: number
  /** Generation that was refused, and the reason with file, line and column; null when none. */
  readonly refused: { readonly generation: number; readonly reason: string } | null
  readonly wanted: number
  readonly listening: number
  /** Workers that no longer accept and finish the connections they have. */
  readonly draining: number
  readonly restarts: number
  readonly connections: number
}
