import { EventEmitter } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { hostSnapshotChannel, hostSnapshotKey } from '#chain/model/redis-keys.ts'
import type { HostSnapshot } from '#chain/model/snapshot.ts'
import { readIfPresent, writeDurably } from '../domain/durable-file.ts'
import { decideSnapshot } from './snapshot.ts'

/** The hint may be lost: the key is read so often whatever was heard, plus up to a quarter. */
export const SNAPSHOT_POLL_MS = 3000

interface SnapshotEvents {
  /** A newer snapshot, already on disk. */
  snapshot: [snapshot: HostSnapshot]
  /** What is wrong with the one that Redis offers; null when that is over. */
  refused: [reason: string | null]
}

/**
 * Where desired state comes from: first the copy on this host's disk, then Redis, for as long as the
 * agent runs. A snapshot is on disk before anybody acts on it, so an agent that starts while Redis is
 * away goes on with what was in force.
 */
export class SnapshotSource extends EventEmitter<SnapshotEvents> {
  readonly #redis: Redis
  readonly #subscriber: Redis
  readonly #host: string
  readonly #file: string
  #inForce: HostSnapshot | null = null
  #refused: string | null = null
  #timer: NodeJS.Timeout | null = null
  #reading: Promise<void> | null = null
  #again = false
  #stopped = false

  /** @param folder data folder of the agent; the copy is `snapshot.json` in it */
  constructor(redis: Redis, subscriber: Redis, host: string, folder: string) {
    super()
    this.#redis = redis
    this.#subscriber = subscriber
    this.#host = host
    this.#file = join(folder, 'snapshot.json')
  }

  get snapshot(): HostSnapshot | null {
    return this.#inForce
  }

  /** Loads the copy on disk and begins to listen; returns before Redis was asked. */
  async start(): Promise<void> {
    await mkdir(join(this.#file, '..'), { recursive: true })
    const text = await readIfPresent(this.#file)
    const decision = text === null ? null : decideSnapshot(text, this.#host, null)
    if (decision?.kind === 'accepted') {
      this.#inForce = decision.snapshot
      this.emit('snapshot', decision.snapshot)
    } else if (decision?.kind === 'invalid') {
      this.#refuse(`${this.#file}: ${decision.reason}`)
    }
    const channel = hostSnapshotChannel(this.#host)
    this.#subscriber.on('message', (from: string) => {
      if (from === channel) this.read()
    })
    this.#subscriber.on('ready', () => this.read())
    // ioredis subscribes again by itself after a lost connection.
    this.#subscriber.subscribe(channel).catch(() => {})
    this.read()
  }

  stop(): void {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  /** Reads the key now, or once more when a reading is under way. */
  read(): void {
    if (this.#stopped) return
    if (this.#reading !== null) {
      this.#again = true
      return
    }
    this.#reading = this.#readOnce()
      .catch(() => {}) // Redis is away: the timer asks again
      .finally(() => {
        this.#reading = null
        if (this.#again) {
          this.#again = false
          this.read()
        } else this.#schedule()
      })
  }

  #schedule(): void {
    if (this.#stopped) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    const pauseMs = SNAPSHOT_POLL_MS * (1 + Math.random() / 4)
    this.#timer = setTimeout(() => this.read(), pauseMs)
  }

  async #readOnce(): Promise<void> {
    const text = await this.#redis.get(hostSnapshotKey(this.#host))
    if (text === null || this.#stopped) return
    const decision = decideSnapshot(text, this.#host, this.#inForce)
    switch (decision.kind) {
      case 'accepted':
        await writeDurably(this.#file, text)
        this.#inForce = decision.snapshot
        this.#refuse(null)
        this.emit('snapshot', decision.snapshot)
        return
      case 'known':
        this.#refuse(null)
        return
      case 'regressed':
      case 'invalid':
        this.#refuse(decision.reason)
        return
      default:
        decision satisfies never
    }
  }

  #refuse(reason: string | null): void {
    if (reason === this.#refused) return
    this.#refused = reason
    this.emit('refused', reason)
  }
}
