import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MAX_TRAIN, OFFLOAD_HEADER_BYTES } from '#inspectors/datagram/limits.ts'
import { datagramFrames } from '#inspectors/datagram/train.ts'
import { FrameDecoder } from '#inspectors/ids/capture/decode/frame-decoder.ts'
import { udpFrame } from './frames.ts'

const FAMILIES = [
  [
    { address: '10.0.0.9', port: 4000 },
    { address: '10.0.0.5', port: 53 },
  ],
  [
    { address: 'fd00::9', port: 4000 },
    { address: 'fd00::5', port: 53 },
  ],
] as const

/** As a guest with segmentation offload sends it. */
function train(family: number, payload: string, size: number): Buffer {
  const [from, to] = FAMILIES[family]
  const frame = udpFrame(from, to, payload)
  const udpAt = 14 + (family === 0 ? 20 : 40)
  frame[0] = 1
  frame[1] = 5
  frame.writeUInt16LE(size, 4)
  frame.writeUInt16LE(udpAt, 6)
  frame.writeUInt16LE(6, 8)
  return frame
}

test('a train is inspected as the datagrams that it will be', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1 }),
      fc.integer({ min: 1, max: 1400 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 1400 }),
      (family, size, full, rest) => {
        const last = Math.min(rest, size)
        const payload = Array.from({ length: full }, (_, index) =>
          String.fromCharCode(97 + (index % 26)).repeat(size),
        ).join('')
        const text = payload + 'z'.repeat(last)
        const decoder = new FrameDecoder()
        const frames = datagramFrames(train(family, text, size))
        assert.ok(frames !== null)
        const found = frames.map((frame) => {
          const [packet] = decoder.decode(1, frame, 0)
          assert.equal(packet.destinationPort, 53)
          return packet.payload.toString('latin1')
        })
        assert.equal(found.join(''), text)
        assert.ok(found.slice(0, -1).every((one) => one.length === size))
      },
    ),
  )
})

test('a frame without offload is itself; what its header cannot mean is refused', () => {
  const plain = udpFrame(...FAMILIES[0], 'x')
  assert.deepEqual(datagramFrames(plain), [plain.subarray(OFFLOAD_HEADER_BYTES)])
  const long = train(0, 'x'.repeat(MAX_TRAIN + 1), 1)
  assert.equal(datagramFrames(long), null)
  for (const [at, value] of [
    [1, 3], // UFO
    [1, 1], // TCP
    [0, 0], // no checksum to finish
    [4, 0], // segments of nothing
    [6, 255], // UDP header behind the end
  ] as const) {
    const odd = train(0, 'abc', 1)
    odd[at] = value
    if (at >= 4) odd[at + 1] = 0
    assert.equal(datagramFrames(odd), null)
  }
})
