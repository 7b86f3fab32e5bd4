import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { PASS, type Verdict } from '#inspectors/inspector.ts'
import { MAX_HELD_BYTES } from '#inspectors/proxy/limits.ts'
import { testAlert, type Script } from '../chain/scripted-inspector.ts'
import { block, CLOSE, get, guard, guarded, post } from './guarded-site.ts'
import { connect, exchange, outcomeOf, until } from './harness.ts'

const drop: Verdict = { kind: 'drop', alerts: [testAlert(2)] }

test('a benign request passes unchanged and the answer comes back', async () => {
  await using site = await guarded(guard)
  const request = get('/ok?q=\u00ff', 'X-Odd:   spaced\t', 'Connection: close')
  const { text, ended } = await exchange(site.proxy.port, request)
  assert.equal(site.received(), request)
  assert.match(text, /^HTTP\/1.1 200 OK\r\n.*target \/ok/s)
  assert.equal(ended, true)
})

test('a blocked request gets the page, whose id is the alert’s, and never reaches the server', async () => {
  await using site = await guarded(guard)
  const { text, ended, reset } = await exchange(site.proxy.port, get('/attack', CLOSE))
  assert.match(text, /^HTTP\/1.1 403 Forbidden\r\n/)
  assert.match(text, /\r\nconnection: close\r\n/)
  const id = /x-portcullis-request-id: (\S+)/.exec(text)?.[1]
  const [event] = site.proxy.sink.events
  assert.equal(event?.transaction?.id, id)
  assert.equal(event?.verdict, 'blocked')
  assert.ok(text.split('\r\n\r\n')[1]?.includes(String(id)), 'the page shows the id')
  assert.equal(Number(/content-length: (\d+)/.exec(text)?.[1]), text.split('\r\n\r\n')[1]?.length)
  assert.equal(site.received(), '')
  assert.deepEqual([ended, reset], [true, false])
})

test('the alert is flushed before the client is answered', async () => {
  await using site = await guarded(guard)
  const socket = connect(site.proxy.port)
  let flushesAtAnswer = 0
  socket.once('data', () => (flushesAtAnswer = site.proxy.sink.flushes))
  const outcome = outcomeOf(socket)
  socket.write(get('/attack', CLOSE))
  await outcome
  assert.ok(flushesAtAnswer > 0)
})

test('JSON for those who ask for JSON, nothing but a head for HEAD, a Location for redirects', async () => {
  await using site = await guarded(guard)
  const json = await exchange(site.proxy.port, get('/attack', CLOSE, 'Accept: application/json'))
  assert.match(json.text, /content-type: application\/problem\+json/)
  const problem = JSON.parse(json.text.split('\r\n\r\n')[1] ?? '') as {
    status: number
    requestId: string
  }
  assert.equal(problem.status, 403)
  assert.ok(json.text.includes(`x-portcullis-request-id: ${problem.requestId}`))
  const browser = await exchange(
    site.proxy.port,
    get('/attack', CLOSE, 'Accept: text/html,application/json;q=0.9'),
  )
  assert.match(browser.text, /content-type: text\/html/)
  const head = await exchange(site.proxy.port, get('/attack', CLOSE).replace('GET', 'HEAD'))
  assert.equal(head.text.split('\r\n\r\n')[1], '')

  await using moved = await guarded({
    requestHead: () => ({
      kind: 'block',
      status: 302,
      location: 'http://x/\r\nSet-Cookie: a',
      alerts: [testAlert(1)],
    }),
  })
  const redirect = await exchange(moved.proxy.port, get('/', CLOSE))
  assert.match(redirect.text, /^HTTP\/1.1 302 Found\r\nlocation: http:\/\/x\/Set-Cookie:a\r\n/)
})

test('a body that is held is blocked before a byte of its request left', async () => {
  await using site = await guarded({ ...guard, requestEnd: () => block(3) })
  const { text } = await exchange(
    site.proxy.port,
    ...(post('/form', 'a=1&b=<script>', CLOSE).match(/.{1,5}/gs) ?? []),
  )
  assert.match(text, /^HTTP\/1.1 403/)
  assert.equal(site.received(), '')
})

test('a body that is not held streams, and a block in it resets the server and answers the client', async () => {
  await using site = await guarded({
    requestBody: (_, chunk) => (chunk.includes('evil') ? block(4) : PASS),
  })
  const socket = connect(site.proxy.port)
  const outcome = outcomeOf(socket)
  socket.write('POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\ngood')
  await until('the first bytes', () => site.received().endsWith('good'))
  socket.write('evil')
  assert.match((await outcome).text, /^HTTP\/1.1 403/)
  assert.ok(!site.received().includes('evil'))
})

test('a drop resets both sides', async () => {
  await using site = await guarded({ requestHead: () => drop })
  const outcome = await exchange(site.proxy.port, get('/'))
  assert.deepEqual(outcome, { text: '', ended: false, reset: true })
  assert.equal(site.received(), '')
})

