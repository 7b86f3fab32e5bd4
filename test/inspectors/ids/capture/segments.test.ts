import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type EveRecord, EveRecorder } from '#inspectors/ids/capture/eve/recorder.ts'
import type { CapturedPacket } from '#inspectors/ids/capture/pcap-file.ts'
import { Replay } from '#inspectors/ids/capture/replay.ts'
import { DEFAULT_CAPTURE_SETTINGS } from '#inspectors/ids/capture/settings.ts'
import type { Ids } from '#inspectors/ids/ids.ts'
import {
  ALL_RULES,
  capturePaths,
  idsOfFile,
  isAboutStreams,
  missingCaptures,
  numbers,
  packetsOf,
  Resegmenter,
  ruledCaptures,
} from './captures.ts'

const isLong = process.env['PORTCULLIS_TEST_LONG'] === '1'
/** Of the suite's tests every so many is played. */
const EVERY = isLong ? 1 : 4
const MAX_BYTES = 200_000
/** Largest pieces of a segment, one after the other. */
const CUTS = isLong ? [1, 3, 17, 200, 700] : [5, 300]

/** What was found, in which connection and direction; how often is the packets' matter. */
function alertsOf(
  ids: Ids,
  packets: readonly CapturedPacket[],
  inline: boolean,
): readonly string[] {
  const found = new Set<string>()
  const recorder = new EveRecorder((record) => note(record, found), { inline, isSilent: false })
  const replay = new Replay(ids, {
    inline,
    observer: recorder,
    settings: { ...DEFAULT_CAPTURE_SETTINGS, midstream: true },
  })
  for (const packet of packets) replay.push(packet)
  replay.end()
  return [...found].sort()
}

function note(record: EveRecord, found: Set<string>): void {
  if (record.event_type !== 'alert') return
  const { signature_id: sid } = record.alert as { readonly signature_id: number }
  const { src_ip: from, src_port: fromPort, dest_ip: to, dest_port: toPort, direction } = record
  found.add([sid, from, fromPort, to, toPort, direction].map(String).join(' '))
}

function agrees(name: string, ids: Ids, packets: readonly CapturedPacket[], seed: number): number {
  const wanted = alertsOf(ids, packets, false)
  for (const cut of CUTS) {
    const resegmenter = new Resegmenter(cut, numbers(seed + cut))
    const pieces = packets.flatMap((packet) => resegmenter.cut(packet))
    const got = alertsOf(ids, pieces, false)
    assert.deepEqual(got, wanted, `${name}, pieces of at most ${cut} bytes, seed ${seed + cut}`)
  }
  return wanted.length
}

describe('alerts of a capture', { skip: missingCaptures ?? false }, () => {
  it('are the same however its TCP segments are cut, repeated and swapped', () => {
    let alerts = 0
    let captures = 0
    for (const [at, { name, capture, rules }] of ruledCaptures().entries()) {
      // Where copies of a byte differ, who wins depends on the cut.
      if (at % EVERY !== 0 || /overlap/.test(name)) continue
      const ids = idsOfFile(rules, isAboutStreams)
      const packets = packetsOf(capture)
      if (ids === null || packets.reduce((sum, { bytes }) => sum + bytes.length, 0) > MAX_BYTES)
        continue
      alerts += agrees(name, ids, packets, at)
      captures += 1
    }
    assert.ok(alerts >= captures / 2, `${alerts} alerts in ${captures} captures`)
  })

  it('of all rules too', { skip: isLong ? false : 'takes minutes: portcullis test --long' }, () => {
    const ids = idsOfFile(ALL_RULES, isAboutStreams)
    assert.ok(ids !== null)
    for (const [at, path] of capturePaths(MAX_BYTES).entries())
      agrees(path, ids, packetsOf(path), at)
  })
})
