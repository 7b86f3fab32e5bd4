import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { EveRecorder } from '#inspectors/ids/capture/eve/recorder.ts'
import { Replay } from '#inspectors/ids/capture/replay.ts'
import type { Ids } from '#inspectors/ids/ids.ts'
import { idsOf } from './drive.ts'
import { readCapture } from './capture/read-capture.ts'

const SHARED = join(import.meta.dirname, '../../../../shared/data')
const SUITE = join(SHARED, 'suricata-verify')
const ET_OPEN = join(SHARED, 'et-open/emerging-all.rules')
const MAX_CAPTURE_BYTES = 40_000
const CAPTURES = 24
/** Every so many rules of the set. */
const RULE_STRIDE = 97

interface Listed {
  readonly pcap: string
  readonly rules: string
  readonly tier: number
}

/** `SID FLOW` of every alert, in order. */
function alertsOf(ids: Ids, capture: Buffer): string[] {
  const found: string[] = []
  const recorder = new EveRecorder(
    (record) => {
      if (record.event_type !== 'alert') return
      const { signature_id: sid } = record.alert as { signature_id: number }
      found.push(`${sid} ${String(record.src_port)} ${String(record.dest_port)}`)
    },
    { inline: false, isSilent: false },
  )
  const replay = new Replay(ids, { observer: recorder })
  const read = readCapture(capture)
  if (!read.ok) return []
  for (const packet of read.packets) replay.push(packet)
  replay.end()
  return found.sort()
}

describe('prefilters', () => {
  const missing = [SUITE, ET_OPEN].find((path) => !existsSync(path))
  const skip = missing === undefined ? false : `${missing} is not on this machine`

  it('leave out no rule that matches, on captures of many kinds', { skip }, () => {
    const listed = JSON.parse(readFileSync(join(SUITE, 'index.json'), 'utf8')) as Listed[]
    const captures = listed.filter(
      ({ pcap, tier }) =>
        tier === 1 && statSync(join(SUITE, pcap), { throwIfNoEntry: false }) !== undefined,
    )
    const sample = readFileSync(ET_OPEN, 'latin1')
      .split('\n')
      .filter((line) => line.startsWith('alert '))
      .filter((_, index) => index % RULE_STRIDE === 0)
      .join('\n')
    const step = Math.max(1, Math.floor(captures.length / CAPTURES))
    let alerts = 0
    for (let index = 0; index < captures.length; index += step) {
      const capture = readFileSync(join(SUITE, captures[index].pcap))
      if (capture.length > MAX_CAPTURE_BYTES) continue
      const rules = `${readFileSync(join(SUITE, captures[index].rules), 'latin1')}\n${sample}`
      const filtered = alertsOf(idsOf(rules, { mode: 'detect', packets: true }), capture)
      const unfiltered = alertsOf(
        idsOf(rules, { mode: 'detect', packets: true, isUnfiltered: true }),
        capture,
      )
      assert.deepEqual(filtered, unfiltered, captures[index].pcap)
      alerts += filtered.length
    }
    assert.ok(alerts > 10, `${alerts} alerts`)
  })
})
