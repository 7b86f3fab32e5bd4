import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type EveRecord, EveRecorder } from '#inspectors/ids/capture/eve/recorder.ts'
import type { CapturedPacket } from '#inspectors/ids/capture/pcap-file.ts'
import { Replay } from '#inspectors/ids/capture/replay.ts'
import { DEFAULT_CAPTURE_SETTINGS } from '#inspectors/ids/capture/settings.ts'
import { TcpSession } from '#inspectors/ids/capture/tcp/session.ts'
import { idsOfFile, missingCaptures, packetsOf, ruledCaptures } from './captures.ts'

const isLong = process.env['PORTCULLIS_TEST_LONG'] === '1'
/** Of the suite's tests every so many is played. */
const EVERY = isLong ? 1 : 3
const MAX_BYTES = 400_000

/** All records, with what alerts quote; flows have other numbers each time. */
function recordsOf(
  rules: string,
  packets: readonly CapturedPacket[],
  holdsPackets: boolean,
): readonly EveRecord[] | null {
  const ids = idsOfFile(rules, () => true)
  if (ids === null) return null
  const records: EveRecord[] = []
  const observer = new EveRecorder((record) => records.push({ ...record, flow_id: 0 }), {
    inline: false,
    isSilent: false,
  })
  const settings = { ...DEFAULT_CAPTURE_SETTINGS, midstream: true }
  const replay = new Replay(ids, { observer, settings, holdsPackets })
  for (const packet of packets) replay.push(packet)
  replay.end()
  return records
}

describe('records of a capture', { skip: missingCaptures ?? false }, () => {
  it('are the same whether bytes are copied or held until a rule looks at them', () => {
    let alerts = 0
    for (const [at, { name, capture, rules }] of ruledCaptures().entries()) {
      if (at % EVERY !== 0) continue
      const packets = packetsOf(capture)
      if (packets.reduce((sum, { bytes }) => sum + bytes.length, 0) > MAX_BYTES) continue
      const copied = recordsOf(rules, packets, false)
      assert.deepEqual(recordsOf(rules, packets, true), copied, name)
      alerts += copied?.filter(({ event_type: type }) => type === 'alert').length ?? 0
    }
    assert.ok(alerts > 200, `only ${alerts} alerts`)
  })

  it('are the same when finished connections give back what they kept, whatever comes late', () => {
    let finished = 0
    const own = Object.getOwnPropertyDescriptor(TcpSession.prototype, 'isFinished')!
    const recordsWith = (
      isFinished: (session: TcpSession) => boolean,
      run: () => unknown,
    ): unknown => {
      Object.defineProperty(TcpSession.prototype, 'isFinished', {
        configurable: true,
        get(this: TcpSession) {
          return isFinished(this)
        },
      })
      try {
        return run()
      } finally {
        Object.defineProperty(TcpSession.prototype, 'isFinished', own)
      }
    }
    for (const [at, { name, capture, rules }] of ruledCaptures().entries()) {
      if (at % EVERY !== 1 % EVERY) continue
      const once = packetsOf(capture)
      if (once.reduce((sum, { bytes }) => sum + bytes.length, 0) > MAX_BYTES / 4) continue
      // All packets come again: late ones of the same connections.
      const packets = [...once, ...once]
      const run = (): unknown => recordsOf(rules, packets, true)
      const kept = recordsWith(() => false, run)
      const given = recordsWith((session) => {
        const is = own.get!.call(session) as boolean
        if (is) finished += 1
        return is
      }, run)
      assert.deepEqual(given, kept, name)
    }
    assert.ok(finished > 100, `only ${finished} packets of finished connections`)
  })
})
