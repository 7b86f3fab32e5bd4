import type { Redis } from 'ioredis'
import { type Static, Type } from 'typebox'
import { reachable } from './connection.ts'
import { AUDIT_KEY } from './keys.ts'

/** Who changed what: written by the same script as the change itself. */
export const AuditEntry = Type.Object({
  /** Position in the log; a later page starts after it. */
  cursor: Type.String(),
  at: Type.String(),
  token: Type.String(),
  tenant: Type.String(),
  requestId: Type.String(),
  address: Type.String(),
  action: Type.String(),
  kind: Type.String(),
  id: Type.String(),
  /** Revision before and after; null where the resource did not exist. */
  before: Type.Union([Type.Integer(), Type.Null()]),
  after: Type.Union([Type.Integer(), Type.Null()]),
})
export type AuditEntry = Static<typeof AuditEntry>

export class AuditLog {
  readonly #redis: Redis

  constructor(redis: Redis) {
    this.#redis = redis
  }

  /** Entries newest first, those before `cursor` (a stream id) when it is given. */
  async read(limit: number, cursor: string | null): Promise<AuditEntry[]> {
    const end = cursor === null ? '+' : `(${cursor}`
    const entries = await reachable(
      this.#redis.xrevrange(AUDIT_KEY, end, '-', 'COUNT', String(limit)),
    )
    return entries.map(([id, fields]) => ({
      cursor: id,
      ...(JSON.parse(fields[1] ?? '{}') as Omit<AuditEntry, 'cursor'>),
    }))
  }
}
