import { writeSync, openSync } from 'node:fs'
import type { AlertEvent } from '../chain/hop.ts'
import { serviceAlert } from '../chain/service-alert.ts'
import type { RecordOptions } from '../eve/alert-record.ts'
import { errorLogLine } from '../eve/error-log.ts'
import { RecordWriter } from '../eve/record-writer.ts'
import { shortLine } from '../eve/short-line.ts'
import type { FlushableSink } from '../proxy/flow-services.ts'
import { AuditLog } from '../spool/audit-log.ts'
import { LineBuffer } from '../spool/line-buffer.ts'
import { SpoolWriter, type SpoolLoss } from '../spool/spool-writer.ts'
import type { AuditSink } from '../waf/audit/auditor.ts'
import { DeferredRecords } from './deferred-records.ts'
import type { SpoolCounts } from './samples.ts'

/** Where a worker's alerts go. All that are set get every alert. */
export interface OutputOptions {
  /** Spool folder: what the agent ships. */
  readonly spoolFolder?: string
  /** NDJSON file that is appended to; `-` is standard output. */
  readonly eveFile?: string
  /** One short line per alert on standard error. */
  readonly isShort?: boolean
  /** ModSecurity-style error lines, for go-ftw and people who have scripts for them. */
  readonly errorLogFile?: string
  /** Audit log of the WAFs; where it is not set it goes to the spool folder, if rules ask for one. */
  readonly auditLogFile?: string
  /** Redis in which workers share the persistent collections of WAFs; without it they do in their supervisor. */
  readonly collectionsUrl?: string
}

const STDOUT = 1
const STDERR = 2

/**
 * Turns alerts into records and puts them where the options say. Gathers, and writes on `flush`: each
 * output gets one write per turn. A file that cannot be written costs its lines and no traffic.
 */
export class AlertOutputs implements FlushableSink {
  readonly #records: RecordWriter
  readonly #spool: SpoolWriter | null
  readonly #pid: number
  readonly #deferred: DeferredRecords
  readonly #eve: LineFile | null
  readonly #short: LineFile | null
  readonly #errorLog: LineFile | null
  readonly #audit: AuditLog | null
  /** Where WAFs write the audit log; undefined: there is no place for one. */
  readonly auditSink: AuditSink | undefined
  readonly #onSpoolLoss: (loss: SpoolLoss) => void
  #isPending = false
  #isFlushing = false

  /**
   * @param onSpoolLoss called when records had to be deleted unshipped
   * @throws when a file or the spool folder cannot be opened
   */
  constructor(
    options: OutputOptions,
    records: RecordOptions,
    pid: number,
    onSpoolLoss: (loss: SpoolLoss) => void,
  ) {
    this.#records = new RecordWriter(records)
    this.#deferred = new DeferredRecords(records.now)
    this.#pid = pid
    this.#onSpoolLoss = onSpoolLoss
    this.#spool =
      options.spoolFolder === undefined
        ? null
        : new SpoolWriter({
            folder: options.spoolFolder,
            pid,
            now: Date.now,
            onDropped: (loss) => this.#onSpoolLoss(loss),
          })
    this.#audit = openAuditLog(options, pid)
    this.auditSink = this.#audit === null ? undefined : this.#auditSinkOf(this.#audit, options)
    const { eveFile, errorLogFile } = options
    this.#eve =
      eveFile === undefined ? null : new LineFile(eveFile === '-' ? STDOUT : appendTo(eveFile))
    this.#errorLog = errorLogFile === undefined ? null : new LineFile(appendTo(errorLogFile))
    this.#short = options.isShort === true ? new LineFile(STDERR) : null
  }

  get spoolCounts(): SpoolCounts {
    return {
      droppedRecords: this.#spool?.droppedRecords ?? 0,
      failedRecords:
        (this.#spool?.failedRecords ?? 0) +
        (this.#eve?.failedLines ?? 0) +
        (this.#short?.failedLines ?? 0) +
        (this.#errorLog?.failedLines ?? 0) +
        (this.#audit?.failedEntries ?? 0),
    }
  }

  get isPending(): boolean {
    return this.#isPending
  }

  alert(event: AlertEvent): void {
    if (event.alert.isLogOnly === true && this.#errorLog === null) return
    this.#isPending = true
    this.#errorLog?.add(errorLogLine(event, Date.now(), this.#pid))
    if (event.alert.isLogOnly === true) return
    this.#short?.add(shortLine(event))
    if (this.#spool === null && this.#eve === null) return
    this.#deferred.add(event)
    // What is told of records that had to go is written with the others.
    if (this.#isFlushing || this.#deferred.isFull) this.#makeRecords()
  }

  #makeRecords(): void {
    this.#deferred.take((event, epochMs) => {
      const record = this.#records.line(event, epochMs)
      this.#spool?.append(record)
      this.#eve?.add(record)
    })
  }

  flush(): void {
    if (!this.#isPending) return
    this.#makeRecords()
    this.#isFlushing = true
    this.#spool?.flush()
    this.#isFlushing = false
    this.#isPending = false
    this.#errorLog?.flush()
    this.#eve?.flush()
    this.#short?.flush()
    this.#audit?.flush()
  }

  /** Finishes what is old; called about once a second. */
  tick(): void {
    this.flush()
    this.#spool?.tick()
  }

  close(): void {
    this.flush()
    this.#spool?.close()
    this.#audit?.close()
  }

  #auditSinkOf(audit: AuditLog, { auditLogFile }: OutputOptions): AuditSink {
    return {
      // Who names a file wants a log; elsewhere rules or settings have to ask for what holds bodies.
      defaultEngine: auditLogFile === undefined ? 'off' : 'relevant-only',
      write: (format, entry) => {
        audit.write(format, entry)
        this.#isPending = true
      },
    }
  }
}

function openAuditLog(options: OutputOptions, pid: number): AuditLog | null {
  const { auditLogFile: file, spoolFolder: folder } = options
  if (file !== undefined) return new AuditLog({ place: { file }, pid, now: Date.now })
  if (folder === undefined) return null
  return new AuditLog({ place: { folder }, pid, now: Date.now })
}

const appendTo = (file: string): number => openSync(file, 'a', 0o640)

/** The alert that tells of a spool that overflowed. */
export function spoolLossAlert(loss: SpoolLoss): AlertEvent['alert'] {
  return serviceAlert(
    'spool-dropped',
    `alert spool is full: ${loss.records} alerts (${loss.bytes} bytes) were deleted before they were shipped`,
    false,
  )
}

/** Lines that are appended to a file. */
class LineFile {
  readonly #descriptor: number
  readonly #pending = new LineBuffer()
  failedLines = 0

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  add(line: string | Uint8Array): void {
    this.#pending.append(line)
  }

  flush(): void {
    if (this.#pending.lines === 0) return
    const { bytes } = this.#pending
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#descriptor, bytes, at)
    } catch {
      this.failedLines += this.#pending.lines
    }
    this.#pending.clear()
  }
}
