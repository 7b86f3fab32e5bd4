import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { PASS } from '#inspectors/inspector.ts'
import { EndOfTurn } from '#inspectors/proxy/end-of-turn.ts'
import { MAX_DISCARDED_BYTES } from '#inspectors/proxy/limits.ts'
import { CollectingSink, type Script } from '../chain/scripted-inspector.ts'
import { block, CLOSE, get, guard, guarded, post } from './guarded-site.ts'
import { connect, exchange, outcomeOf, until } from './harness.ts'

/** Requests that are refused and leave their connection open. */

const statuses = (text: string): number[] =>
  Array.from(text.matchAll(/HTTP\/1\.1 (\d{3}) /g), (match) => Number(match[1]))

/** Collects what a socket receives. */
function reading(socket: Socket): { readonly text: string } {
  const seen = { text: '' }
  socket.on('data', (chunk: Buffer) => (seen.text += chunk.toString('latin1')))
  return seen
}

test('after a refusal the connection goes on, on both sides', async () => {
  const ended: string[] = []
  await using site = await guarded({
    ...guard,
    transactionEnd: ({ request }) => {
      ended.push(request.target)
      return PASS
    },
  })
  const socket = connect(site.proxy.port)
  const seen = reading(socket)
  for (const [index, target] of ['/attack/1', '/ok/1', '/attack/2', '/attack/3'].entries()) {
    socket.write(get(target))
    await until(
      target,
      () =>
        statuses(seen.text).length === index + 1 &&
        seen.text.endsWith('\n') !== target.startsWith('/ok'),
    )
  }
  const outcome = outcomeOf(socket)
  socket.write(get('/ok/2', CLOSE))
  await outcome
  assert.deepEqual(statuses(seen.text), [403, 200, 403, 403, 200])
  assert.ok(!/connection: /i.test(seen.text.split('Connection: close')[0]))
  assert.equal(site.received(), get('/ok/1') + get('/ok/2', CLOSE))
  assert.equal(site.upstream.sockets.length, 1)
  assert.deepEqual(site.proxy.sink.summary, ['blocked:1', 'blocked:1', 'blocked:1'])
  assert.deepEqual(ended, ['/attack/1', '/ok/1', '/attack/2', '/attack/3', '/ok/2'])
  const ids = Array.from(seen.text.matchAll(/x-portcullis-request-id: (\S+)/g), ([, id]) => id)
  assert.deepEqual(
    site.proxy.sink.events.map(({ transaction }) => transaction?.id),
    ids,
  )
})

test('pipelined requests are answered in their order, whoever answers', async () => {
  await using site = await guarded(guard)
  const targets = ['/attack/1', '/ok/1', '/ok/2', '/attack/2', '/attack/3', '/ok/3']
  const { text } = await exchange(
    site.proxy.port,
    targets.map((target) => get(target)).join('') + get('/attack/4', CLOSE),
  )
  assert.deepEqual(statuses(text), [403, 200, 200, 403, 403, 200, 403])
  assert.equal(site.received(), get('/ok/1') + get('/ok/2') + get('/ok/3'))
})

test('the rest of a refused body is thrown away, up to a bound', async () => {
  await using site = await guarded(guard)
  const socket = connect(site.proxy.port)
  const seen = reading(socket)
  const length = MAX_DISCARDED_BYTES
  socket.write(`POST /attack HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`)
  await until('the page', () => seen.text.endsWith('</html>\n'))
  socket.write('GET /smuggled HTTP/1.1\r\n\r\n'.padEnd(length, 'x'))
  const outcome = outcomeOf(socket)
  socket.write(get('/ok', CLOSE))
  await outcome
  assert.deepEqual(statuses(seen.text), [403, 200])
  assert.equal(site.received(), get('/ok', CLOSE))
  assert.equal(site.proxy.services.heldBudget.bytes, 0)

  const long = await exchange(
    site.proxy.port,
    `POST /attack HTTP/1.1\r\nHost: a\r\nContent-Length: ${length + 1}\r\n\r\n`,
  )
  assert.match(long.text, /^HTTP\/1.1 403 .*\r\nconnection: close\r\n/s)
})

