import { type Static, Type } from 'typebox'
import { Attachment } from './attachment.ts'
import { Chain } from './chain.ts'
import { Name } from './names.ts'
import { Port } from './port.ts'

/** An installed version of a rule set: its bundle is content-addressed. */
export const RuleSetVersion = Type.Object(
  {
    name: Name,
    /** First 16 hex digits of the bundle's SHA-256. */
    version: Name,
    /** SHA-256 of the bundle (tar.gz), 64 hex digits. */
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  },
  { additionalProperties: false },
)
export type RuleSetVersion = Static<typeof RuleSetVersion>

/**
 * Everything one host needs to enforce, immutable. An agent takes only a higher (epoch, generation)
 * and keeps the last good one on disk. Every attachment's port and chain are in the snapshot, and every
 * rule set that a chain names is in `ruleSets` under the very string by which it is named.
 */
export const HostSnapshot = Type.Object(
  {
    host: Name,
    /** Grows when desired state may have been lost (Redis failover); orders before generation. */
    epoch: Type.Integer({ minimum: 1 }),
    generation: Type.Integer({ minimum: 1 }),
    ports: Type.Array(Port),
    chains: Type.Array(
      Type.Object({ tenant: Name, chain: Chain }, { additionalProperties: false }),
    ),
    attachments: Type.Array(Attachment),
    ruleSets: Type.Record(Type.String(), RuleSetVersion),
  },
  { additionalProperties: false },
)
export type HostSnapshot = Static<typeof HostSnapshot>

/** What `hostSnapshotKey` holds. `sha256` is that of `body`, the JSON text of a HostSnapshot. */
export const SnapshotEnvelope = Type.Object(
  {
    epoch: Type.Integer({ minimum: 1 }),
    generation: Type.Integer({ minimum: 1 }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    body: Type.String(),
  },
  { additionalProperties: false },
)
export type SnapshotEnvelope = Static<typeof SnapshotEnvelope>
