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
  readonly #files: LineFile[] = []
  #errorLog: LineFile | null = null
  readonly #audit: AuditLog | null
  /** Where WAFs write the audit log; undefined: there is no place for one. */
  readonly auditSink: AuditSink | undefined
  readonly #onSpoolLoss: (loss: SpoolLoss) => void
  #isPending = false

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
    if (options.eveFile !== undefined) {
      const descriptor = options.eveFile === '-' ? STDOUT : openSync(options.eveFile, 'a', 0o640)
      this.#files.push(new LineFile(descriptor, (_, line) => line()))
    }
    if (options.errorLogFile !== undefined) {
      const descriptor = openSync(options.errorLogFile, 'a', 0o640)
      this.#errorLog = new LineFile(descriptor, (event) => errorLogLine(event, Date.now(), pid))
    }
    if (options.isShort === true)
      this.#files.push(new LineFile(STDERR, (event) => shortLine(event)))
  }

  get spoolCounts(): SpoolCounts {
    return {
      droppedRecords: this.#spool?.droppedRecords ?? 0,
      failedRecords:
        (this.#spool?.failedRecords ?? 0) +
        this.#files.reduce((sum, file) => sum + file.failedLines, 0) +
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
    let made: string | null = null
    const line = (): string => (made ??= this.#records.line(event))
    this.#errorLog?.add(event, line)
    if (event.alert.isLogOnly === true) return
    this.#spool?.append(line())
    for (const file of this.#files) file.add(event, line)
  }

  flush(): void {
    if (!this.#isPending) return
    this.#isPending = false
    this.#spool?.flush()
    this.#errorLog?.flush()
    for (const file of this.#files) file.flush()
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

/** The alert that tells of a spool that overflowed. */
export function spoolLossAlert(loss: SpoolLoss): AlertEvent['alert'] {
  return serviceAlert(
    'spool-dropped',
    `alert spool is full: ${loss.records} alerts (${loss.bytes} bytes) were deleted before they were shipped`,
    false,
  )
}

class LineFile {
  readonly #descriptor: number
  readonly #format: (event: AlertEvent, line: () => string) => string
  readonly #pending = new LineBuffer()
  failedLines = 0

  constructor(descriptor: number, format: (event: AlertEvent, line: () => string) => string) {
    this.#descriptor = descriptor
    this.#format = format
  }

  add(event: AlertEvent, line: () => string): void {
    this.#pending.append(this.#format(event, line))
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
