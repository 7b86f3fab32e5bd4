import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DETECTION_BYTES, looksLikeHttp, looksLikeHttp2 } from '#inspectors/http/detect.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

const HTTP: Readonly<Record<string, string>> = {
  'a request': 'GET / HTTP/1.1\r\n',
  'an unknown method': 'FOO /x',
  'leading line ends': '\r\n\r\nGET /',
  'leading blanks': ' \tGET / HTTP/1.1',
  'a tab for a blank': 'GET\t/ HTTP/1.1',
  'a vertical tab for a blank': 'GET\x0b/ HTTP/1.1',
  'CR for a blank': 'GET\r/ HTTP/1.1',
  'a method in lower case': 'get / http/1.1',
  'HTTP/0.9': 'GET /\r\n',
  'an unknown method and target, but a version': 'FOO bar HTTP/1.1\r\n',
  'another version': 'GET / JUNK/1.0',
  'a method with high bytes after it': 'POST \xff',
  'another scheme, but HTTP': 'GET rtsp://a/ HTTP/1.1\r\n',
  'absolute form': 'FOO http://a/',
}

const OTHER: Readonly<Record<string, string>> = {
  TLS: '\x16\x03\x01\x02\x00\x01',
  SSH: 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n',
  SMTP: 'EHLO client.test\r\n',
  Redis: '*1\r\n$4\r\nPING\r\n',
  RTSP: 'OPTIONS rtsp://a/ RTSP/1.0\r\n',
  PostgreSQL: '\x00\x00\x00\x08\x04\xd2\x16\x2f',
  'a long line': 'x'.repeat(DETECTION_BYTES),
  'endless blanks': ' '.repeat(DETECTION_BYTES + 2),
}

for (const [name, text] of Object.entries(HTTP)) {
  test(`${name} is HTTP`, () => {
    assert.equal(looksLikeHttp(bytes(text)), 'yes')
    for (let length = 0; length < text.length; length++) {
      assert.notEqual(looksLikeHttp(bytes(text.slice(0, length))), 'no', `first ${length} bytes`)
    }
  })
}

for (const [name, text] of Object.entries(OTHER)) {
  test(`${name} is not HTTP`, () => {
    assert.equal(looksLikeHttp(bytes(text)), 'no')
    for (let length = 0; length < text.length; length++) {
      assert.notEqual(looksLikeHttp(bytes(text.slice(0, length))), 'yes', `first ${length} bytes`)
    }
  })
}

test('the preface of HTTP/2 is told apart', () => {
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
  assert.equal(looksLikeHttp2(bytes(preface)), 'yes')
  assert.equal(looksLikeHttp2(bytes(preface.slice(0, 20))), 'undecided')
  assert.equal(looksLikeHttp2(bytes('PRI / HTTP/1.1\r\n')), 'no')
  assert.equal(looksLikeHttp2(bytes('')), 'undecided')
})
