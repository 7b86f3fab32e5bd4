import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { requestEvents, responseEvents } from '#inspectors/ids/http/head-events.ts'
import { readRequestHead, readResponseHead } from '#inspectors/ids/capture/http/head.ts'
import { parseDnsMessage } from '#inspectors/ids/dns/message.ts'
import { idsOf, play, toClient, toServer } from './drive.ts'

const request = (line: string, ...fields: string[]): string[] => [
  ...requestEvents(readRequestHead([line, ...fields, '', ''].join('\r\n'))),
]
const response = (line: string, ...fields: string[]): string[] => [
  ...responseEvents(readResponseHead([line, ...fields, '', ''].join('\r\n'), 'GET')),
]

describe('events of HTTP heads', () => {
  it('says nothing of sound ones', () => {
    assert.deepEqual(
      request('GET /a?b=%20 HTTP/1.1', 'Host: www.example.com:80', 'Authorization: Bearer x'),
      [],
    )
    assert.deepEqual(request('GET / HTTP/1.1', 'Host: [::1]:8080'), [])
    assert.deepEqual(response('HTTP/1.1 200 OK', 'Set-Cookie: a=1', 'Set-Cookie: b=2'), [])
  })

  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['missing_host_header', request('GET / HTTP/1.1')],
    ['request_header_host_invalid', request('GET / HTTP/1.1', 'Host: a..b')],
    ['uri_host_invalid', request('GET http://a%zz/ HTTP/1.0')],
    ['host_header_ambiguous', request('GET http://a/ HTTP/1.1', 'Host: b')],
    ['double_encoded_uri', request('GET /%2541 HTTP/1.0')],
    ['request_auth_unrecognized', request('GET / HTTP/1.0', 'Authorization: Magic x')],
    ['request_header_repetition', request('GET / HTTP/1.0', 'A: 1', 'A: 2')],
    ['request_field_missing_colon', request('GET / HTTP/1.0', 'A: 1', 'b')],
    ['invalid_request_field_folding', request('GET / HTTP/1.0', ' A: 1')],
    ['request_header_invalid', request('GET / HTTP/1.0', 'A(): 1')],
    ['method_delim_non_compliant', request('GET\t/ HTTP/1.0')],
    ['request_line_leading_whitespace', request(' GET / HTTP/1.0')],
    [
      'duplicate_content_length_field_in_request',
      request('POST / HTTP/1.0', 'Content-Length: 1', 'Content-Length: 1'),
    ],
    ['invalid_content_length_field_in_request', request('POST / HTTP/1.0', 'Content-Length: x')],
    [
      'invalid_transfer_encoding_value_in_request',
      request('POST / HTTP/1.0', 'Transfer-Encoding: x'),
    ],
    ['abnormal_ce_header', response('HTTP/1.1 200 OK', 'Content-Encoding: rot13')],
    [
      'too_many_encoding_layers',
      response('HTTP/1.1 200 OK', 'Content-Encoding: gzip, gzip, gzip, gzip'),
    ],
    ['response_invalid_protocol', response('HTTPS/1.1 200 OK')],
    ['response_invalid_status', response('HTTP/1.1 99 OK')],
    ['response_chunked_old_proto', response('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked')],
    [
      'response_multipart_byteranges',
      response('HTTP/1.1 206 x', 'Content-Type: multipart/byteranges; boundary=b'),
    ],
  ]
  for (const [name, found] of rows) it(name, () => assert.ok(found.includes(name), found.join()))

  it('bring the rules that ask for them, once in a transaction, in their direction', () => {
    const ids = idsOf(
      'alert http any any -> any any (app-layer-event:http.double_encoded_uri; sid:1;)\n' +
        'alert http any any -> any any (flow:to_client; app-layer-event:http.double_encoded_uri; sid:2;)\n' +
        'alert tcp any any -> any any (app-layer-event:http.double_encoded_uri; http.method; content:"POST"; sid:3;)\n' +
        'drop http any any -> any any (app-layer-event:http.response_invalid_status; sid:4;)',
    )
    const { sids, dropped } = play(ids, [
      toServer('GET /%2541 HTTP/1.1\r\nHost: a\r\n\r\n'),
      toClient('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
    ])
    assert.deepEqual([sids, dropped], [[1, 2], false])
  })
})

describe('events of DNS messages', () => {
  const message = (hex: string): readonly string[] | undefined =>
    parseDnsMessage(Buffer.from(hex.replaceAll(' ', ''), 'hex'))?.faults
  const question = '01 61 00 0001 0001' /* .a. A IN */

  it('names what is wrong', () => {
    assert.deepEqual(message(`0001 0100 0001 0000 0000 0000 ${question}`), [])
    assert.deepEqual(message(`0001 0140 0001 0000 0000 0000 ${question}`), ['z_flag_set'])
    assert.deepEqual(message(`0001 4900 0001 0000 0000 0000 ${question}`), ['invalid_opcode'])
    assert.deepEqual(message(`0001 8100 0001 0001 0000 0000 ${question} c00c`), ['malformed_data'])
    assert.deepEqual(message(`0001 8100 0001 0000 0000 0001 ${question} 00`), [
      'invalid_additionals',
    ])
    assert.deepEqual(message('0001 0100 0001 0000 0000 0000 c00c 0001 0001'), ['infinite_loop'])
  })
})

describe('events of the connection', () => {
  const rules =
    'alert ip any any -> any any (app-layer-event:applayer_mismatch_protocol_both_directions; sid:1;)\n' +
    'alert ip any any -> any any (app-layer-event:applayer_wrong_direction_first_data; sid:2;)'

  it('tells of two protocols in one connection', () => {
    const get = toServer('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.deepEqual(play(idsOf(rules), [get, toClient('SSH-2.0-x\r\n')]).sids, [1])
    assert.deepEqual(play(idsOf(rules), [get, toClient('HTTP/1.1 200 OK\r\n\r\n')]).sids, [])
  })

  it('refuses events that nothing tells of', () => {
    const { warnings } = idsOf(
      'alert http any any -> any any (content:"a"; sid:1;)\n' +
        'alert http any any -> any any (app-layer-event:http.compression_bomb; sid:2;)\n' +
        'alert http any any -> any any (app-layer-event:http.nonsense; sid:3;)\n' +
        'alert dns any any -> any any (app-layer-event:http.missing_host_header; sid:4;)',
    )
    assert.deepEqual(
      warnings.map(({ sid, code }) => [sid, code]),
      [
        [2, 'unsupported-keyword'],
        [3, 'bad-argument'],
        [4, 'conflict'],
      ],
    )
  })
})