test('mode detect lets pass what it would block and says so', async () => {
  await using site = await guarded(guard, { mode: 'detect' })
  const { text } = await exchange(site.proxy.port, get('/attack', 'Connection: close'))
  assert.match(text, /target \/attack/)
  assert.deepEqual(site.proxy.sink.summary, ['would-block:1'])
})

test('a response is blocked with a page before its head has left, with a reset after', async () => {
  await using before = await guarded({ responseHead: () => block(5, 502) })
  const page = await exchange(before.proxy.port, get('/'))
  assert.match(page.text, /^HTTP\/1.1 502 Bad Gateway/)
  assert.ok(!page.text.includes('target'))

  await using held = await guarded({ holdsResponseBody: () => true, responseEnd: () => block(6) })
  assert.match((await exchange(held.proxy.port, get('/'))).text, /^HTTP\/1.1 403/)

  await using after = await guarded({ responseBody: () => drop }, {}, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n')
      setTimeout(() => socket.write('secret'), 30)
    })
  })
  const cut = await exchange(after.proxy.port, get('/'))
  assert.equal(cut.reset, true)
  assert.ok(!cut.text.includes('secret'))
})

test('a pipelined attack waits for the answers to the requests before it', async () => {
  await using site = await guarded(guard, {}, (socket) => {
    socket.once('data', () =>
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst'), 40),
    )
  })
  const { text, ended } = await exchange(
    site.proxy.port,
    get('/one') + get('/attack', CLOSE) + get('/three'),
  )
  assert.match(text, /^HTTP\/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstHTTP\/1.1 403 Forbidden/)
  assert.equal(site.received(), get('/one'))
  assert.equal(ended, true)
})

test('keep-alive: many requests on one connection, the last is blocked', async () => {
  await using site = await guarded(guard)
  const socket = connect(site.proxy.port)
  const outcome = outcomeOf(socket)
  for (let i = 0; i < 20; i++) {
    socket.write(get(`/${i}`))
    await once(socket, 'data')
  }
  socket.write(get('/attack', CLOSE))
  const { text } = await outcome
  assert.equal(text.match(/HTTP\/1.1 200/g)?.length, 20)
  assert.match(text, /HTTP\/1.1 403/)
})

test('Expect: 100-continue with a held body: we say continue, the server gets all at once', async () => {
  await using site = await guarded(guard)
  const socket = connect(site.proxy.port)
  const outcome = outcomeOf(socket)
  socket.write(
    'POST /up HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n',
  )
  const [interim] = (await once(socket, 'data')) as [Buffer]
  assert.equal(interim.toString(), 'HTTP/1.1 100 Continue\r\n\r\n')
  assert.equal(site.received(), '')
  socket.write('data')
  assert.match((await outcome).text, /target \/up/)
  assert.match(site.received(), /\r\n\r\ndata$/)
})

test('Expect: 100-continue without holding is left to the server', async () => {
  await using site = await guarded({}, {}, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 100 Continue\r\n\r\n')
      socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'))
    })
  })
  const socket = connect(site.proxy.port)
  const outcome = outcomeOf(socket)
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n')
  await once(socket, 'data')
  socket.write('x')
  assert.match((await outcome).text, /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 204/)
})

test('malformed HTTP is answered 400 before a WAF that blocks, and passes raw before an IDS', async () => {
  const malformed = 'GET / HTTP/1.1\r\nHost: a\r\nBad Header: x\r\nConnection: close\r\n\r\n'
  await using waf = await guarded({})
  const refused = await exchange(waf.proxy.port, malformed)
  assert.match(refused.text, /^HTTP\/1.1 400 Bad Request/)
  assert.equal(waf.received(), '')
  const [event] = waf.proxy.sink.events
  assert.equal(event?.alert.gid, 88_000)
  assert.equal(event?.connection.id, /x-portcullis-request-id: (\S+)/.exec(refused.text)?.[1])

  for (const options of [{ type: 'ids' }, { type: 'waf', mode: 'detect' }] as const) {
    let bytes = 0
    await using lax = await guarded(
      {
        bytes: (_, chunk) => {
          bytes += chunk.length
          return PASS
        },
      },
      options,
    )
    const { text } = await exchange(lax.proxy.port, malformed)
    assert.match(text, /target \//)
    assert.equal(lax.received(), malformed)
    assert.equal(bytes, malformed.length + text.length, 'raw bytes are still inspected')
    assert.deepEqual(lax.proxy.sink.summary, ['passed:110'])
  }
})

test('an upgraded connection is a tunnel whose bytes are inspected', async () => {
  const upgrade = (socket: import('node:net').Socket): void => {
    socket.once('data', () => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n',
      )
      socket.on('data', (chunk) => socket.write(chunk))
    })
  }
  await using site = await guarded(
    { bytes: (_, chunk) => (chunk.includes('bad') ? drop : PASS) },
    {},
    upgrade,
  )
  const socket = connect(site.proxy.port)
  const outcome = outcomeOf(socket)
  socket.write(get('/', 'Upgrade: echo', 'Connection: Upgrade'))
  await once(socket, 'data')
  socket.write('\u0001GET is no request here\r\n')
  await once(socket, 'data')
  socket.write('bad')
  assert.equal((await outcome).reset, true)
})

