import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { AlertBatch, AlertRecord } from '#chain/model/eve.ts'
import { type SpoolSegment, sortSpoolSegments } from '#chain/model/spool.ts'
import { readIfPresent } from '../domain/durable-file.ts'
import { RETRY_MAX_MS, RETRY_MIN_MS } from './keyed-queue.ts'
import type { ShipCheckpoint } from './ship-checkpoint.ts'
import { openSegment, readBatch } from './spool-reader.ts'

/** How often the spools are looked at. */
export const SHIP_INTERVAL_MS = 250

/** File beside a domain's spool folder that says whose it is; workers cannot write there. */
export const SPOOL_OWNER_SUFFIX = '.owner'

/** Hands a batch to the queue; resolves when the queue has it. */
export type SendBatch = (jobId: string, batch: AlertBatch) => Promise<void>

export interface ShipperCounters {
  records: number
  batches: number
  /** Lines that were no records. */
  unreadable: number
  /** Records that named another tenant than the one whose traffic the workers inspect. */
  forged: number
  failures: number
  /** Bytes in all spools that are not acknowledged, as of the last look. */
  backlogBytes: number
}

/**
 * Moves alert records from the spools of this host to the manager's queue, at least once: read, send,
 * wait for the acknowledgement, then move the checkpoint. A batch's job id is its place in the spool, so
 * one that is sent twice is the same job. A finished segment is deleted when all of it is acknowledged;
 * so is an open one whose process ended. While Redis is away nothing is read on; the bound of the spool
 * is its writer's business.
 */
export class Shipper {
  readonly counters: ShipperCounters = {
    records: 0,
    batches: 0,
    unreadable: 0,
    forged: 0,
    failures: 0,
    backlogBytes: 0,
  }
  readonly #host: string
  readonly #folder: string
  readonly #checkpoint: ShipCheckpoint
  readonly #send: SendBatch
  readonly #onError: (error: unknown) => void
  readonly #ended = new AbortController()
  #loop: Promise<void> = Promise.resolve()

  /** @param folder parent of the spool folders, one for each domain and one of the agent */
  constructor(
    host: string,
    folder: string,
    checkpoint: ShipCheckpoint,
    send: SendBatch,
    onError: (error: unknown) => void,
  ) {
    this.#host = host
    this.#folder = folder
    this.#checkpoint = checkpoint
    this.#send = send
    this.#onError = onError
  }

  start(): void {
    this.#loop = this.#run()
  }

  /** Ends after the batch that is under way. */
  async stop(): Promise<void> {
    this.#ended.abort()
    await this.#loop
  }

  /** After `stop`: one last look, for what was written meanwhile. */
  async flush(): Promise<void> {
    await this.#shipSpools(false).catch((error: unknown) => this.#onError(error))
  }

  /** Ships everything that is complete now. Rejects when the queue does not take it. */
  async shipAll(): Promise<void> {
    await this.#shipSpools(true)
  }

  async #shipSpools(isStoppable: boolean): Promise<void> {
    const present = new Set<string>()
    let backlogBytes = 0
    for (const spool of await readdir(this.#folder).catch(() => [])) {
      const names = await readdir(join(this.#folder, spool)).catch(() => [])
      const tenant = await readIfPresent(join(this.#folder, spool + SPOOL_OWNER_SUFFIX))
      for (const segment of sortSpoolSegments(names)) {
        const key = `${spool}/${segment.segment}`
        present.add(key)
        if (isStoppable && this.#ended.signal.aborted) return
        backlogBytes += await this.#shipSegment(spool, segment, key, tenant)
      }
    }
    this.counters.backlogBytes = backlogBytes
    await this.#checkpoint.retain(present)
  }

  /**
   * @param tenant whose spool it is; null: the agent's own, which may speak of any
   * @returns bytes that are left in it
   */
  async #shipSegment(
    spool: string,
    segment: SpoolSegment,
    key: string,
    tenant: string | null,
  ): Promise<number> {
    const path = join(this.#folder, spool, segment.fileName)
    const isFinal = segment.finished || !processExists(segment.pid)
    const file = await openSegment(path)
    if (file === null) return 0
    try {
      for (;;) {
        const offset = this.#checkpoint.offset(key)
        const batch = await readBatch(file, offset)
        const records = this.#genuine(batch.records, tenant)
        if (records.length > 0) {
          const jobId = `${this.#host}-${segment.segment}-${offset}`
          await this.#send(jobId, { host: this.#host, segment: segment.segment, offset, records })
          this.counters.batches++
          this.counters.records += records.length
        }
        this.counters.unreadable += batch.unreadable
        if (batch.nextOffset > offset) await this.#checkpoint.advance(key, batch.nextOffset)
        if (!batch.isAtEnd) continue
        if (isFinal) await rm(path, { force: true })
        return isFinal ? 0 : (await file.stat()).size - batch.nextOffset
      }
    } finally {
      await file.close()
    }
  }

  /** Workers speak for their own tenant and for this host, whatever an attacker made of them. */
  #genuine(records: readonly AlertRecord[], tenant: string | null): AlertRecord[] {
    const own = records.filter((record) => tenant === null || record.portcullis?.tenant === tenant)
    this.counters.forged += records.length - own.length
    return own.map((record) => ({ ...record, host: this.#host }))
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended
    let pauseMs = SHIP_INTERVAL_MS
    while (!signal.aborted) {
      try {
        await this.shipAll()
        pauseMs = SHIP_INTERVAL_MS
      } catch (error) {
        this.counters.failures++
        this.#onError(error)
        pauseMs = Math.min(Math.max(pauseMs * 2, RETRY_MIN_MS), RETRY_MAX_MS / 10)
      }
      await delay(pauseMs, undefined, { signal }).catch(() => {})
    }
  }
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
