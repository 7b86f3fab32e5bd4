import { setImmediate } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { ApiError } from '#chain/errors.ts'
import type { DesiredState, Stored } from '#chain/model/desired.ts'
import { reachable } from './connection.ts'
import {
  AUDIT_KEY,
  MAX_AUDIT_ENTRIES,
  type ResourceKind,
  resourceKey,
  REVISION_KEY,
} from './keys.ts'
import { WRITE_SCRIPT } from './scripts.ts'

/** Times a write is decided anew because another manager wrote in between. */
export const MAX_WRITE_ATTEMPTS = 16

/** Who asked, for the audit log. */
export interface Actor {
  readonly token: string
  readonly tenant: string
  readonly requestId: string
  readonly address: string
}

/** One change of one resource; `value: null` deletes it. */
export interface Write {
  readonly kind: ResourceKind
  readonly key: string
  readonly value: object | null
  /** Verb for the audit log: `create`, `replace`, `delete`, `activate`, ... */
  readonly action: string
}

/** What came of a write: the picture after it, and what the decision answered. */
export interface Written<T> {
  readonly state: DesiredState
  readonly result: T
}

const KINDS: readonly ResourceKind[] = ['port', 'chain', 'attachment', 'rule-set']

/**
 * Desired state in Redis, read as one picture and written by compare-and-set on its revision.
 * The last picture is kept: while the revision stands, a read costs one `GET`.
 */
export class DesiredStore {
  readonly #redis: Redis
  #cached: DesiredState | null = null
  #writing: Promise<unknown> = Promise.resolve()

  constructor(redis: Redis) {
    this.#redis = redis
    // After a failover the same revision may stand for other content.
    redis.on('close', () => {
      this.#cached = null
    })
  }

  /** @throws ApiError `unavailable` */
  async load(): Promise<DesiredState> {
    return reachable(this.#load())
  }

  async #load(): Promise<DesiredState> {
    if (this.#cached !== null) {
      const revision = Number((await this.#redis.get(REVISION_KEY)) ?? '0')
      if (this.#cached?.revision === revision) return this.#cached
      // A write of ours may have been answered in the same packet and is not in the picture yet.
      await setImmediate()
      if (this.#cached?.revision === revision) return this.#cached
    }
    const transaction = this.#redis.multi().get(REVISION_KEY)
    for (const kind of KINDS) transaction.hgetall(resourceKey(kind))
    const replies = (await transaction.exec()) ?? []
    const failed = replies.find(([error]) => error !== null)
    if (failed?.[0]) throw failed[0]
    const [revision, ports, chains, attachments, ruleSets] = replies.map(([, reply]) => reply)
    const state: DesiredState = {
      revision: Number(revision ?? '0'),
      ports: parseHash(ports),
      chains: parseHash(chains),
      attachments: parseHash(attachments),
      ruleSets: parseHash(ruleSets),
    }
    this.#cached = state
    return state
  }

  /**
   * Decides on the present picture and writes. `decide` may run several times and must be pure; it
   * throws an ApiError to refuse, and answers `write: null` when there is nothing to change.
   *
   * @throws ApiError `unavailable`, or what `decide` throws
   */
  async change<T>(
    actor: Actor,
    decide: (state: DesiredState) => { write: Write | null; result: T },
  ): Promise<Written<T>> {
    const turn = this.#writing.then(() => reachable(this.#change(actor, decide)))
    this.#writing = turn.catch(() => {})
    return turn
  }

  async #change<T>(
    actor: Actor,
    decide: (state: DesiredState) => { write: Write | null; result: T },
  ): Promise<Written<T>> {
    for (let attempt = 0; attempt < MAX_WRITE_ATTEMPTS; attempt++) {
      const state = await this.#load()
      const { write, result } = decide(state)
      if (write === null) return { state, result }
      const after = await this.#write(actor, state, write)
      if (after !== null) return { state: after, result }
      this.#cached = null
    }
    throw new ApiError('unavailable', 'others kept changing desired state; repeat the request')
  }

  async #write(actor: Actor, state: DesiredState, write: Write): Promise<DesiredState | null> {
    const updatedAt = new Date().toISOString()
    const revision = state.revision + 1
    const stored = write.value === null ? null : { revision, updatedAt, value: write.value }
    const before = fieldOf(state, write.kind).get(write.key)?.revision ?? null
    const entry = {
      at: updatedAt,
      ...actor,
      action: write.action,
      kind: write.kind,
      id: write.key,
      before,
      after: stored === null ? null : revision,
    }
    const reply = await this.#redis.eval(
      WRITE_SCRIPT,
      3,
      REVISION_KEY,
      resourceKey(write.kind),
      AUDIT_KEY,
      state.revision,
      write.key,
      stored === null ? '' : JSON.stringify(stored),
      JSON.stringify(entry),
      MAX_AUDIT_ENTRIES,
    )
    if (Number(reply) !== revision) return null
    const after = withWrite(state, write.kind, write.key, stored, revision)
    this.#cached = after
    return after
  }
}

type AnyField = ReadonlyMap<string, Stored<unknown>>

const FIELDS = {
  port: 'ports',
  chain: 'chains',
  attachment: 'attachments',
  'rule-set': 'ruleSets',
} as const

function fieldOf(state: DesiredState, kind: ResourceKind): AnyField {
  return state[FIELDS[kind]]
}

/** The picture with one resource set or (`null`) removed. Used for dry runs too. */
export function withWrite(
  state: DesiredState,
  kind: ResourceKind,
  key: string,
  stored: Stored<unknown> | null,
  revision: number,
): DesiredState {
  const field = new Map(fieldOf(state, kind))
  if (stored === null) field.delete(key)
  else field.set(key, stored)
  return { ...state, revision, [FIELDS[kind]]: field }
}

function parseHash<T>(reply: unknown): ReadonlyMap<string, Stored<T>> {
  const map = new Map<string, Stored<T>>()
  for (const [key, json] of Object.entries((reply ?? {}) as Record<string, string>)) {
    map.set(key, JSON.parse(json) as Stored<T>)
  }
  return map
}
