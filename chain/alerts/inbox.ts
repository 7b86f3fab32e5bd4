import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { AlertRecord } from '#chain/model/eve.ts'
import { type AlertFilter, type AlertPosition, conditionOf, timeUs } from './alert-query.ts'

/** Most alerts the inbox keeps; the oldest go first. */
export const MAX_INBOX_ALERTS = 1_000_000
/** Longest an alert is kept. */
export const MAX_INBOX_AGE_MS = 90 * 86_400_000
/** Alerts that one pruning step deletes, so that requests are not held up. */
const PRUNE_STEP = 5000

export interface InboxBounds {
  readonly alerts: number
  readonly ageMs: number
}

/** An alert with its place of arrival, which live streams count by. */
export interface StoredAlert {
  readonly seq: number
  readonly timeUs: number
  readonly tenant: string
  /** The record as it came, JSON. */
  readonly json: string
}

const SCHEMA = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA busy_timeout = 5000;
CREATE TABLE IF NOT EXISTS alert (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  time_us INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  port TEXT NOT NULL,
  attachment TEXT NOT NULL,
  chain TEXT NOT NULL,
  inspector TEXT NOT NULL,
  signature_id INTEGER NOT NULL,
  signature TEXT NOT NULL,
  verdict TEXT NOT NULL,
  request_id TEXT,
  src_ip TEXT,
  record TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS alert_time ON alert (time_us, seq);
CREATE INDEX IF NOT EXISTS alert_tenant ON alert (tenant, time_us, seq);
CREATE INDEX IF NOT EXISTS alert_port ON alert (tenant, port, time_us, seq);
CREATE INDEX IF NOT EXISTS alert_signature ON alert (signature_id, time_us, seq);
CREATE INDEX IF NOT EXISTS alert_request ON alert (request_id) WHERE request_id IS NOT NULL;
`

const COLUMNS = 'seq, time_us AS timeUs, tenant, record AS json'

/**
 * Alerts, in SQLite: deduplicated by the record's own id (the queue delivers at least once), bounded
 * in number and age. The database is a file of this manager alone.
 */
export class Inbox {
  readonly #database: DatabaseSync
  readonly #insert: StatementSync
  readonly #bounds: InboxBounds
  #pruned = 0

  /** @param file path of the database; `:memory:` for none */
  constructor(
    file: string,
    bounds: InboxBounds = { alerts: MAX_INBOX_ALERTS, ageMs: MAX_INBOX_AGE_MS },
  ) {
    this.#database = new DatabaseSync(file)
    this.#database.exec(SCHEMA)
    this.#bounds = bounds
    this.#insert = this.#database.prepare(
      `INSERT INTO alert (id, time_us, tenant, port, attachment, chain, inspector, signature_id,
         signature, verdict, request_id, src_ip, record)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO NOTHING`,
    )
  }

  /** Alerts deleted because of a bound, since the start. */
  get pruned(): number {
    return this.#pruned
  }

  /**
   * Stores records in one transaction.
   *
   * @returns those that were new, in order
   */
  add(records: readonly AlertRecord[]): StoredAlert[] {
    const added: StoredAlert[] = []
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      for (const record of records) {
        const stored = this.#add(record)
        if (stored !== null) added.push(stored)
      }
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#database.exec('ROLLBACK')
      throw error
    }
    return added
  }

  #add(record: AlertRecord): StoredAlert | null {
    const { alert, portcullis: ours } = record
    const time = timeUs(record.timestamp) ?? Date.now() * 1000
    const json = JSON.stringify(record)
    const { changes, lastInsertRowid } = this.#insert.run(
      ours.id,
      time,
      ours.tenant,
      ours.port,
      ours.attachment,
      ours.chain,
      ours.inspector,
      alert.signature_id,
      alert.signature,
      ours.verdict,
      ours.request_id ?? null,
      record.src_ip ?? null,
      json,
    )
    if (changes === 0) return null
    return { seq: Number(lastInsertRowid), timeUs: time, tenant: ours.tenant, json }
  }

  /** Newest first; `before` continues after the last of the page before. */
  list(filter: AlertFilter, before: AlertPosition | null, limit: number): StoredAlert[] {
    const { sql, values } = conditionOf(filter, before)
    return this.#database
      .prepare(`SELECT ${COLUMNS} FROM alert WHERE ${sql} ORDER BY time_us DESC, seq DESC LIMIT ?`)
      .all(...values, limit) as unknown as StoredAlert[]
  }

  /** In order of arrival, those after `seq`: what a stream missed. */
  after(seq: number, filter: AlertFilter, limit: number): StoredAlert[] {
    const { sql, values } = conditionOf(filter, null)
    return this.#database
      .prepare(`SELECT ${COLUMNS} FROM alert WHERE seq > ? AND ${sql} ORDER BY seq LIMIT ?`)
      .all(seq, ...values, limit) as unknown as StoredAlert[]
  }

  /** One alert by its own id; null when there is none. */
  get(id: string): StoredAlert | null {
    const row = this.#database.prepare(`SELECT ${COLUMNS} FROM alert WHERE id = ?`).get(id)
    return (row as unknown as StoredAlert | undefined) ?? null
  }

  /** Sequence number of the latest arrival; 0 when there was none. */
  lastSeq(): number {
    const row = this.#database.prepare('SELECT max(seq) AS n FROM alert').get()
    return Number(row?.['n'] ?? 0)
  }

  count(): number {
    const row = this.#database.prepare('SELECT count(*) AS n FROM alert').get()
    return Number(row?.['n'] ?? 0)
  }

  /**
   * Deletes what the bounds no longer allow, PRUNE_STEP at most.
   *
   * @returns how many went; call again soon when that is a whole step
   */
  prune(nowMs: number): number {
    const old = this.#database
      .prepare(
        `DELETE FROM alert WHERE seq IN
           (SELECT seq FROM alert WHERE time_us < ? ORDER BY time_us LIMIT ?)`,
      )
      .run((nowMs - this.#bounds.ageMs) * 1000, PRUNE_STEP)
    const surplus = Math.min(this.count() - this.#bounds.alerts, PRUNE_STEP - Number(old.changes))
    let removed = Number(old.changes)
    if (surplus > 0) {
      const { changes } = this.#database
        .prepare(
          'DELETE FROM alert WHERE seq IN (SELECT seq FROM alert ORDER BY time_us, seq LIMIT ?)',
        )
        .run(surplus)
      removed += Number(changes)
    }
    this.#pruned += removed
    return removed
  }

  close(): void {
    this.#database.close()
  }
}
