import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { STREAM_HISTORY } from '#inspectors/ids/limits.ts'
import { BORROWED_CHUNK_BYTES } from '#inspectors/inspector.ts'
import { type Piece, idsOf, play, recut, toClient, toServer } from './drive.ts'

const TCP = 'alert tcp any any -> any any'
const HTTP = 'alert http any any -> any any'

const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 })

function sorted(sids: readonly number[]): number[] {
  return [...new Set(sids)].sort((left, right) => left - right)
}

describe('matching does not depend on how bytes are cut', () => {
  const ids = idsOf(
    [
      `${TCP} (flow:to_server; content:"needle"; content:"thread"; distance:3; within:20; sid:1;)`,
      `${TCP} (flow:to_server; content:"NEEDLE"; nocase; sid:2;)`,
      `${TCP} (flow:to_server; content:"needle"; pcre:"/^.{3,10}thread/Rs"; sid:3;)`,
      `${TCP} (flow:to_client; content:"|ff fe 00|"; byte_test:2,>,300,0,relative; sid:4;)`,
      `${TCP} (flow:to_server; content:"hello"; startswith; sid:5;)`,
      `${TCP} (flow:to_server; content:"needle"; offset:10; depth:30; sid:6;)`,
    ].join('\n'),
  )
  it('on raw streams', () => {
    const words = fc.constantFrom(
      'needle',
      'thread',
      'NEEDLE',
      'hello',
      'xyz',
      '\xff\xfe\x00\x02\x00',
      'nee',
      'dle',
    )
    fc.assert(
      fc.property(fc.array(words, { maxLength: 12 }), cuts, (parts, lengths) => {
        const text = parts.join('')
        if (text === '') return
        const whole = [toServer(text), toClient(text)]
        // Options of place also hold for single chunks, as for packets: cuts may only add those.
        const placed = new Set([5, 6])
        const before = sorted(play(ids, whole).sids)
        const after = sorted(play(ids, recut(whole, lengths)).sids)
        assert.deepEqual(
          after.filter((sid) => !placed.has(sid)),
          before.filter((sid) => !placed.has(sid)),
        )
        for (const sid of before) assert.ok(after.includes(sid))
      }),
      { numRuns: 300 },
    )
  })

  it('on raw streams whose large chunks are taken back after the call', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: BORROWED_CHUNK_BYTES * 2 }),
        fc.integer({ min: 0, max: 5 }),
        (cut, before, between) => {
          const text = `${'x'.repeat(before)}needle${'-'.repeat(3 + between)}thread`
          const at = before + cut
          const pieces = [toServer(text.slice(0, at)), toServer(text.slice(at))]
          assert.deepEqual(sorted(play(ids, pieces).sids), sorted(play(ids, [toServer(text)]).sids))
        },
      ),
    )
  })

  const http = idsOf(
    [
      `${HTTP} (http.request_body; content:"needle"; content:"thread"; distance:3; within:20; sid:1;)`,
      `${HTTP} (http.request_body; content:"needle"; content:!"thread"; sid:2;)`,
      `${HTTP} (http.request_body; content:"thread"; endswith; sid:3;)`,
      `${HTTP} (http.request_body; content:"needle"; startswith; sid:4;)`,
      `${HTTP} (http.uri; content:"/u"; http.request_body; pcre:"/needle.*thread$/s"; sid:5;)`,
      `${HTTP} (http.method; content:"POST"; http.request_body; bsize:>30; sid:6;)`,
      `${HTTP} (flow:to_client; file.data; content:"needle"; content:"thread"; distance:0; sid:7;)`,
      `${HTTP} (flow:to_client; http.stat_code; content:"200"; file.data; pcre:"/(needle){2}/"; sid:8;)`,
      `${HTTP} (flow:to_client; file.data; content:"needle"; isdataat:!1,relative; sid:9;)`,
    ].join('\n'),
  )
  it('on bodies, whatever their framing and coding', () => {
    const words = fc.array(fc.constantFrom('needle', 'thread', 'xyz', '-', 'needlethread'), {
      maxLength: 10,
    })
    const coding = fc.constantFrom('none', 'gzip', 'deflate', 'raw', 'br')
    fc.assert(
      fc.property(words, coding, fc.boolean(), cuts, (parts, how, chunked, lengths) => {
        const pieces = exchange(parts.join(''), how, chunked)
        assert.deepEqual(
          sorted(play(http, recut(pieces, lengths)).sids),
          sorted(play(http, pieces).sids),
        )
      }),
      { numRuns: 200 },
    )
  })

  it('drops no later than with the chunk that completes the match', () => {
    const drop = idsOf(
      'drop tcp any any -> any any (flow:to_server; content:"needle"; content:"thread"; distance:0; sid:1;)\n' +
        'drop http any any -> any any (http.request_body; content:"needle"; content:"yarn"; distance:0; sid:2;)',
    )
    const text = 'xxxxneedle---threadyyyyyy'
    for (let length = 1; length <= text.length; length += 1) {
      const outcome = play(drop, recut([toServer(text)], [length]))
      assert.equal(outcome.dropped, true)
      assert.ok(outcome.seen.to_server - length < text.indexOf('yyy'))
    }
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 22\r\n\r\n'
    const body = 'xxxxneedle---yarnyyyyy'
    for (let length = 1; length <= body.length; length += 1) {
      const outcome = play(drop, [toServer(head), ...recut([toServer(body)], [length])])
      assert.equal(outcome.dropped, true)
      assert.ok(outcome.seen.to_server - head.length - length < body.indexOf('yyy'))
    }
  })

  it('matches again behind an earlier match, not the same bytes twice', () => {
    const twice = idsOf(`${TCP} (flow:to_server; content:"needle"; sid:1;)`)
    assert.deepEqual(play(twice, recut([toServer('needle-needle-')], [1])).sids, [1, 1])
  })

  it('reaches as far back as the history', () => {
    const far = idsOf(
      `${TCP} (flow:to_server; content:"needle"; content:"thread"; distance:0; sid:1;)`,
    )
    const gap = (size: number): Piece[] => [
      toServer('needle'),
      toServer('-'.repeat(size)),
      toServer('thread'),
    ]
    assert.deepEqual(play(far, gap(STREAM_HISTORY - 100)).sids, [1])
  })
})

/** A request and a response with one body; lengths and coding as asked for. */
function exchange(body: string, coding: string, chunked: boolean): Piece[] {
  const plain = Buffer.from(body, 'latin1')
  const encode = {
    none: (bytes: Buffer) => bytes,
    gzip: gzipSync,
    deflate: deflateSync,
    raw: deflateRawSync,
    br: brotliCompressSync,
  }
  const bytes = encode[coding as keyof typeof encode](plain).toString('latin1')
  const name = coding === 'raw' ? 'deflate' : coding
  const fields =
    (coding === 'none' ? '' : `Content-Encoding: ${name}\r\n`) +
    (chunked ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${bytes.length}\r\n`)
  const framed = chunked
    ? `${bytes === '' ? '' : `${bytes.length.toString(16)}\r\n${bytes}\r\n`}0\r\n\r\n`
    : bytes
  return [
    toServer(`POST /u HTTP/1.1\r\nHost: a\r\n${fields}\r\n${framed}`),
    toClient(`HTTP/1.1 200 OK\r\n${fields}\r\n${framed}`),
  ]
}
