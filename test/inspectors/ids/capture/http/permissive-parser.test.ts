import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { PermissiveHttpParser } from '#inspectors/ids/capture/http/permissive-parser.ts'

interface Seen {
  readonly targets: string[]
  readonly statuses: number[]
  readonly encodings: (string | undefined)[]
  body: string
  faults: string[]
  ends: number
}

const REQUEST = 'GET /a HTTP/1.1\r\nHost: example.test\r\n\r\n'

/** What the parser tells of a connection whose bytes come in pieces of these lengths. */
function read(request: string, response: string, lengths: readonly number[] = [1e6]): Seen {
  const seen: Seen = { targets: [], statuses: [], encodings: [], body: '', faults: [], ends: 0 }
  const parser = new PermissiveHttpParser(
    {
      requestHead: ({ request: head }) => seen.targets.push(head.target),
      requestBody: () => {},
      requestEnd: () => {},
      responseHead: ({ response: head }) => {
        seen.statuses.push(head?.status ?? -1)
        seen.encodings.push(head?.headers.find((h) => h.nameLower === 'content-encoding')?.value)
      },
      responseBody: (_transaction, chunk) => {
        seen.body += chunk.toString('latin1')
      },
      responseEnd: () => {},
      fault: (_transaction, _flow, name) => seen.faults.push(name),
      transactionEnd: () => {
        seen.ends += 1
      },
    },
    () => 0,
  )
  const give = (text: string, push: (chunk: Buffer) => void): void => {
    for (let at = 0, turn = 0; at < text.length; turn += 1) {
      const length = lengths[turn % lengths.length]
      push(Buffer.from(text.slice(at, at + length), 'latin1'))
      at += length
    }
  }
  give(request, (chunk) => parser.pushClient(chunk))
  give(response, (chunk) => parser.pushServer(chunk))
  parser.end()
  return seen
}

const OK = 'HTTP/1.1 200 ok\r\n'

/** Responses that strict readers refuse or read otherwise: all of them carry this body. */
const BODY = 'needle in a body'
const CHUNKS = '6\r\nneedle\r\na\r\n in a body\r\n0\r\n\r\n'
const CASES: readonly (readonly [string, string])[] = [
  ['chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n${CHUNKS}`],
  ['chunks in HTTP/1.0', `HTTP/1.0 200 ok\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`],
  ['a coding that only mentions chunks', `${OK}Transfer-Encoding: x chunked;\r\n\r\n${CHUNKS}`],
  ['a coding that is declared and not used', `${OK}Transfer-Encoding: chunked\r\n\r\n${BODY}`],
  ['blanks before the colon', `${OK}Transfer-Encoding \t: chunked\r\n\r\n${CHUNKS}`],
  ['a colon in the next line', `${OK}Transfer-Encoding\r\n : chunked\r\n\r\n${CHUNKS}`],
  ['a folded value', `${OK}Transfer-Encoding: \r\n \r\n chunked\r\n\r\n${CHUNKS}`],
  ['NUL in name and value', `${OK}Transfer\0-Encoding: chun\0ked\r\n\r\n${CHUNKS}`],
  ['a CR as line end', `${OK}X: y\rTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`],
  ['a field in a folded line', `${OK}X: y\r\n Transfer-Encoding: chunked\r\n\r\n${CHUNKS}`],
  ['blank lines before a chunk', `${OK}Transfer-Encoding: chunked\r\n\r\n\r\n \t${CHUNKS}`],
  ['LF only', `HTTP/1.1 200 ok\nContent-Length: 16\n\n${BODY}`],
  ['two lengths', `${OK}Content-Length: 3 16\r\n\r\n${BODY}`],
  ['no content by status', `HTTP/1.1 204 no\r\nContent-Length: 16\r\n\r\n${BODY}`],
  ['a final answer of status 100', `HTTP/1.1 100 ok\r\nContent-Length: 16\r\n\r\n${BODY}`],
  ['a line before the status line', `SIP/2.0 200 ok\r\n${OK}\r\n${BODY}`],
  ['a line of blanks as the end', `${OK}Content-Length: 16\r\n \r\n${BODY}`],
  ['a line of blanks before the end', `${OK}Content-Length: 16\r\n \r\n\r\n${BODY}`],
  ['a status that is no number', `HTTP/1.1 2xx ok\r\n\r\n${BODY}`],
  ['blanks around the version', ` HTTP/1.1\t 200 ok\r\n\r\n${BODY}`],
]

describe('the permissive HTTP parser', () => {
  for (const [name, response] of CASES)
    it(`reads ${name}`, () => assert.equal(read(REQUEST, response).body, BODY))

  it('reads alike however the bytes were cut', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(fc.constantFrom(...CASES), cuts, ([, response], lengths) => {
        assert.deepEqual(read(REQUEST, response, lengths), read(REQUEST, response))
      }),
      { numRuns: 200 },
    )
  })

  it('pairs pipelined requests with their responses', () => {
    const seen = read(
      REQUEST + REQUEST.replace('/a', '/b'),
      `HTTP/1.1 100 go on\r\n\r\n${OK}Content-Length: 0\r\n\r\nHTTP/1.1 404 no\r\nContent-Length: 1\r\n\r\nx`,
    )
    assert.deepEqual([seen.targets, seen.statuses, seen.ends], [['/a', '/b'], [200, 404], 2])
  })

  it('tells a request that no response came for', () => {
    assert.deepEqual(read(REQUEST, '').ends, 1)
    assert.deepEqual(read('GET /cut HTTP/1.1\r\nHost:', '').targets, ['/cut'])
  })

  it('takes bytes without a head for a body', () => {
    assert.equal(read(REQUEST, 'hello there\r\nneedle\r\n').body, 'hello there\r\nneedle\r\n')
  })

  it('neither throws nor keeps on growing, whatever the bytes', () => {
    const text = fc.array(
      fc.constantFrom(
        'HTTP/1.1 ',
        'GET /',
        '\r\n',
        '\r',
        '\n',
        ' ',
        ':',
        'chunked',
        'ffff',
        '\0',
        '0',
      ),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(text, text, fc.integer({ min: 1, max: 9 }), (client, server, length) => {
        const sent = server.join('')
        const seen = read(client.join(''), sent, [length])
        assert.ok(seen.body.length <= sent.length)
      }),
      { numRuns: 500 },
    )
  })

  it('tells of chunks with extensions, of sizes that cannot be read, and of answers nobody asked for', () => {
    const chunked = (body: string): string =>
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`
    const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
    assert.deepEqual(read(chunked('3;x=1\r\nabc\r\n0\r\n\r\n'), ok).faults, [
      'request_chunk_extension',
    ])
    assert.deepEqual(read(chunked('zz\r\nabc'), ok).faults, ['invalid_request_chunk_len'])
    assert.deepEqual(read('', ok).faults, ['unable_to_match_response_to_request'])
    assert.deepEqual(read(`${REQUEST}a=b&c=d`, ok).faults, ['request_body_unexpected'])
    assert.deepEqual(read(REQUEST.repeat(2), ok.repeat(2)).faults, [])
  })
})
