import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import type { HttpLimits } from '#inspectors/http/limits.ts'
import { byteByByte, Trace, traceOf, type Turn } from './trace.ts'

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\n'
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`
const client = (text: string): Turn => ({ side: 'client', bytes: Buffer.from(text, 'latin1') })
const server = (text: string): Turn => ({ side: 'server', bytes: Buffer.from(text, 'latin1') })

interface Bound {
  readonly limits: Partial<HttpLimits>
  /** Just within the bound. */
  readonly within: readonly Turn[]
  /** One more. */
  readonly beyond: readonly Turn[]
  readonly error: RegExp
}

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const BOUNDS: Readonly<Record<keyof HttpLimits, Bound>> = {
  headBytes: {
    limits: { headBytes: get.length },
    within: [client(get)],
    beyond: [client(get.replace('a', 'ab'))],
    error: /error head-too-large 431/,
  },
  methodBytes: {
    limits: { methodBytes: 4 },
    within: [client(get.replace('GET', 'POST'))],
    beyond: [client(get.replace('GET', 'PATCH'))],
    error: /error method-too-long 501/,
  },
  targetBytes: {
    limits: { targetBytes: 4 },
    within: [client(get.replace('/ ', '/abc '))],
    beyond: [client(get.replace('/ ', '/abcd '))],
    error: /error target-too-long 414/,
  },
  fieldBytes: {
    limits: { fieldBytes: 7 },
    within: [client(get)],
    beyond: [client(get.replace('Host: a', 'Host: ab'))],
    error: /error field-too-large 431/,
  },
  fieldCount: {
    limits: { fieldCount: 2 },
    within: [client(`${HEAD}A: b\r\n\r\n`)],
    beyond: [client(`${HEAD}A: b\r\nC: d\r\n\r\n`)],
    error: /error too-many-fields 431/,
  },
  leadingEmptyLines: {
    limits: { leadingEmptyLines: 1 },
    within: [client(`\r\n${get}`)],
    beyond: [client(`\r\n\r\n${get}`)],
    error: /error too-many-empty-lines 400/,
  },
  chunkExtensionBytes: {
    limits: { chunkExtensionBytes: 8 },
    within: [client(`${CHUNKED}1;aaa\r\nx\r\n0;bbb\r\n\r\n`)],
    beyond: [client(`${CHUNKED}1;aaa\r\nx\r\n0;bbbb\r\n\r\n`)],
    error: /error chunk-extensions-too-large 400/,
  },
  trailerBytes: {
    limits: { trailerBytes: 8 },
    within: [client(`${CHUNKED}0\r\nA: b\r\n\r\n`)],
    beyond: [client(`${CHUNKED}0\r\nA: bc\r\n\r\n`)],
    error: /error trailers-too-large 431/,
  },
  trailerCount: {
    limits: { trailerCount: 1 },
    within: [client(`${CHUNKED}0\r\nA: b\r\n\r\n`)],
    beyond: [client(`${CHUNKED}0\r\nA: b\r\nC: d\r\n\r\n`)],
    error: /error trailers-too-large 431/,
  },
  pipelinedRequests: {
    limits: { pipelinedRequests: 1, heldBytes: get.length },
    within: [client(get + get)],
    beyond: [client(get + get), client('G')],
    error: /error held-too-much close/,
  },
  interimResponses: {
    limits: { interimResponses: 1 },
    within: [client(get), server('HTTP/1.1 100 C\r\n\r\n')],
    beyond: [client(get), server('HTTP/1.1 100 C\r\n\r\n'), server('HTTP/1.1 100 C\r\n\r\n')],
    error: /error too-many-interim-responses 502/,
  },
  heldBytes: {
    limits: { heldBytes: 10 },
    within: [client(`CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n${'x'.repeat(10)}`)],
    beyond: [client(`CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n${'x'.repeat(11)}`)],
    error: /error held-too-much close/,
  },
}

describe('limits', () => {
  for (const [name, { limits, within, beyond, error }] of Object.entries(BOUNDS)) {
    test(`${name}: the last that fits passes, one more is refused`, () => {
      const options = { limits }
      const fits = traceOf(within, options)
      assert.doesNotMatch(fits.join('\n'), /error/)
      assert.ok(fits.length > 0)
      assert.match(traceOf(beyond, options).join('\n'), error)
      assert.match(traceOf(beyond, options, byteByByte).join('\n'), error)
    })
  }

  test('an unfinished line is refused when it passes the bound, not when it ends', () => {
    for (const [text, error] of [
      ['x'.repeat(70_000), /target-too-long/],
      [`GET / HTTP/1.1\r\nX: ${'x'.repeat(17_000)}`, /field-too-large/],
      [`${CHUNKED}1;${'x'.repeat(5_000)}`, /chunk-extensions-too-large/],
      [`${CHUNKED}0\r\nX: ${'x'.repeat(17_000)}`, /trailers-too-large/],
    ] as const) {
      assert.match(traceOf([client(text)]).join('\n'), error)
    }
  })

  test('a response line without end is refused', () => {
    const turns = [client(get), server('HTTP/1.1 200 '.padEnd(9_000, 'x'))]
    assert.match(traceOf(turns).join('\n'), /error invalid-status-line/)
  })

  test('endless line ends of a server are refused', () => {
    assert.match(traceOf([server('\r\n'.repeat(9))]).join('\n'), /error unexpected-response/)
  })

  test('a head byte by byte costs linear time', () => {
    const start = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(50)}X: `)
    const byte = Buffer.from('x')
    const cpuOf = (valueBytes: number, repeats: number): number => {
      const before = process.cpuUsage()
      for (let i = 0; i < repeats; i++) {
        const parser = new HttpExchangeParser(new Trace(), { nextId: () => 'id', now: () => 1 })
        parser.pushClient(start)
        for (let n = 0; n < valueBytes; n++) parser.pushClient(byte)
      }
      return process.cpuUsage(before).user
    }
    cpuOf(4_000, 64)
    // The same number of pushes: 1 when linear, 8 when each push copies or scans what is there.
    const ratio = cpuOf(16_000, 16) / cpuOf(2_000, 128)
    assert.ok(
      ratio < 3,
      `heads eight times as long cost ${ratio.toFixed(1)} times as much per byte`,
    )
  })
})

