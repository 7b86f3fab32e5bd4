import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { BodyDecoder } from '#inspectors/ids/coding/body-decoder.ts'
import { Inflater } from '#inspectors/ids/coding/inflate.ts'

const BOUND = 1_000_000

function decode(coding: string, bytes: Buffer, step: number): Buffer {
  const decoder = new BodyDecoder(coding, BOUND)
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += step)
    parts.push(Buffer.from(decoder.push(bytes.subarray(at, at + step), at + step >= bytes.length)))
  return Buffer.concat(parts)
}

const SAMPLES = [
  Buffer.alloc(0),
  Buffer.from('a'),
  Buffer.from('hello world '.repeat(3000)),
  randomBytes(70_000),
  // Codes of all lengths, short matches between literals.
  Buffer.from(
    Array.from(randomBytes(9000), (byte) => String.fromCharCode(0x20 + Math.floor(byte ** 2 / 700)))
      .join('')
      .replaceAll('!', 'a word that comes again'),
  ),
  // Compressed and stored blocks in turn: bytes read ahead must be given back.
  Buffer.concat([
    Buffer.from('abc '.repeat(9000)),
    randomBytes(80_000),
    Buffer.from('xyz '.repeat(9000)),
  ]),
]

describe('content codings', () => {
  it('gives what zlib put in, however it is cut', () => {
    for (const data of SAMPLES) {
      for (const options of [
        { level: 1 },
        { level: 9 },
        { strategy: constants.Z_FIXED },
        { level: 0 },
      ]) {
        for (const [coding, encoded] of [
          ['gzip', gzipSync(data, options)],
          ['deflate', deflateSync(data, options)],
          ['deflate', deflateRawSync(data, options)],
        ] as const) {
          for (const step of [7, 61, 1000, BOUND])
            assert.deepEqual(decode(coding, encoded, step), data)
          if (data.length < 40_000) assert.deepEqual(decode(coding, encoded, 1), data)
        }
      }
      assert.deepEqual(decode('br', brotliCompressSync(data), 997), data)
    }
  })

  it('reads bodies that come in turn as it reads each alone', () => {
    const size = fc.integer({ min: 1, max: 900 })
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), size)), (steps) => {
        // Blocks of small ends have codes of their own, and each is cut within them.
        const wholes = [SAMPLES[4], SAMPLES[4].subarray(1000).reverse(), SAMPLES[2]].map((data) =>
          gzipSync(data, { memLevel: 1 }),
        )
        const inflaters = wholes.map(() => new Inflater('gzip', BOUND))
        const alone = wholes.map(() => new Inflater('gzip', BOUND))
        const at = wholes.map(() => 0)
        const seen = wholes.map((): Buffer[] => [])
        for (const [which, bytes] of steps) {
          const piece = wholes[which].subarray(at[which], at[which] + bytes)
          at[which] += bytes
          seen[which].push(Buffer.from(inflaters[which].push(piece)))
        }
        for (const [which, whole] of wholes.entries())
          assert.deepEqual(
            Buffer.concat(seen[which]),
            alone[which].push(whole.subarray(0, at[which])),
          )
      }),
      { numRuns: 200 },
    )
  })

  it('removes layers from the outside in', () => {
    const data = Buffer.from('two layers')
    assert.deepEqual(decode('deflate, gzip', gzipSync(deflateSync(data)), 3), data)
  })

  it('joins gzip members', () => {
    const two = Buffer.concat([gzipSync('abc'), gzipSync('def')])
    assert.equal(decode('gzip', two, 1).toString(), 'abcdef')
  })

  it('gives a body as it is when it is not what its header says', () => {
    for (const coding of ['gzip', 'deflate', 'br'])
      assert.equal(
        decode(coding, Buffer.from('<html>plain</html>'), 5).toString(),
        '<html>plain</html>',
        coding,
      )
  })

  it('stops at its bound, whatever a bomb would yield', () => {
    const inflater = new Inflater('gzip', 10_000)
    assert.equal(inflater.push(gzipSync(Buffer.alloc(50_000_000))).length, 10_000)
  })

  it('does not throw on bytes of any kind', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom('gzip', 'deflate'),
        (bytes, coding) => {
          const head = coding === 'gzip' ? gzipSync('x').subarray(0, 10) : Buffer.alloc(0)
          decode(coding, Buffer.concat([head, bytes]), 7)
        },
      ),
      { numRuns: 500 },
    )
  })
})
