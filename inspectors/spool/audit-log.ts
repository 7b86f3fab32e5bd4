import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A file of a folder is left for a new one at this size. */
export const AUDIT_FILE_BYTES = 8_388_608
/** All audit files of a folder together, whoever wrote them. */
export const AUDIT_FOLDER_BYTES = 67_108_864
/** Entries that wait for `flush`; beyond it they are dropped and counted. */
export const MAX_PENDING_BYTES = 4_194_304

export type AuditFormat = 'json' | 'native'

export interface AuditLogOptions {
  /** One file for all, appended to; or a folder of files that are rotated and kept within a bound. */
  readonly place: { readonly file: string } | { readonly folder: string }
  readonly pid: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly fileBytes?: number
  readonly folderBytes?: number
}

interface OpenFile {
  readonly descriptor: number
  bytes: number
}

const NAME = /^audit-\d+-\d+-\d+\.(?:json|log)$/
const SUFFIX = { json: 'json', native: 'log' } as const

/**
 * Audit log of one worker. In a folder a file is named `audit-<ms>-<pid>-<n>.json` (or `.log`), each
 * format has its own, and the oldest are deleted when all together outgrow AUDIT_FOLDER_BYTES. What cannot
 * be written costs entries, which are counted, and never the traffic.
 */
export class AuditLog {
  readonly #options: Required<AuditLogOptions>
  readonly #pending = new Map<AuditFormat, string[]>()
  readonly #files = new Map<string, OpenFile>()
  #pendingBytes = 0
  #sequence = 0
  #failedEntries = 0

  /** @throws when the file or folder cannot be made */
  constructor(options: AuditLogOptions) {
    this.#options = { fileBytes: AUDIT_FILE_BYTES, folderBytes: AUDIT_FOLDER_BYTES, ...options }
    const { place } = this.#options
    if ('folder' in place) mkdirSync(place.folder, { recursive: true, mode: 0o700 })
    else this.#files.set('', { descriptor: openSync(place.file, 'a', 0o640), bytes: 0 })
  }

  /** Entries that could not be written. */
  get failedEntries(): number {
    return this.#failedEntries
  }

  /** @param entry with its line end, ASCII */
  write(format: AuditFormat, entry: string): void {
    if (this.#pendingBytes + entry.length > MAX_PENDING_BYTES) {
      this.#failedEntries += 1
      return
    }
    this.#pendingBytes += entry.length
    const entries = this.#pending.get(format)
    if (entries === undefined) this.#pending.set(format, [entry])
    else entries.push(entry)
  }

  flush(): void {
    for (const [format, entries] of this.#pending) {
      if (entries.length === 0) continue
      this.#pending.set(format, [])
      try {
        this.#append(format, Buffer.from(entries.join(''), 'latin1'))
      } catch {
        this.#failedEntries += entries.length
      }
    }
    this.#pendingBytes = 0
  }

  close(): void {
    this.flush()
    for (const { descriptor } of this.#files.values()) closeSync(descriptor)
    this.#files.clear()
  }

  #append(format: AuditFormat, bytes: Buffer): void {
    const file = this.#fileFor(format)
    for (let at = 0; at < bytes.length;) at += writeSync(file.descriptor, bytes, at)
    file.bytes += bytes.length
  }

  #fileFor(format: AuditFormat): OpenFile {
    const { place, fileBytes } = this.#options
    const key = 'file' in place ? '' : format
    const open = this.#files.get(key)
    if (open !== undefined && (key === '' || open.bytes < fileBytes)) return open
    if (open !== undefined) {
      this.#files.delete(key)
      closeSync(open.descriptor)
    }
    const path = 'file' in place ? place.file : this.#newPath(place.folder, format)
    const file = { descriptor: openSync(path, 'a', 0o640), bytes: 0 }
    this.#files.set(key, file)
    return file
  }

  #newPath(folder: string, format: AuditFormat): string {
    const { pid, now, folderBytes, fileBytes } = this.#options
    const files = readdirSync(folder)
      .filter((name) => NAME.test(name))
      .map((name) => ({ name, startedAt: Number(name.split('-')[1]) }))
      .sort((left, right) => left.startedAt - right.startedAt)
      .map(({ name }) => {
        const path = join(folder, name)
        return { path, bytes: statSync(path, { throwIfNoEntry: false })?.size ?? 0 }
      })
    let total = files.reduce((sum, { bytes }) => sum + bytes, fileBytes)
    for (const { path, bytes } of files) {
      if (total <= folderBytes) break
      rmSync(path, { force: true })
      total -= bytes
    }
    const name = `audit-${Math.floor(now())}-${pid}-${this.#sequence++}.${SUFFIX[format]}`
    return join(folder, name)
  }
}
