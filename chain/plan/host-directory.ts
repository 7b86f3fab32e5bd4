import { EventEmitter } from 'node:events'
import type { Redis } from 'ioredis'
import { Compile } from 'typebox/compile'
import { HOSTS_KEY, hostStatusKey, STATUS_CHANNEL } from '#chain/model/redis-keys.ts'
import { HostStatus } from '#chain/model/status.ts'

/** How often every host is read although no hint came. */
export const HOST_POLL_MS = 2000
/** Most hosts one manager reads; further ones are counted and left out. */
export const MAX_HOSTS = 10_000
/** Status keys per MGET. */
const HOSTS_PER_READ = 100

/** A host that has ever reported. `status` is null when its lease ran out: the agent is gone. */
export interface KnownHost {
  readonly host: string
  readonly status: HostStatus | null
  /** What it said last, for as long as this manager runs; also when it is gone. */
  readonly last: HostStatus | null
}

const statusSchema = Compile(HostStatus)

/** @returns null when the text is not a HostStatus of that host */
export function parseHostStatus(json: string, host: string): HostStatus | null {
  try {
    const value: unknown = JSON.parse(json)
    return statusSchema.Check(value) && value.host === host ? value : null
  } catch {
    return null
  }
}

interface DirectoryEvents {
  /** A host came, went, or reported something else. */
  change: []
}

/**
 * What the agents report, kept up to date: by polling, and at once on the agents' hints. The lease is
 * the key's expiry, so no clock of two machines is compared.
 */
export class HostDirectory extends EventEmitter<DirectoryEvents> {
  readonly #redis: Redis
  readonly #subscriber: Redis
  readonly #hosts = new Map<string, KnownHost & { json: string | null }>()
  readonly #hinted = new Set<string>()
  #timer: NodeJS.Timeout | null = null
  #reading: Promise<void> | null = null
  #closed = false

  constructor(redis: Redis, subscriber: Redis) {
    super()
    this.#redis = redis
    this.#subscriber = subscriber
    this.setMaxListeners(0)
  }

  async start(): Promise<void> {
    this.#subscriber.on('message', (channel: string, host: string) => {
      if (channel !== STATUS_CHANNEL || this.#hinted.size >= MAX_HOSTS) return
      this.#hinted.add(host)
      void this.#readHinted()
    })
    await this.#subscriber.subscribe(STATUS_CHANNEL)
    await this.refresh()
    this.#schedule()
  }

  stop(): void {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#subscriber.removeAllListeners('message')
  }

  all(): readonly KnownHost[] {
    return [...this.#hosts.values()]
  }

  get(host: string): KnownHost | undefined {
    return this.#hosts.get(host)
  }

  /** Reads every host now. Failures are left to the next reading. */
  async refresh(): Promise<void> {
    const names = (await this.#redis.smembers(HOSTS_KEY).catch(() => null))?.toSorted()
    if (names) await this.#read(names.slice(0, MAX_HOSTS))
  }

  #schedule(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      void this.refresh().finally(() => this.#schedule())
    }, HOST_POLL_MS)
  }

  /** Hints that come during a reading are read together by the next one. */
  async #readHinted(): Promise<void> {
    if (this.#reading !== null) return
    while (this.#hinted.size > 0 && !this.#closed) {
      const names = [...this.#hinted]
      this.#hinted.clear()
      this.#reading = this.#read(names)
      await this.#reading
    }
    this.#reading = null
  }

  async #read(names: readonly string[]): Promise<void> {
    let hasChanged = false
    for (let start = 0; start < names.length; start += HOSTS_PER_READ) {
      const batch = names.slice(start, start + HOSTS_PER_READ)
      const texts = await this.#redis.mget(batch.map(hostStatusKey)).catch(() => null)
      if (texts === null) return
      batch.forEach((host, index) => {
        if (this.#update(host, texts[index] ?? null)) hasChanged = true
      })
    }
    if (hasChanged) this.emit('change')
  }

  #update(host: string, json: string | null): boolean {
    const known = this.#hosts.get(host)
    if (known !== undefined && known.json === json) return false
    const status = json === null ? null : parseHostStatus(json, host)
    this.#hosts.set(host, { host, json, status, last: status ?? known?.last ?? null })
    return true
  }
}
