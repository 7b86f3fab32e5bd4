import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseSpoolFileName, sortSpoolSegments } from '#chain/model/spool.ts'
import { finishSegmentsOf, SpoolWriter, type SpoolLoss } from '#inspectors/spool/spool-writer.ts'

function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'portcullis-spool-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Complete records of a folder, oldest first, as a reader takes them. */
function records(folder: string): unknown[] {
  return sortSpoolSegments(readdirSync(folder)).flatMap(({ fileName }) =>
    readFileSync(join(folder, fileName), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown),
  )
}

const line = (n: number): string => JSON.stringify({ n, text: 'x'.repeat(80) })

test('writes in order, rotates by size and by age, renames what is finished', () => {
  using folder = temporaryFolder()
  let now = 1_700_000_000_000
  const spool = new SpoolWriter({
    folder: folder.path,
    pid: 42,
    now: () => now,
    onDropped: () => assert.fail('nothing is dropped'),
    segmentBytes: 500,
    segmentAgeMs: 1000,
  })
  for (let n = 0; n < 12; n++) {
    spool.append(line(n))
    spool.flush()
  }
  const names = sortSpoolSegments(readdirSync(folder.path))
  assert.deepEqual(
    names.map(({ finished }) => finished),
    [true, false],
  )
  assert.deepEqual(
    names.map(({ pid, sequence }) => [pid, sequence]),
    [
      [42, 0],
      [42, 1],
    ],
  )
  now += 1000
  spool.tick()
  assert.ok(readdirSync(folder.path).every((name) => parseSpoolFileName(name)?.finished))
  spool.append(line(12))
  spool.close()
  assert.deepEqual(
    records(folder.path),
    Array.from({ length: 13 }, (_, n) => JSON.parse(line(n)) as unknown),
  )
})

test('stays within its bound: the oldest go, are counted and told', () => {
  using folder = temporaryFolder()
  const losses: SpoolLoss[] = []
  let now = 1_700_000_000_000
  const spool = new SpoolWriter({
    folder: folder.path,
    pid: 1,
    now: () => now++,
    onDropped: (loss) => {
      losses.push(loss)
      spool.append(JSON.stringify({ lost: loss.records }))
    },
    segmentBytes: 1000,
    spoolBytes: 5000,
  })
  const total = 500
  for (let n = 0; n < total; n++) {
    spool.append(line(n))
    spool.flush()
    const bytes = readdirSync(folder.path).reduce(
      (sum, name) => sum + statSync(join(folder.path, name)).size,
      0,
    )
    assert.ok(bytes <= 5000 + 200, `${bytes} bytes`)
  }
  spool.close()
  const left = records(folder.path) as ({ n: number } | { lost: number })[]
  const lost = losses.reduce((sum, loss) => sum + loss.records, 0)
  assert.equal(lost, spool.droppedRecords)
  assert.equal(left.length + lost, total + losses.length, 'every record is there or counted')
  assert.deepEqual(left.at(-1), JSON.parse(line(total - 1)))
})

test('segments of other writers count, and their open ones are left alone', () => {
  using folder = temporaryFolder()
  const options = {
    folder: folder.path,
    now: () => 1_700_000_000_000,
    onDropped: () => {},
    spoolBytes: 3000,
    segmentBytes: 1000,
  }
  const other = new SpoolWriter({ ...options, pid: 1 })
  for (let n = 0; n < 30; n++) other.append(line(n))
  other.flush()
  const mine = new SpoolWriter({ ...options, pid: 2 })
  mine.append(line(99))
  mine.flush()
  assert.equal(readdirSync(folder.path).length, 2)
  assert.equal(mine.droppedRecords, 0)
})

test('a killed writer loses nothing that was flushed, and its torn line is recognised', async () => {
  using folder = temporaryFolder()
  const child = fork(join(import.meta.dirname, 'spool-child.ts'), [folder.path], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const [flushed] = (await once(child, 'message')) as [number]
  child.kill('SIGKILL')
  await once(child, 'exit')
  const [open] = readdirSync(folder.path)
  assert.ok(open?.endsWith('.open.ndjson'))
  appendFileSync(join(folder.path, open), '{"n":99,"te')
  finishSegmentsOf(folder.path, child.pid)
  assert.ok(readdirSync(folder.path).every((name) => parseSpoolFileName(name)?.finished))
  assert.equal(records(folder.path).length, flushed)
})

test('a folder that is gone costs records, which are counted, and no exception', () => {
  const folder = temporaryFolder()
  const spool = new SpoolWriter({ folder: folder.path, pid: 1, now: Date.now, onDropped: () => {} })
  folder[Symbol.dispose]()
  spool.append(line(1))
  spool.append(line(2))
  spool.flush()
  spool.tick()
  spool.close()
  assert.equal(spool.failedRecords, 2)
})