test('a held body that is refused at its end leaves the connection open, chunked or not', async () => {
  await using site = await guarded({
    ...guard,
    requestEnd: ({ request }) => (request.method === 'POST' ? block(3) : PASS),
  })
  const chunked =
    'POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
  const { text } = await exchange(
    site.proxy.port,
    post('/form', 'a=1&b=<script>'),
    chunked,
    get('/ok', CLOSE),
  )
  assert.deepEqual(statuses(text), [403, 403, 200])
  assert.equal(site.received(), get('/ok', CLOSE))
})

for (const [why, request] of [
  [
    'an unended chunked body',
    'POST /attack HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
  ],
  [
    'two framings',
    'POST /attack HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n',
  ],
  [
    'a client that waits for 100',
    'POST /attack HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n',
  ],
  ['an upgrade', get('/attack', 'Upgrade: x', 'Connection: upgrade')],
  ['HTTP/1.0', 'GET /attack HTTP/1.0\r\nHost: a\r\n\r\n'],
  ['a wish to close among others', get('/attack', 'Connection: x, Close')],
  ['a body where there is none', get('/attack', 'Content-Length: 1')],
] as const) {
  test(`the connection ends with the answer: ${why}`, async () => {
    await using site = await guarded(guard)
    const { text, ended } = await exchange(site.proxy.port, request, get('/behind'))
    assert.match(text, /^HTTP\/1.1 403 .*\r\nconnection: close\r\n/s)
    assert.deepEqual([statuses(text).length, ended, site.received()], [1, true, ''])
  })
}

test('HTTP/1.0 with keep-alive is told that it is kept', async () => {
  await using site = await guarded(guard)
  const kept = 'GET /attack HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n'
  const { text } = await exchange(site.proxy.port, kept, get('/ok', CLOSE))
  assert.match(text, /^HTTP\/1.1 403 .*?\r\nconnection: keep-alive\r\n/s)
  assert.deepEqual(statuses(text), [403, 200])
})

test('a request of which something has left ends its connection', async () => {
  await using site = await guarded({
    requestBody: (_, chunk) => (chunk.includes('evil') ? block(4) : PASS),
  })
  const { text } = await exchange(site.proxy.port, post('/up', 'good and evil'), get('/behind'))
  assert.match(text, /^HTTP\/1.1 403 .*\r\nconnection: close\r\n/s)
  assert.ok(!site.received().includes('/behind'))
})

test('a client that breaks off in a refused body has its page and a FIN', async () => {
  await using site = await guarded(guard)
  const socket = connect(site.proxy.port)
  const outcome = outcomeOf(socket)
  socket.end('POST /attack HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc')
  const { text, ended } = await outcome
  assert.deepEqual([statuses(text), ended, site.received()], [[403], true, ''])
})

test('a client that ends after a refusal is ended', async () => {
  await using site = await guarded(guard)
  const socket = connect(site.proxy.port)
  const outcome = outcomeOf(socket)
  socket.end(get('/attack'))
  const { text, ended, reset } = await outcome
  assert.deepEqual([statuses(text), ended, reset], [[403], true, false])
})

test('what is thrown away stays so when the last hop leaves the flow', async () => {
  let isFailing = false
  const script: Script = {
    ...guard,
    bytes: () => {
      if (isFailing) throw new Error('out of order')
      return PASS
    },
  }
  await using site = await guarded(script, { onFailure: 'open' })
  const socket = connect(site.proxy.port)
  const seen = reading(socket)
  socket.write('POST /attack HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc')
  await until('the page', () => seen.text.endsWith('</html>\n'))
  isFailing = true
  socket.write('defghi')
  const outcome = outcomeOf(socket)
  socket.write(get('/ok', CLOSE))
  await outcome
  assert.deepEqual(statuses(seen.text), [403, 200])
  assert.equal(site.received(), get('/ok', CLOSE))
})

