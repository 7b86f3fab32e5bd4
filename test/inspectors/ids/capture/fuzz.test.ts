import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { EveRecorder } from '#inspectors/ids/capture/eve/recorder.ts'
import { PermissiveHttpParser } from '#inspectors/ids/capture/http/permissive-parser.ts'
import { OS_POLICIES } from '#inspectors/ids/capture/os-policy.ts'
import type { CapturedPacket } from '#inspectors/ids/capture/pcap-file.ts'
import { Replay } from '#inspectors/ids/capture/replay.ts'
import { type CaptureSettings, DEFAULT_CAPTURE_SETTINGS } from '#inspectors/ids/capture/settings.ts'
import { BodyDecoder } from '#inspectors/ids/coding/body-decoder.ts'
import { parseDnsMessage } from '#inspectors/ids/dns/message.ts'
import type { Ids } from '#inspectors/ids/ids.ts'
import { parseCertificate } from '#inspectors/ids/tls/certificate.ts'
import { TlsSession } from '#inspectors/ids/tls/tls-session.ts'
import { idsOf } from '../drive.ts'
import { capturePaths, missingCaptures, numbers, packetsOf } from './captures.ts'
import { readCapture } from './read-capture.ts'

const isLong = process.env['PORTCULLIS_TEST_LONG'] === '1'
/** How long each part goes on. */
const FUZZ_MS = isLong ? 200_000 : 3000
const MAX_CAPTURE_BYTES = 60_000
const STREAM_MEMORY = 200_000
/** One segment may be taken when the memory is all but full. */
const MEMORY_SLACK = 70_000
/** What a process that forgets nothing would go beyond. */
const MAX_GROWTH_BYTES = 400_000_000

const RULES = [
  'alert tcp any any -> any any (content:"GET"; content:"HTTP"; distance:0; sid:1;)',
  'alert tcp any any -> any any (content:"a"; depth:3; pcre:"/[a-z]{2,5}\\d/R"; sid:2;)',
  'alert tcp-pkt any any -> any any (content:"|00|"; byte_test:2,>,5,0,relative; sid:3;)',
  'alert ip any any -> any any (dsize:>10; ttl:<70; sid:4;)',
  'alert http any any -> any any (http.uri; content:"/"; http.header; content:"Host"; sid:5;)',
  'alert http any any -> any any (file.data; content:"e"; isdataat:10,relative; sid:6;)',
  'drop http any any -> any any (http.stat_code; content:"404"; sid:7;)',
  'alert dns any any -> any any (dns.query; content:"com"; endswith; sid:8;)',
  'alert tls any any -> any any (tls.sni; content:"e"; sid:9;)',
  'alert tls any any -> any any (tls.cert_subject; content:"CN="; sid:10;)',
  'alert ip any any -> any any (decode-event:ipv4.trunc_pkt; sid:11;)',
  'alert tcp any any -> any any (stream-event:est_packet_out_of_window; flowbits:set,odd; sid:12;)',
  'alert tcp any any -> any any (flowbits:isset,odd; content:"x"; sid:13;)',
  'alert udp any any -> any any (content:"|01 00|"; threshold:type limit, track by_src, count 2, seconds 60; sid:14;)',
].join('\n')

type Random = (below: number) => number

function settingsBy(random: Random): CaptureSettings {
  const pick = <T>(...items: readonly T[]): T => items[random(items.length)]
  return {
    ...DEFAULT_CAPTURE_SETTINGS,
    checksums: pick('none', 'none', 'all', 'auto'),
    midstream: random(2) === 0,
    asyncOneside: random(4) === 0,
    streamInline: random(4) === 0,
    streamDepth: pick(0, 100, 1_048_576),
    streamMemory: STREAM_MEMORY,
    urgent: pick('oob', 'inline', 'gap', 'drop'),
    tracksVlans: random(2) === 0,
    hosts: [{ policy: OS_POLICIES[random(OS_POLICIES.length)], networks: ['0.0.0.0/0', '::/0'] }],
  }
}

/** Bytes changed, packets cut off, left out, repeated and swapped. */
function mutated(packets: readonly CapturedPacket[], random: Random): CapturedPacket[] {
  const result: CapturedPacket[] = []
  const rate = 1 + random(30)
  for (const packet of packets) {
    if (random(rate) !== 0) {
      result.push(packet)
      continue
    }
    const bytes = Buffer.from(packet.bytes)
    for (let count = random(4); count > 0 && bytes.length > 0; count -= 1)
      bytes[random(bytes.length)] = random(3) === 0 ? [0, 255, 127][random(3)] : random(256)
    const cut = random(6) === 0 ? bytes.subarray(0, random(bytes.length + 1)) : bytes
    if (random(8) !== 0) result.push({ ...packet, bytes: cut })
    if (random(8) === 0) result.push(packet)
    if (random(8) === 0) result.splice(random(result.length + 1), 0, packet)
    if (random(50) === 0)
      result.push({ ...packet, linkType: [0, 9, 12, 104, 113, 276, 7][random(7)] })
  }
  return result
}

