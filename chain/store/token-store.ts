import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Redis } from 'ioredis'
import { type Static, Type } from 'typebox'
import { Name } from '#chain/model/names.ts'
import { reachable } from './connection.ts'
import { TOKENS_KEY } from './keys.ts'

/**
 * `operator`: everything, for every tenant. `tenant`: the resources of one tenant.
 * `analyst`: reads the alerts of one tenant, and nothing else.
 */
export const Role = Type.Union([
  Type.Literal('operator'),
  Type.Literal('tenant'),
  Type.Literal('analyst'),
])
export type Role = Static<typeof Role>

/** What is known of a token. The secret itself is nowhere: only its SHA-256 is kept. */
export interface TokenRecord {
  readonly id: string
  readonly tenant: string
  readonly role: Role
  readonly description: string
  readonly createdAt: string
  /** RFC 3339, or null for a token that does not expire. */
  readonly expiresAt: string | null
}

interface StoredToken extends TokenRecord {
  readonly secretSha256: string
}

export const TokenRequest = Type.Object(
  {
    tenant: Name,
    role: Role,
    description: Type.Optional(Type.String({ maxLength: 200 })),
    /** Days until it expires; absent: never. */
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650 })),
  },
  { additionalProperties: false },
)
export type TokenRequest = Static<typeof TokenRequest>

/** Most tokens that may exist. */
export const MAX_TOKENS = 10_000

const TOKEN = /^pcl_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/

const digest = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/**
 * Bearer tokens: `pcl_<id>_<secret>`. The secret has 256 random bits, so one fast hash is enough and
 * no guess is worth trying; the id finds the record and is what audit entries name.
 */
export class TokenStore {
  readonly #redis: Redis

  constructor(redis: Redis) {
    this.#redis = redis
  }

  /** Makes a token. Its text is in the answer, and can never be had again. */
  async create(request: TokenRequest): Promise<{ token: string; record: TokenRecord }> {
    const id = randomBytes(6).toString('hex')
    const secret = randomBytes(32).toString('base64url')
    const now = Date.now()
    const record: TokenRecord = {
      id,
      tenant: request.tenant,
      role: request.role,
      description: request.description ?? '',
      createdAt: new Date(now).toISOString(),
      expiresAt:
        request.days === undefined ? null : new Date(now + request.days * 86_400_000).toISOString(),
    }
    const stored: StoredToken = { ...record, secretSha256: digest(secret).toString('hex') }
    await reachable(this.#redis.hset(TOKENS_KEY, id, JSON.stringify(stored)))
    return { token: `pcl_${id}_${secret}`, record }
  }

  /** The record of a valid token; null for anything else. */
  async verify(token: string): Promise<TokenRecord | null> {
    const match = TOKEN.exec(token)
    if (match === null) return null
    const [, id = '', secret = ''] = match
    const json = await reachable(this.#redis.hget(TOKENS_KEY, id))
    if (json === null) return null
    const stored = JSON.parse(json) as StoredToken
    if (!timingSafeEqual(digest(secret), Buffer.from(stored.secretSha256, 'hex'))) return null
    if (stored.expiresAt !== null && Date.parse(stored.expiresAt) <= Date.now()) return null
    return withoutSecret(stored)
  }

  async list(): Promise<TokenRecord[]> {
    const stored = await reachable(this.#redis.hvals(TOKENS_KEY))
    return stored
      .map((json) => withoutSecret(JSON.parse(json) as StoredToken))
      .toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
  }

  async count(): Promise<number> {
    return reachable(this.#redis.hlen(TOKENS_KEY))
  }

  /** @returns false when there is no such token */
  async remove(id: string): Promise<boolean> {
    return (await reachable(this.#redis.hdel(TOKENS_KEY, id))) === 1
  }
}

function withoutSecret(stored: StoredToken): TokenRecord {
  const { id, tenant, role, description, createdAt, expiresAt } = stored
  return { id, tenant, role, description, createdAt, expiresAt }
}
