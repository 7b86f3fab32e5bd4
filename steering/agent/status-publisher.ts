import type { Redis } from 'ioredis'
import {
  HOSTS_KEY,
  HOST_STATUS_TTL_MS,
  STATUS_CHANNEL,
  hostStatusKey,
} from '#chain/model/redis-keys.ts'
import type { HostStatus } from '#chain/model/status.ts'
import { isSameStatus } from './host-status.ts'

/** Changes that come together are told together. */
const GATHER_MS = 5
const REFRESH_MS = HOST_STATUS_TTL_MS / 3

/**
 * Keeps this host's status in Redis: at once when it says something new, and often enough that its
 * lease does not run out. Whoever waits for an attachment to be in force waits for the hint.
 */
export class StatusPublisher {
  readonly #redis: Redis
  readonly #build: () => HostStatus
  #published: HostStatus | null = null
  #gather: NodeJS.Timeout | null = null
  #refresh: NodeJS.Timeout | null = null
  #writing: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(redis: Redis, build: () => HostStatus) {
    this.#redis = redis
    this.#build = build
  }

  start(): void {
    this.#redis.on('ready', () => {
      this.#published = null
      this.changed()
    })
    this.#refresh = setInterval(() => this.#write(true), REFRESH_MS)
    this.changed()
  }

  /** Something may have changed. */
  changed(): void {
    if (this.#stopped || this.#gather !== null) return
    this.#gather = setTimeout(() => {
      this.#gather = null
      this.#write(false)
    }, GATHER_MS)
  }

  /** Stops, and where asked takes the status away: the host is gone on purpose. */
  async stop(remove: boolean): Promise<void> {
    this.#stopped = true
    if (this.#gather !== null) clearTimeout(this.#gather)
    if (this.#refresh !== null) clearInterval(this.#refresh)
    await this.#writing
    if (!remove) return
    const { host } = this.#build()
    await this.#redis.del(hostStatusKey(host)).catch(() => {})
    await this.#redis.publish(STATUS_CHANNEL, host).catch(() => {})
  }

  #write(isRefresh: boolean): void {
    this.#writing = this.#writing.then(async () => {
      const status = this.#build()
      const isNew = this.#published === null || !isSameStatus(this.#published, status)
      if (!isNew && !isRefresh) return
      try {
        const { host } = status
        const key = hostStatusKey(host)
        const text = JSON.stringify(status)
        const transaction = this.#redis.multi().set(key, text, 'PX', HOST_STATUS_TTL_MS)
        await transaction.sadd(HOSTS_KEY, host).exec()
        if (isNew) await this.#redis.publish(STATUS_CHANNEL, host)
        this.#published = status
      } catch {
        this.#published = null // Redis is away: told again when it is back
      }
    })
  }
}
