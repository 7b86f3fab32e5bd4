import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import { readCases } from './markdown-fixture.ts'
import { byteByByte, Trace, traceOf, type Turn } from './trace.ts'

const FOLDER = new URL('../../fixtures/http/', import.meta.url)
const CASES = readdirSync(FOLDER).flatMap((file) => readCases(new URL(file, FOLDER)))

/** Words that matter to the grammar: random bytes alone would never get past the request line. */
const FRAGMENTS = [
  '\r\n',
  '\n',
  '\r',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '\0',
  '\x0b',
  '\x7f',
  '\xff',
  '0',
  '1',
  'a',
  '#',
  '%',
  'GET / HTTP/1.1\r\n',
  'POST /p?a=b HTTP/1.1\r\n',
  'HEAD / HTTP/1.0\r\n',
  'CONNECT a:1 HTTP/1.1\r\n',
  'Host: a\r\n',
  'Host: a\r\n\r\n',
  'Content-Length: 3\r\n',
  'Content-Length: 3\r\n\r\nabc',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: chunked\r\n\r\n',
  'Upgrade: x\r\n',
  ' fold\r\n',
  '3\r\nabc\r\n',
  '0\r\n\r\n',
  '0\r\nX: y\r\n\r\n',
  '1;e=f\r\nx\r\n',
  'ffffffff\r\n',
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 101 S\r\n\r\n',
  'HTTP/1.1 204 N\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
]

const bytes = fc
  .array(
    fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...FRAGMENTS) }, fc.string({ maxLength: 4 })),
    {
      maxLength: 12,
    },
  )
  .map((parts) => Buffer.from(parts.join(''), 'latin1'))

const turn: fc.Arbitrary<Turn> = fc.record({
  side: fc.constantFrom('client' as const, 'server' as const),
  bytes: fc.option(bytes, { freq: 8, nil: null }),
})

const fixtureTurns = fc
  .record({ from: fc.constantFrom(...CASES), at: fc.nat(), with: fc.constantFrom(...FRAGMENTS) })
  .map(({ from, at, with: inserted }) =>
    from.turns.map((each): Turn => {
      if (each.bytes === null) return each
      const where = at % (each.bytes.length + 1)
      const [before, after] = [each.bytes.subarray(0, where), each.bytes.subarray(where)]
      return { ...each, bytes: Buffer.concat([before, Buffer.from(inserted, 'latin1'), after]) }
    }),
  )

const turns = fc.oneof(fc.array(turn, { maxLength: 6 }), fixtureTurns)
const small = {
  limits: {
    headBytes: 96,
    fieldBytes: 40,
    targetBytes: 24,
    methodBytes: 8,
    fieldCount: 4,
    chunkExtensionBytes: 8,
    trailerBytes: 24,
    trailerCount: 2,
    pipelinedRequests: 2,
    interimResponses: 2,
    heldBytes: 1_000_000,
  },
}

test('events do not depend on how the bytes are cut', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(turns, cuts, fc.constantFrom({}, small), (input, sizes, options) => {
      const whole = traceOf(input, options)
      assert.deepEqual(traceOf(input, options, byteByByte), whole)
      const inPieces = (all: Buffer): Buffer[] => {
        const pieces: Buffer[] = []
        for (let at = 0, i = 0; at < all.length; i++) {
          const size = sizes[i % sizes.length]
          pieces.push(all.subarray(at, at + size))
          at += size
        }
        return pieces
      }
      assert.deepEqual(traceOf(input, options, inPieces), whole)
    }),
    { numRuns: 3_000 },
  )
})

test('offsets grow and never pass what was pushed; after an error the direction is silent', () => {
  fc.assert(
    fc.property(turns, (input) => {
      const sent = { client: 0, server: 0 }
      const reached = { client: 0, server: 0 }
      const failed = { client: false, server: false }
      const trace = new Trace()
      const parser = new HttpExchangeParser(trace, { nextId: () => 'id', now: () => 1 })
      let seen = 0
      for (const { side, bytes } of input) {
        if (bytes === null) {
          if (side === 'client') parser.endClient()
          else parser.endServer()
        } else {
          sent[side] += bytes.length
          if (side === 'client') parser.pushClient(bytes)
          else parser.pushServer(bytes)
        }
        for (; seen < trace.lines.length; seen++) {
          const found = /^(client|server)@([0-9]+) (error)?/.exec(trace.lines[seen])
          if (found === null) continue
          const where = found[1] as 'client' | 'server'
          assert.equal(failed[where], false, trace.lines.join('\n'))
          failed[where] = found[3] !== undefined
          assert.ok(Number(found[2]) >= reached[where], trace.lines.join('\n'))
          reached[where] = Number(found[2])
          assert.ok(reached[where] <= sent[where], trace.lines.join('\n'))
        }
      }
    }),
    { numRuns: 2_000 },
  )
})

test('keeps no more than the limits say, however long the input is', () => {
  const limits = { ...small.limits, heldBytes: 200 }
  const flood = fc.constantFrom(
    'x',
    'x: y\r\n',
    '\r\n',
    '1;e\r\nx\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  )
  fc.assert(
    fc.property(turns, flood, (input, endless) => {
      const parser = new HttpExchangeParser(new Trace(), {
        nextId: () => 'id',
        now: () => 1,
        limits,
      })
      const more = Buffer.from(endless.repeat(40), 'latin1')
      for (const { side, bytes } of [...input, ...input]) {
        for (const chunk of bytes === null ? [] : [bytes, more]) {
          if (side === 'client') parser.pushClient(chunk)
          else parser.pushServer(chunk)
          assert.ok(parser.bufferedBytes <= limits.heldBytes + limits.headBytes)
        }
      }
    }),
    { numRuns: 1_000 },
  )
})

test('never throws on arbitrary bytes', () => {
  const anything = fc.record({
    side: fc.constantFrom('client' as const, 'server' as const),
    bytes: fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
  })
  fc.assert(fc.property(fc.array(anything, { maxLength: 8 }), (input) => void traceOf(input)))
})

test('a body of any chunking is the body', () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 10 })
  fc.assert(
    fc.property(pieces, (chunks) => {
      const parts = chunks.map((chunk) => [`${chunk.length.toString(16)}\r\n`, chunk, '\r\n'])
      const head = 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
      const wire = [head, ...parts.flat(), '0\r\n\r\n'].map((part) =>
        typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part),
      )
      const total = Buffer.concat(wire)
      const lines = traceOf([{ side: 'client', bytes: total }])
      const body = JSON.stringify(Buffer.concat(chunks).toString('latin1'))
      const expected = [`client@${head.length} head #0 PUT / HTTP/1.1 chunked`]
      if (chunks.length > 0) expected.push(`client@${total.length - 5 - 2} body #0 ${body}`)
      assert.deepEqual(lines, [...expected, `client@${total.length} end #0`])
    }),
  )
})
