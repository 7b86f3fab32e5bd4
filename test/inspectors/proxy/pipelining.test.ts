import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { PASS } from '#inspectors/inspector.ts'
import { block, CLOSE, get, guard, guarded, post } from './guarded-site.ts'
import { connect, exchange, outcomeOf, until } from './harness.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst'

/** Answers the first bytes it gets after a while, in two pieces, and nothing else. */
function slowly(socket: Socket): void {
  socket.once('data', () => {
    setTimeout(() => socket.write(OK.slice(0, 30)), 20)
    setTimeout(() => socket.write(OK.slice(30)), 40)
  })
}

test('a malformed request waits for the answers before it, then gets its 400', async () => {
  await using site = await guarded(guard, {}, slowly)
  const { text, ended } = await exchange(
    site.proxy.port,
    `${get('/one')}BAD\u0001 / HTTP/1.1\r\n\r\n`,
  )
  assert.ok(text.startsWith(`${OK}HTTP/1.1 400 Bad Request\r\n`), text)
  assert.equal(ended, true)
  assert.equal(site.received(), get('/one'))
})

test('a body that turns bad waits too, and its page has the id of its request', async () => {
  await using site = await guarded(guard, {}, slowly)
  const chunked = 'POST /two HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'
  const { text } = await exchange(site.proxy.port, get('/one'), chunked)
  assert.ok(text.startsWith(`${OK}HTTP/1.1 400 `), text)
  const id = /x-portcullis-request-id: (\S+)/.exec(text)?.[1]
  assert.equal(site.proxy.sink.events[0]?.transaction?.id, id)
  assert.equal(site.received(), get('/one'))
})

test('a server that breaks off before the owed answer leaves the client with that, not with a page', async () => {
  await using site = await guarded(guard, {}, (socket) => {
    socket.once('data', () => setTimeout(() => socket.end(OK.slice(0, 40)), 20))
  })
  const { text } = await exchange(site.proxy.port, get('/one') + get('/attack'))
  assert.ok(!text.includes('403'), text)
})

test('a block by the end of a held body waits for the answers before it', async () => {
  await using site = await guarded(
    { ...guard, requestEnd: ({ index }) => (index === 1 ? block(9) : PASS) },
    {},
    slowly,
  )
  const { text } = await exchange(site.proxy.port, get('/one'), post('/two', 'a=b', CLOSE))
  assert.ok(text.startsWith(`${OK}HTTP/1.1 403 `), text)
  assert.equal(site.received(), get('/one'))
  assert.deepEqual(site.proxy.sink.summary, ['blocked:9'])
})

test('an early answer to a streaming upload is not followed by a page', async () => {
  await using site = await guarded(
    { requestBody: (_, chunk) => (chunk.includes('evil') ? block(4) : PASS) },
    {},
    (socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart'))
    },
  )
  const socket = connect(site.proxy.port)
  let seen = ''
  socket.on('data', (chunk: Buffer) => (seen += chunk.toString()))
  const outcome = outcomeOf(socket)
  socket.write('POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\ngood')
  await until('the first part', () => seen.endsWith('part'))
  socket.write('evil')
  const { text, reset } = await outcome
  assert.equal(reset, true)
  assert.ok(!text.includes('403'))
})
