import assert from 'node:assert/strict'
import { link, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MAX_BATCH_RECORDS, MAX_RECORD_BYTES } from '#chain/model/eve-values.ts'
import { cutBatch, openSegment } from '#steering/agent/spool-reader.ts'

const line = (id: number): string => `${JSON.stringify({ event_type: 'alert', n: id })}\n`

test('takes complete lines alone and counts what is no record', () => {
  const bytes = Buffer.from(
    `${line(1)}broken\n{"event_type":"flow"}\n${line(2)}${line(3).slice(0, 9)}`,
  )
  const batch = cutBatch(bytes, 100, true)
  assert.deepEqual(
    batch.records.map((record) => (record as unknown as { n: number }).n),
    [1, 2],
  )
  assert.equal(batch.unreadable, 2)
  assert.equal(batch.nextOffset, 100 + bytes.length - 9)
  assert.equal(batch.isAtEnd, true)
})

test('a batch has no more than the agreed number of records', () => {
  const bytes = Buffer.from(
    Array.from({ length: MAX_BATCH_RECORDS + 5 }, (_, id) => line(id)).join(''),
  )
  const first = cutBatch(bytes, 0, true)
  assert.equal(first.records.length, MAX_BATCH_RECORDS)
  assert.equal(first.isAtEnd, false)
  const second = cutBatch(bytes.subarray(first.nextOffset), first.nextOffset, true)
  assert.equal(second.records.length, 5)
  assert.equal(second.nextOffset, bytes.length)
})

test('a line that never ends is passed over, a record that is too long is counted', () => {
  const endless = cutBatch(Buffer.alloc(4096, 120), 10, false)
  assert.equal(endless.nextOffset, 10 + 4096)
  const long = Buffer.from(
    `{"event_type":"alert","x":"${'y'.repeat(MAX_RECORD_BYTES)}"}\n${line(1)}`,
  )
  const batch = cutBatch(long, 0, true)
  assert.equal(batch.records.length, 1)
  assert.equal(batch.unreadable, 1)
})

test('however a segment grows, every record is read once and in order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 50 }), fc.array(fc.nat(300)), (ids, cuts) => {
      const whole = Buffer.from(ids.map(line).join(''))
      const seen: number[] = []
      let offset = 0
      for (const end of [...cuts.sort((a, b) => a - b), whole.length]) {
        const batch = cutBatch(whole.subarray(offset, Math.max(offset, end)), offset, true)
        for (const record of batch.records) seen.push((record as unknown as { n: number }).n)
        offset = batch.nextOffset
      }
      assert.deepEqual(seen, ids)
    }),
  )
})

test('a worker cannot make root read another file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-spool-'))
  try {
    await writeFile(join(folder, 'secret'), 'x')
    await symlink(join(folder, 'secret'), join(folder, 'symbolic'))
    await link(join(folder, 'secret'), join(folder, 'hard'))
    assert.equal(await openSegment(join(folder, 'symbolic')), null)
    assert.equal(await openSegment(join(folder, 'hard')), null)
    assert.equal(await openSegment(folder), null)
    assert.equal(await openSegment(join(folder, 'absent')), null)
  } finally {
    await rm(folder, { recursive: true })
  }
})
