import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import * as fc from 'fast-check'
import { SwitchError } from '#steering/openflow/errors.ts'
import { IdStore, NOT_BEGUN, QUARANTINE_MS } from '#steering/openflow/id-store.ts'

let folder = ''
before(async () => (folder = await mkdtemp(join(tmpdir(), 'id-store-'))))
after(() => rm(folder, { recursive: true, force: true }))

test('ids survive a restart, and rounds only grow', async () => {
  const path = join(folder, 'a.json')
  const first = new IdStore(path)
  await first.load()
  assert.equal(first.nextRound([]), 1)
  const zone = first.zonesOf('p')
  const record = first.attachment('a', 'x', 500)
  await first.save()
  const second = new IdStore(path)
  await second.load()
  assert.equal(second.nextRound([7]), 8)
  assert.equal(second.zonesOf('p'), zone)
  assert.deepEqual(second.attachment('a', 'x', 900), record)
  assert.equal(second.nextRound([0xffff]), 1)
})

test('an attachment learns anew when it wants more, not when it drains', () => {
  const store = new IdStore('unused')
  const first = store.attachment('a', 'x', 100)
  assert.deepEqual(store.attachment('a', 'x', 200), first)
  assert.deepEqual(store.attachment('a', '', 300), { ...first, scope: '' })
  assert.deepEqual(store.attachment('a', 'x', 400), { ...first, learnUntil: 400 })
  assert.deepEqual(store.attachment('a', 'y', 500), { ...first, learnUntil: 500, scope: 'y' })
})

test('a learning window begins when its flows are in force', () => {
  const store = new IdStore('unused')
  store.attachment('a', 'x', NOT_BEGUN)
  store.attachment('b', 'x', 0)
  assert.equal(store.beginWindows(1000, 50), 1050)
  assert.equal(store.record('a')?.learnUntil, 1050)
  assert.equal(store.beginWindows(1040, 50), 1050)
  assert.equal(store.beginWindows(1050, 50), Infinity)
})

test('zones of living ports never overlap, and rest before they are given again', () => {
  const steps = fc.array(
    fc.record({
      port: fc.integer({ min: 0, max: 6 }),
      isRelease: fc.boolean(),
      passMs: fc.nat({ max: 200_000 }),
    }),
  )
  fc.assert(
    fc.property(steps, (sequence) => {
      let now = 0
      const store = new IdStore('unused', () => now)
      const live = new Map<string, number>()
      const released = new Map<number, number>()
      for (const { port, isRelease, passMs } of sequence) {
        now += passMs
        const key = `p${port}`
        if (isRelease) {
          const zone = live.get(key)
          live.delete(key)
          assert.deepEqual(
            store.retain(new Set(live.keys()), new Set()),
            zone === undefined ? [] : [zone],
          )
          if (zone !== undefined) released.set(zone, now)
          continue
        }
        const zone = store.zonesOf(key)
        assert.ok(live.get(key) === undefined || live.get(key) === zone)
        if (!live.has(key)) {
          const since = released.get(zone)
          assert.ok(since === undefined || now - since >= QUARANTINE_MS)
          for (const other of live.values()) assert.ok(Math.abs(other - zone) >= 4)
        }
        live.set(key, zone)
      }
    }),
  )
})

test('a damaged file is refused, not overwritten', async () => {
  for (const text of ['{', '{}', '{"format":9}', 'null']) {
    const path = join(folder, 'bad.json')
    await writeFile(path, text)
    await assert.rejects(new IdStore(path).load(), (error) => {
      return error instanceof SwitchError && error.code === 'BAD_STATE'
    })
  }
})