test('an upgrade to HTTP/2 is cut before a WAF that blocks', async () => {
  await using site = await guarded({}, {}, (socket) => {
    socket.once('data', () =>
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
      ),
    )
  })
  const outcome = await exchange(site.proxy.port, get('/', 'Upgrade: h2c', 'Connection: Upgrade'))
  assert.equal(outcome.reset, true)
  assert.deepEqual(site.proxy.sink.summary, ['dropped:112'])
})

for (const onFailure of ['open', 'closed'] as const) {
  test(`a held body beyond its bound follows onFailure ${onFailure}`, async () => {
    let arrived = 0
    await using site = await guarded({ holdsRequestBody: () => true }, { onFailure }, (socket) => {
      socket.on('data', (chunk: Buffer) => {
        arrived += chunk.length
        if (arrived > MAX_HELD_BYTES + 1_000_000)
          socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
      })
    })
    const size = MAX_HELD_BYTES + 1_000_000
    const socket = connect(site.proxy.port)
    const outcome = outcomeOf(socket)
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`)
    socket.write(Buffer.alloc(size, 'a'))
    const { text, reset } = await outcome
    if (onFailure === 'open') assert.match(text, /^HTTP\/1.1 200/)
    else assert.deepEqual([text, reset, arrived], ['', true, 0])
    assert.equal(site.hop.counters.failedBufferOverrun, 1)
    await until('the connection to be gone', () => site.proxy.server.connections === 0)
    assert.equal(site.proxy.services.heldBudget.bytes, 0)
  })
}

test('the logging phase runs once per transaction, also for those that were cut off', async () => {
  const ended: string[] = []
  let closed = 0
  const script: Script = {
    requestHead: ({ request }) => (request.target.includes('attack') ? block() : PASS),
    transactionEnd: ({ request }) => {
      ended.push(request.target)
      return PASS
    },
    close: () => {
      closed++
      return PASS
    },
  }
  await using site = await guarded(script)
  await exchange(site.proxy.port, get('/a') + get('/b', 'Connection: close'))
  await exchange(site.proxy.port, get('/attack', CLOSE))
  const socket = connect(site.proxy.port)
  socket.write('POST /cut HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc')
  await until('the head', () => site.received().includes('/cut'))
  socket.resetAndDestroy()
  await until('all to be closed', () => closed === 3)
  assert.deepEqual(ended, ['/a', '/b', '/attack', '/cut'])
})

test('once no hop is left the rest is not parsed', async () => {
  let heads = 0
  await using site = await guarded({
    requestHead: () => {
      heads++
      return { kind: 'bypass', reason: 'pass-rule', alerts: [] }
    },
  })
  const { text } = await exchange(
    site.proxy.port,
    get('/a'),
    get('/b'),
    `GET /c HTTP/1.1\r\nnonsense\r\nConnection: close\r\n\r\n`,
  )
  assert.equal(text.match(/target/g)?.length, 3)
  assert.equal(heads, 1)
})

test('a first line in pieces is not mistaken for another protocol', async () => {
  await using site = await guarded(guard)
  const { text } = await exchange(site.proxy.port, ...(get('/attack', CLOSE).match(/./gs) ?? []))
  assert.match(text, /^HTTP\/1.1 403/)
  assert.equal(site.received(), '')
})

test('a body is let go as soon as no hop holds it any more, though it has not ended', async () => {
  let seen = 0
  await using site = await guarded(
    {
      holdsResponseBody: () => seen < 8,
      responseBody: (_, chunk) => {
        seen += chunk.length
        return PASS
      },
    },
    {},
    (socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n')
        setTimeout(() => socket.write('4\r\nefgh\r\n'), 30)
      })
    },
  )
  const socket = connect(site.proxy.port)
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  socket.write(get('/'))
  await until('both chunks, of a response that goes on', () => text.includes('efgh'))
  assert.match(text, /^HTTP\/1.1 200 OK\r\n.*4\r\nabcd\r\n4\r\nefgh/s)
  socket.destroy()
})

test('a request body that a hop has seen enough of reaches the server before its end', async () => {
  let seen = 0
  await using site = await guarded({
    holdsRequestBody: () => seen < 8,
    requestBody: (_, chunk) => {
      seen += chunk.length
      return PASS
    },
  })
  const socket = connect(site.proxy.port)
  socket.write('POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabcd')
  await until('the first half', () => seen === 4)
  assert.equal(site.received(), '')
  socket.write('efgh')
  await until('all of it', () => site.received().endsWith('\r\n\r\nabcdefgh'))
  socket.destroy()
})