describe('control', () => {
  const parserOf = (trace: Trace, limits: Partial<HttpLimits> = {}): HttpExchangeParser =>
    new HttpExchangeParser(trace, { nextId: () => 'id', now: () => 1, limits })

  test('no event follows stop, whatever is pushed and wherever it was called', () => {
    const trace = new Trace()
    const parser: HttpExchangeParser = parserOf(trace)
    trace.requestBody = () => parser.stop()
    parser.pushClient(Buffer.from(`${HEAD}Content-Length: 2\r\n\r\nab${get}`))
    parser.pushServer(Buffer.from('HTTP/1.1 200 OK\r\n\r\n'))
    parser.endClient()
    parser.endServer()
    assert.deepEqual(trace.lines, ['client@47 head #0 POST / HTTP/1.1 length 2'])
  })

  test('a paused client is read on after resumeClient; the server is read meanwhile', () => {
    const trace = new Trace()
    const parser: HttpExchangeParser = parserOf(trace)
    trace.requestEnd = () => parser.pauseClient()
    parser.pushClient(Buffer.from(get + get))
    assert.equal(parser.clientHeld, true)
    parser.pushServer(Buffer.from('HTTP/1.1 204 N\r\n\r\n'))
    assert.deepEqual(trace.lines, [
      'client@27 head #0 GET / HTTP/1.1 none',
      'server@18 head #0 204 none',
      'server@18 end #0',
    ])
    parser.resumeClient()
    assert.equal(trace.lines.at(-1), 'client@54 head #1 GET / HTTP/1.1 none')
  })

  test('a full queue holds the client until a response ends', () => {
    const trace = new Trace()
    const parser = parserOf(trace, { pipelinedRequests: 2 })
    parser.pushClient(Buffer.from(get.repeat(3)))
    assert.equal(parser.clientHeld, true)
    assert.equal(trace.lines.filter((line) => line.includes('head')).length, 2)
    parser.pushServer(Buffer.from('HTTP/1.1 204 N\r\n\r\n'))
    assert.equal(trace.lines.at(-1), 'client@81 end #2')
    assert.equal(parser.clientHeld, true)
  })

  test('open transactions are told oldest first', () => {
    const trace = new Trace()
    const parser = parserOf(trace)
    parser.pushClient(Buffer.from(`${get}${HEAD}Content-Length: 2\r\n\r\na`))
    assert.deepEqual(
      parser.openTransactions.map((each) => each.index),
      [0, 1],
    )
    parser.pushServer(Buffer.from('HTTP/1.1 204 N\r\n\r\nHTTP/1.1 204 N\r\n\r\n'))
    assert.deepEqual(
      parser.openTransactions.map((each) => each.index),
      [1],
    )
    parser.pushClient(Buffer.from('b'))
    assert.deepEqual(parser.openTransactions, [])
  })

  test('Content-Length beside Transfer-Encoding is refused where that is asked for', () => {
    const both = client(`${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`)
    const lines = traceOf([both], { contentLengthWithChunked: 'reject' })
    assert.match(lines.join('\n'), /error conflicting-framing 400/)
  })
})
