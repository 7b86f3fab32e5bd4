import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Piece, idsOf, play, recut, toClient, toServer } from '../drive.ts'

const HTTP = 'alert http any any -> any any'

/** What each finds was compared with Suricata 7.0.10, messages in packets of their own. */
const ids = idsOf(
  [
    `${HTTP} (flow:to_server; content:"needle"; http.uri; content:"/two"; sid:1;)`,
    `${HTTP} (flow:to_server; content:"needle"; http.uri; content:"/two"; fast_pattern; sid:2;)`,
    `${HTTP} (flow:to_server; content:"GET /two"; depth:8; http.method; content:"GET"; sid:3;)`,
    `${HTTP} (flow:to_server; content:!"needle"; http.uri; content:"/two"; fast_pattern; sid:4;)`,
    `${HTTP} (flow:to_client; content:"needle"; http.stat_code; content:"200"; sid:5;)`,
  ].join('\n'),
)

const get = (target: string, field = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: a\r\n${field}\r\n`
const post = (target: string, body: string): string =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const ok = (body = ''): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

const NEEDLE = 'X: needle\r\n'

const found = (pieces: readonly Piece[]): readonly number[] =>
  [...play(ids, pieces).sids].sort((left, right) => left - right)

describe('raw bytes asked for beside HTTP buffers', () => {
  const cases: readonly {
    readonly name: string
    readonly pieces: readonly Piece[]
    readonly sids: readonly number[]
  }[] = [
    {
      name: 'are those of the message',
      pieces: [toServer(get('/two', NEEDLE)), toClient(ok())],
      sids: [1, 2, 3],
    },
    {
      name: 'are not those of the message before',
      pieces: [
        toServer(get('/one', NEEDLE)),
        toClient(ok()),
        toServer(get('/two')),
        toClient(ok()),
      ],
      sids: [3, 4],
    },
    {
      name: 'are not those of the message behind',
      pieces: [
        toServer(get('/two')),
        toClient(ok()),
        toServer(get('/one', NEEDLE)),
        toClient(ok()),
      ],
      sids: [3, 4],
    },
    {
      name: 'are not those of a neighbour in the same packet',
      pieces: [
        toServer(get('/one', NEEDLE) + get('/two') + get('/one', NEEDLE)),
        toClient(ok() + ok() + ok()),
      ],
      sids: [3, 4],
    },
    {
      name: 'are those of the body too, and lack what comes nowhere in it',
      pieces: [toServer(post('/two', 'needle')), toClient(ok())],
      sids: [1, 2],
    },
    {
      name: 'are found again in each message',
      pieces: [toServer(get('/')), toClient(ok('needle')), toServer(get('/')), toClient(ok())],
      sids: [5],
    },
  ]
  for (const { name, pieces, sids } of cases)
    it(name, () => {
      assert.deepEqual(found(pieces), sids)
      for (const length of [1, 2, 7])
        assert.deepEqual(found(recut(pieces, [length])), sids, `by ${length}`)
    })
})