test('a server that speaks before it is asked ends the connection, after the page', async () => {
  let hasSpoken = false
  await using site = await guarded({
    ...guard,
    bytes: (flow) => {
      hasSpoken ||= flow === 'to_client'
      return PASS
    },
    requestEnd: () => block(3),
  })
  const socket = connect(site.proxy.port)
  const outcome = outcomeOf(socket)
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na')
  await until('the server to be connected', () => site.upstream.sockets.length === 1)
  site.upstream.sockets[0]?.write('HTTP/1.1 2')
  await until('the server to speak', () => hasSpoken)
  socket.write('b')
  assert.match((await outcome).text, /^HTTP\/1.1 403 .*\r\nconnection: close\r\n/s)
})

test('who does not read the pages is not read', async () => {
  await using site = await guarded(guard)
  const socket = connect(site.proxy.port)
  socket.pause()
  const attacks = 20_000
  socket.write(get('/attack').repeat(attacks - 1) + get('/attack', CLOSE))
  let before = -1
  await until('the proxy to wait for its client', () => {
    const { length } = site.proxy.sink.events
    const isStill = length > 0 && length === before
    before = length
    return isStill
  })
  assert.ok(site.proxy.sink.events.length < attacks, 'all were answered')
  const outcome = outcomeOf(socket)
  socket.resume()
  assert.equal(statuses((await outcome).text).length, attacks)
})

test('a page leaves after its alert is on disk, and the flows of a turn share the write', async () => {
  const sink = new CollectingSink()
  const turn = new EndOfTurn(sink)
  const order: string[] = []
  const flow = (name: string) => ({
    inspectReceived: () => order.push(`${name} looks`),
    turnEnded: () => order.push(`${name}, pending: ${sink.isPending}`),
  })
  sink.isPending = true
  turn.add(flow('one'))
  turn.add(flow('two'))
  assert.deepEqual([order, sink.flushes], [[], 0])
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(order, ['one looks', 'two looks', 'one, pending: false', 'two, pending: false'])
  assert.equal(sink.flushes, 1)

  await using site = await guarded(guard)
  const sockets = Array.from({ length: 5 }, () => connect(site.proxy.port))
  const leaked: number[] = []
  for (const socket of sockets) {
    socket.write(get('/attack'))
    socket.on('data', () => leaked.push(Number(site.proxy.sink.isPending)))
  }
  await Promise.all(sockets.map((socket) => once(socket, 'data')))
  assert.deepEqual(leaked, [0, 0, 0, 0, 0])
  for (const socket of sockets) socket.destroy()
})

test('however the bytes are cut, requests are answered in order and only what passes arrives', async () => {
  const request = fc.constantFrom(
    get('/ok'),
    get('/attack'),
    post('/ok', 'a=b'),
    post('/attack', 'GET /smuggled HTTP/1.1\r\n\r\n'),
    'POST /ends HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 8 }),
      async (requests, cuts) => {
        await using site = await guarded({
          ...guard,
          requestEnd: ({ request: { target } }) => (target === '/ends' ? block(2) : PASS),
        })
        const last = get('/ok', CLOSE)
        const all = requests.join('') + last
        const pieces: string[] = []
        for (let at = 0, turn = 0; at < all.length; turn++) {
          const bytes = turn < cuts.length ? cuts[turn] : all.length
          pieces.push(all.slice(at, at + bytes))
          at += bytes
        }
        const { text } = await exchange(site.proxy.port, ...pieces)
        const isOk = (one: string): boolean => one.split(' ')[1] === '/ok'
        assert.deepEqual(
          statuses(text),
          [...requests, last].map((one) => (isOk(one) ? 200 : 403)),
        )
        assert.equal(site.received(), requests.filter(isOk).join('') + last)
      },
    ),
    { numRuns: 60, seed: 1 },
  )
})
