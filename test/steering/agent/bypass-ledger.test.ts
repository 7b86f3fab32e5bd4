import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { BypassLedger, SETTLE_MS } from '#steering/agent/bypass-ledger.ts'
import type { AttachmentMode } from '#steering/flows/desired.ts'

const modes = (mode: AttachmentMode): Map<string, AttachmentMode> => new Map([['a', mode]])

test('an outage is told when it begins, and with its length when inspection has held', () => {
  const ledger = new BypassLedger()
  assert.deepEqual(ledger.observe(modes('listening'), 0), [])
  assert.deepEqual(ledger.observe(modes('bypass'), 1000), [
    { kind: 'began', key: 'a', outage: 'bypass', at: 1000 },
  ])
  assert.equal(ledger.bypassedMs('a', 1300), 300)
  assert.deepEqual(ledger.observe(modes('listening'), 1400), [])
  assert.deepEqual(ledger.observe(modes('listening'), 1400 + SETTLE_MS), [
    { kind: 'ended', key: 'a', outage: 'bypass', at: 1400, durationMs: 400, times: 1 },
  ])
  assert.equal(ledger.bypassedMs('a', 99_999), 400)
  assert.equal(ledger.isUnsettled, false)
})

test('a worker that comes and goes is one outage with its times added up', () => {
  const ledger = new BypassLedger()
  const events = [100, 200, 300, 400, 500, 600].flatMap((at, index) =>
    ledger.observe(modes(index % 2 === 0 ? 'bypass' : 'listening'), at),
  )
  assert.equal(events.length, 1)
  assert.deepEqual(ledger.observe(modes('listening'), 600 + SETTLE_MS), [
    { kind: 'ended', key: 'a', outage: 'bypass', at: 600, durationMs: 300, times: 3 },
  ])
})

test('closed is told as such and is no bypass; a change between the two is two outages', () => {
  const ledger = new BypassLedger()
  ledger.observe(modes('closed'), 0)
  const events = ledger.observe(modes('bypass'), 500)
  assert.deepEqual(
    events.map((event) => [event.kind, event.outage]),
    [
      ['ended', 'closed'],
      ['began', 'bypass'],
    ],
  )
  assert.equal(ledger.bypassedMs('a', 700), 200)
})

test('an attachment that goes ends its outage at once', () => {
  const ledger = new BypassLedger()
  ledger.observe(modes('bypass'), 0)
  assert.deepEqual(ledger.observe(new Map(), 50), [
    { kind: 'ended', key: 'a', outage: 'bypass', at: 50, durationMs: 50, times: 1 },
  ])
})

test('the length told is the time spent without inspection, whatever came when', () => {
  const mode = fc.constantFrom<AttachmentMode>('listening', 'bypass')
  fc.assert(
    fc.property(fc.array(fc.tuple(mode, fc.integer({ min: 1, max: 9000 }))), (steps) => {
      const ledger = new BypassLedger()
      let now = 0
      let expected = 0
      let told = 0
      let previous = 'listening'
      const observe = (next: AttachmentMode): void => {
        for (const event of ledger.observe(modes(next), now))
          if (event.kind === 'ended') told += event.durationMs
        previous = next
      }
      for (const [next, afterMs] of steps) {
        if (previous === 'bypass') expected += afterMs
        now += afterMs
        observe(next)
      }
      observe('listening')
      now += SETTLE_MS
      observe('listening')
      assert.equal(told, expected)
      assert.equal(ledger.isUnsettled, false)
    }),
  )
})
