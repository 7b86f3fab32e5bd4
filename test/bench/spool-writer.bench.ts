import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RecordWriter } from '#inspectors/eve/record-writer.ts'
import { SpoolWriter } from '#inspectors/spool/spool-writer.ts'
import { testAlert, testConnection } from '../inspectors/chain/scripted-inspector.ts'

/**
 * What an alert costs before a blocked client is answered: its EVE record as a line, and the write that
 * puts it into the spool, one write per alert. Prints one JSON line.
 *
 *     node test/bench/spool-writer.bench.ts [alerts]
 */
const alerts = Number(process.argv[2] ?? 50_000)
const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
const event = {
  context: { tenant: 't', port: 'p', attachment: 'a', chain: 'c', inspector: 'waf' },
  connection: testConnection,
  transaction: null,
  alert: testAlert(942_100),
  verdict: 'blocked',
  flow: 'to_server',
} as const
let id = 0
const records = new RecordWriter({ host: 'h', nextId: () => `id-${id++}`, now: Date.now })
const spool = new SpoolWriter({ folder, pid: process.pid, now: Date.now, onDropped: () => {} })
try {
  const before = process.cpuUsage()
  let bytes = 0
  for (let n = 0; n < alerts; n++) records.line(event)
  const formatted = process.cpuUsage(before)
  for (let n = 0; n < alerts; n++) {
    const line = records.line(event)
    bytes += line.length
    spool.append(line)
    spool.flush()
  }
  const total = process.cpuUsage(before)
  spool.close()
  const formatMicros = (formatted.user + formatted.system) / alerts
  const allMicros = (total.user + total.system) / alerts - formatMicros
  if (spool.failedRecords > 0) throw new Error(`${spool.failedRecords} records failed`)
  console.log(
    JSON.stringify({
      bench: 'spool-writer',
      recordBytes: Math.round(bytes / alerts),
      formatMicros: Number(formatMicros.toFixed(1)),
      writeMicros: Number((allMicros - formatMicros).toFixed(1)),
    }),
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
