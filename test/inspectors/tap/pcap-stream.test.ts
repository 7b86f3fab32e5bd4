import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MAX_PACKET_BYTES } from '#inspectors/ids/capture/pcap-file.ts'
import { PcapStream } from '#inspectors/tap/pcap-stream.ts'

interface Made {
  readonly timeMs: number
  readonly bytes: Buffer
}

function capture(packets: readonly Made[], little: boolean, nanoseconds = false): Buffer {
  const write = (value: number): Buffer => {
    const word = Buffer.alloc(4)
    if (little) word.writeUInt32LE(value)
    else word.writeUInt32BE(value)
    return word
  }
  const perMs = nanoseconds ? 1_000_000 : 1000
  const parts = [nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, 0x0004_0002, 0, 0, 262_144, 1].map(write)
  for (const { timeMs, bytes } of packets)
    parts.push(
      write(Math.floor(timeMs / 1000)),
      write((timeMs % 1000) * perMs),
      write(bytes.length),
      write(bytes.length),
      bytes,
    )
  return Buffer.concat(parts)
}

function collect(): { stream: PcapStream; found: Made[] } {
  const found: Made[] = []
  const stream = new PcapStream(({ timeMs, bytes, linkType }) => {
    assert.equal(linkType, 1)
    found.push({ timeMs, bytes: Buffer.from(bytes) })
  })
  return { stream, found }
}

test('a capture is the same however it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          timeMs: fc.integer({ min: 0, max: 2_000_000_000_000 }),
          bytes: fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
        }),
        { maxLength: 6 },
      ),
      fc.boolean(),
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      (packets, little, nanoseconds, cuts) => {
        const whole = capture(packets, little, nanoseconds)
        const { stream, found } = collect()
        for (let at = 0, turn = 0; at < whole.length; turn++) {
          const size = cuts[turn % cuts.length]
          assert.equal(stream.push(whole.subarray(at, at + size)), null)
          at += size
        }
        assert.deepEqual(
          found,
          packets.map(({ timeMs, bytes }) => ({ timeMs, bytes })),
        )
      },
    ),
  )
})

test('what is no capture, and a packet beyond the bound, end the reading with a reason', () => {
  assert.match(collect().stream.push(Buffer.alloc(24)) ?? '', /capture header/)
  const { stream, found } = collect()
  const header = capture([], true)
  const packet = Buffer.alloc(16)
  packet.writeUInt32LE(MAX_PACKET_BYTES + 1, 8)
  assert.match(stream.push(Buffer.concat([header, packet])) ?? '', /bytes/)
  assert.equal(found.length, 0)
})
