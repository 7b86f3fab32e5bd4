import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type EveRecord, EveRecorder } from '#inspectors/ids/capture/eve/recorder.ts'
import type { CapturedPacket } from '#inspectors/ids/capture/pcap-file.ts'
import { Replay } from '#inspectors/ids/capture/replay.ts'
import { DEFAULT_CAPTURE_SETTINGS } from '#inspectors/ids/capture/settings.ts'
import type { Ids } from '#inspectors/ids/ids.ts'
import {
  ALL_RULES,
  capturePaths,
  idsOfFile,
  isFreeOfPackets,
  missingCaptures,
  numbers,
  packetsOf,
  Resegmenter,
  ruledCaptures,
} from './captures.ts'

const isLong = process.env['PORTCULLIS_TEST_LONG'] === '1'
/** Of the suite's tests every so many is played. */
const EVERY = isLong ? 1 : 4
/** Of all captures, with all rules. */
const ALL_EVERY = isLong ? 1 : 8
const MAX_BYTES = 200_000
/** Largest pieces of a segment, one after the other. */
const CUTS = isLong ? [1, 3, 17, 200, 700] : [5, 300]
/**
 * Captures that would make more packets than this are not cut so small: eight are so large that what waits to be
 * acknowledged outgrows MAX_WAITING_SEGMENTS, and then some of it is rightly given up.
 */
const MOST_PACKETS = 150_000
/** Captures that all rules are asked about in one test. */
const GROUP = 50
const DAY_MS = 86_400_000

/** The rules' own clock: a day goes by before each replay, so thresholds and bits of hosts do not outlive it. */
let clockMs = 0

/** What was found, in which connection and direction; how often is the packets' matter. */
function alertsOf(
  ids: Ids,
  packets: readonly CapturedPacket[],
  inline: boolean,
): readonly string[] {
  clockMs += DAY_MS
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
    if (pieces.length > Math.max(MOST_PACKETS, 2 * packets.length)) continue
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
      const ids = idsOfFile(rules, isFreeOfPackets, () => clockMs)
      const packets = packetsOf(capture)
      if (ids === null || packets.reduce((sum, { bytes }) => sum + bytes.length, 0) > MAX_BYTES)
        continue
      alerts += agrees(name, ids, packets, at)
      captures += 1
    }
    assert.ok(alerts >= captures / 2, `${alerts} alerts in ${captures} captures`)
  })
})

describe('alerts of all rules', { skip: missingCaptures ?? false }, () => {
  const paths = missingCaptures === null ? capturePaths(isLong ? Infinity : MAX_BYTES) : []
  const played = paths.map((path, at) => ({ path, at })).filter(({ at }) => at % ALL_EVERY === 0)
  let ids: Ids | null = null
  let alerts = 0
  before(() => {
    ids = idsOfFile(ALL_RULES, isFreeOfPackets, () => clockMs)
    assert.ok(ids !== null && ids.ruleCount > 20_000, 'most rules take part')
  })

  for (let from = 0; from < played.length; from += GROUP) {
    const group = played.slice(from, from + GROUP)
    it(`are the same too: captures ${group[0].at} to ${group.at(-1)!.at}`, () => {
      for (const { path, at } of group) alerts += agrees(path, ids!, packetsOf(path), at)
    })
  }

  after(() => assert.ok(alerts >= played.length / 8, `${alerts} in ${played.length} captures`))
})