function replay(ids: Ids, packets: readonly CapturedPacket[], random: Random): void {
  const inline = random(3) === 0
  let records = 0
  const observer = new EveRecorder(() => (records += 1), { inline, isSilent: false })
  const replayed = new Replay(ids, { inline, observer, settings: settingsBy(random) })
  for (const packet of packets) {
    replayed.push(packet)
    assert.ok(
      replayed.heldBytes <= STREAM_MEMORY + MEMORY_SLACK,
      `${replayed.heldBytes} bytes held`,
    )
  }
  replayed.end()
  observer.stats(replayed.nowMs, replayed.counts)
  assert.equal(replayed.heldBytes, 0, 'flows that are over hold nothing')
  assert.ok(records > 0)
}

/** Plays until the time is over; what fails is named by its seed. */
function fuzz(play: (random: Random, turn: number) => void): number {
  const until = performance.now() + FUZZ_MS
  const first = isLong ? Date.now() % 1_000_000_000 : 1
  let turn = 0
  for (; performance.now() < until; turn += 1) {
    try {
      play(numbers(first + turn), turn)
    } catch (error) {
      throw new Error(`seed ${first + turn}, turn ${turn}`, { cause: error })
    }
  }
  return turn
}

describe('hostile captures', { skip: missingCaptures ?? false }, () => {
  it('are replayed to the end, in bounded memory', () => {
    const paths = capturePaths(MAX_CAPTURE_BYTES)
    const known = new Map<string, readonly CapturedPacket[]>()
    const all = {
      detect: idsOf(RULES, { packets: true }),
      block: idsOf(RULES, { packets: true, mode: 'block' }),
    }
    const before = process.memoryUsage.rss()
    const turns = fuzz((random) => {
      const path = paths[random(paths.length)]
      const packets = known.get(path) ?? packetsOf(path)
      if (known.size < 200) known.set(path, packets)
      replay(random(2) === 0 ? all.detect : all.block, mutated(packets, random), random)
    })
    assert.ok(turns > 10, `${turns} captures`)
    const growth = process.memoryUsage.rss() - before
    assert.ok(growth < MAX_GROWTH_BYTES, `${growth} bytes more after ${turns} captures`)
  })

  it('are read as files without a throw', () => {
    const files = capturePaths(20_000).map((path) => readFileSync(path))
    fuzz((random) => {
      const bytes = Buffer.from(files[random(files.length)])
      for (let count = 1 + random(6); count > 0; count -= 1)
        bytes[random(Math.min(bytes.length, random(2) === 0 ? 200 : bytes.length))] = random(256)
      const result = readCapture(
        bytes.subarray(0, random(4) === 0 ? random(bytes.length) : undefined),
      )
      if (result.ok) assert.ok(result.packets.length <= bytes.length)
    })
  })

  it('leave every parser standing', () => {
    const payloads = capturePaths(MAX_CAPTURE_BYTES)
      .flatMap((path) => packetsOf(path).slice(0, 20))
      .map(({ bytes }) => bytes.subarray(Math.min(bytes.length, 54)))
      .filter(({ length }) => length > 8)
    fuzz((random) => {
      const bytes = Buffer.from(payloads[random(payloads.length)])
      for (let count = random(5); count > 0; count -= 1) bytes[random(bytes.length)] = random(256)
      parse(bytes, random)
    })
  })
})

const nothing = (): void => undefined

function parse(bytes: Buffer, random: Random): void {
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const length = 1 + random(bytes.length)
    chunks.push(bytes.subarray(at, at + length))
    at += length
  }
  parseDnsMessage(bytes)
  parseCertificate(bytes)
  const tls = new TlsSession()
  const http = new PermissiveHttpParser(
    {
      requestHead: nothing,
      requestBody: nothing,
      requestEnd: nothing,
      responseHead: nothing,
      responseBody: nothing,
      responseEnd: nothing,
      transactionEnd: nothing,
      fault: nothing,
    },
    () => 0,
  )
  const decoder = new BodyDecoder(['gzip', 'deflate', 'br', 'gzip, gzip'][random(4)], 100_000)
  for (const [index, chunk] of chunks.entries()) {
    tls.push(random(2) === 0 ? 'request' : 'response', chunk)
    if (random(2) === 0) http.pushClient(chunk)
    else http.pushServer(chunk)
    if (random(10) === 0) http.gapServer(1 + random(50))
    assert.ok(decoder.push(chunk, index === chunks.length - 1).length <= 100_000)
  }
  http.end()
}
