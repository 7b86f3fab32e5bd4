import { SpoolWriter } from '#inspectors/spool/spool-writer.ts'

/** Writes records, says how many, and waits to be killed. */
const RECORDS = 100
const spool = new SpoolWriter({
  folder: process.argv[2] ?? '',
  pid: process.pid,
  now: Date.now,
  onDropped: () => {},
})
for (let n = 0; n < RECORDS; n++) {
  spool.append(JSON.stringify({ n }))
  if (n % 7 === 0) spool.flush()
}
spool.flush()
process.send?.(RECORDS)
setInterval(() => {}, 1000)
