import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Hop } from '#inspectors/chain/hop.ts'
import { HIGH_WATER_BYTES } from '#inspectors/proxy/limits.ts'
import { scriptedHop } from '../chain/scripted-inspector.ts'
import {
  connect,
  exchange,
  httpEcho,
  outcomeOf,
  startProxy,
  startUpstream,
  until,
} from './harness.ts'
import { startSilentServer } from './silent-server.ts'

/** Every property of the relay must hold with and without inspection. */
const CHAINS: readonly (readonly [string, () => Hop[]])[] = [
  ['an empty chain', () => []],
  ['a chain that passes', () => [scriptedHop({}), scriptedHop({}, { type: 'ids' })]],
]

for (const [name, hops] of CHAINS) {
  test(`${name}: a FIN travels alone in each direction`, async () => {
    await using upstream = await startUpstream((socket) => {
      const seen: Buffer[] = []
      socket.on('data', (chunk: Buffer) => seen.push(chunk))
      socket.on('end', () => {
        socket.write(`after your FIN: ${Buffer.concat(seen).toString()}`)
        socket.end()
      })
    })
    await using proxy = await startProxy(upstream.port, hops())
    const socket = connect(proxy.port)
    const outcome = outcomeOf(socket)
    socket.end('\u0001no http')
    assert.deepEqual(await outcome, {
      text: 'after your FIN: \u0001no http',
      ended: true,
      reset: false,
    })
    await until('the proxy to forget it', () => proxy.server.connections === 0)
  })

  test(`${name}: the server may close first and still read`, async () => {
    let got = ''
    await using upstream = await startUpstream((socket) => {
      socket.end('bye first')
      socket.on('data', (chunk: Buffer) => (got += chunk.toString()))
    })
    await using proxy = await startProxy(upstream.port, hops())
    const socket = connect(proxy.port)
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    await once(socket, 'end')
    assert.equal(text, 'bye first')
    socket.end('late words')
    await until('the server to read them', () => got === 'late words')
  })

  test(`${name}: a server that speaks first is not waited for`, async () => {
    await using upstream = await startUpstream((socket) => {
      socket.write('220 mail ready\r\n')
      socket.on('data', (chunk: Buffer) => socket.end(`250 ${chunk.toString()}`))
    })
    await using proxy = await startProxy(upstream.port, hops())
    const socket = connect(proxy.port)
    const outcome = outcomeOf(socket)
    await once(socket, 'data')
    socket.write('EHLO x\r\n')
    assert.equal((await outcome).text, '220 mail ready\r\n250 EHLO x\r\n')
  })

  test(`${name}: a refused server resets the client, who is never greeted`, async () => {
    const closed = await startUpstream(() => {})
    const { port } = closed
    await closed[Symbol.asyncDispose]()
    await using proxy = await startProxy(port, hops())
    const outcome = await exchange(proxy.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    assert.deepEqual(outcome, { text: '', ended: false, reset: true })
    assert.equal(proxy.services.counters.upstreamFailures, 1)
    await until('nothing to be left', () => proxy.server.connections === 0)
  })

  test(`${name}: a reset of the server is a reset for the client, and the other way round`, async () => {
    await using upstream = await startUpstream((socket) => {
      socket.once('data', () => socket.resetAndDestroy())
    })
    await using proxy = await startProxy(upstream.port, hops())
    const outcome = await exchange(proxy.port, '\u0001x')
    assert.equal(outcome.reset, true)

    let serverReset = false
    await using patient = await startUpstream((socket) => {
      socket.resume()
      socket.write('hello')
      socket.on(
        'error',
        (error: NodeJS.ErrnoException) => (serverReset = error.code === 'ECONNRESET'),
      )
    })
    await using second = await startProxy(patient.port, hops())
    const socket = connect(second.port)
    await once(socket, 'data')
    socket.resetAndDestroy()
    await until('the server to be reset', () => serverReset)
    await until('nothing to be left', () => second.server.connections === 0)
  })

  test(`${name}: a slow reader bounds what is buffered`, async () => {
    const total = 64 * 1024 * 1024
    const block = Buffer.alloc(256 * 1024, 'x')
    let sent = 0
    let bytes = 0
    await using upstream = await startUpstream((socket) => {
      socket.resume()
      const more = (): void => {
        while (sent < total) {
          sent += block.length
          if (!socket.write(block)) return
        }
        socket.end()
      }
      socket.on('drain', more)
      more()
    })
    await using proxy = await startProxy(upstream.port, hops())
    const socket = connect(proxy.port)
    socket.pause()
    let before = -1
    await until('the sender to be stopped', () => {
      const isStill = sent === before && sent > 0
      before = sent
      return isStill
    })
    const held = proxy.services.heldBudget.bytes
    // What is in flight is in the kernel's buffers (a few MB each), not in ours.
    assert.ok(sent < total / 2, `the server could send ${sent} bytes to nobody`)
    assert.ok(held <= HIGH_WATER_BYTES, `${held} bytes held`)
    socket.on('data', (chunk: Buffer) => (bytes += chunk.length))
    socket.on('end', () => socket.end())
    socket.resume()
    await once(socket, 'close')
    assert.equal(bytes, Math.ceil(total / block.length) * block.length)
  })
}

test('a server that does not answer the SYN in time resets the client', async () => {
  await using silent = await startSilentServer()
  await using proxy = await startProxy(silent.port, [], { connectTimeoutMs: 100 })
  const outcome = await exchange(proxy.port, 'x')
  assert.deepEqual(outcome, { text: '', ended: false, reset: true })
  assert.equal(proxy.services.counters.upstreamFailures, 1)
})

test('drain cuts off what is still being dialled', async () => {
  await using silent = await startSilentServer()
  await using proxy = await startProxy(silent.port, [])
  const outcome = outcomeOf(connect(proxy.port))
  await until('the dial', () => proxy.server.connections === 1)
  await proxy.server.drain(0)
  await until('nothing to be left', () => proxy.server.connections === 0)
  assert.equal((await outcome).reset, true)
})

test('what a server said before it reset is still delivered', async () => {
  // It answers early, does not want the rest of the upload, and closes with bytes unread.
  const size = 3_000_000
  await using upstream = await startUpstream((socket) => {
    socket.once('data', () => {
      socket.pause()
      socket.end(Buffer.alloc(size, 'r'), () => setTimeout(() => socket.resetAndDestroy(), 50))
    })
  })
  await using proxy = await startProxy(upstream.port, [])
  const socket = connect(proxy.port)
  let bytes = 0
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length))
  socket.write('\u0001upload')
  await until('the whole answer', () => bytes === size)
})

test('a connection without a route is reset', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using proxy = await startProxy(upstream.port, 'reset')
  assert.equal((await exchange(proxy.port, 'GET / HTTP/1.1\r\n\r\n')).reset, true)
  assert.equal(upstream.sockets.length, 0)
})

test('connections over the limit are closed and counted', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using proxy = await startProxy(upstream.port, [], { maxConnections: 2 })
  const held = [connect(proxy.port), connect(proxy.port)]
  await until('two connections', () => proxy.server.connections === 2)
  const third = await exchange(proxy.port, 'GET / HTTP/1.1\r\n\r\n')
  assert.equal(third.text, '')
  assert.equal(proxy.services.counters.refusedConnections, 1)
  for (const socket of held) socket.destroy()
})

test('idle connections are reset, busy ones are not', async () => {
  await using upstream = await startUpstream((socket) =>
    socket.on('data', (chunk) => socket.write(chunk)),
  )
  await using proxy = await startProxy(upstream.port, [], { idleLimitMs: 200, idleSweepMs: 20 })
  const idle = connect(proxy.port)
  const busy = connect(proxy.port)
  busy.resume()
  const beat = setInterval(() => busy.write('x'), 20)
  const outcome = await outcomeOf(idle)
  assert.equal(outcome.reset, true)
  assert.equal(proxy.services.counters.idleResets, 1)
  assert.equal(busy.destroyed, false)
  clearInterval(beat)
  busy.destroy()
})

test('drain accepts no more, finishes what is there and resets what is late', async () => {
  await using upstream = await startUpstream(httpEcho)
  const proxy = await startProxy(upstream.port, [])
  const socket = connect(proxy.port)
  const outcome = outcomeOf(socket)
  socket.write('GET /one HTTP/1.1\r\n\r\n')
  await once(socket, 'data')
  const drained = proxy.server.drain(10_000)
  socket.write('GET /two HTTP/1.1\r\nConnection: close\r\n\r\n')
  assert.match((await outcome).text, /target \/one.*target \/two/s)
  await drained

  const late = await startProxy(upstream.port, [])
  const sleeper = connect(late.port)
  const end = outcomeOf(sleeper)
  await until('it to be accepted', () => late.server.connections === 1)
  await until('the upstream', () => upstream.sockets.length === 2)
  await late.server.drain(30)
  assert.equal((await end).reset, true)
})

test('bytes are counted per direction', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using proxy = await startProxy(upstream.port, [scriptedHop({})])
  const request = 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  const { text } = await exchange(proxy.port, request)
  await until('the close', () => proxy.server.connections === 0)
  assert.equal(proxy.services.counters.bytesToServer, request.length)
  assert.equal(proxy.services.counters.bytesToClient, text.length)
  assert.equal(proxy.services.counters.requests, 1)
})

test('a drain closes kept-alive connections between messages, and nothing else', async () => {
  await using upstream = await startUpstream((socket) => {
    socket.once('data', (chunk: Buffer) => {
      if (chunk.includes('/slow')) return
      if (chunk.includes('/tunnel')) {
        socket.write('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
      } else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    socket.on('end', () => socket.end())
  })
  await using proxy = await startProxy(upstream.port, [scriptedHop({})], {
    idleSweepMs: 10,
    drainKeepAliveMs: 30,
  })
  const open = (target: string, headers = '') => {
    const socket = connect(proxy.port)
    const outcome = outcomeOf(socket)
    socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`)
    return { socket, outcome }
  }
  const tunnel = open('/tunnel', 'Connection: upgrade\r\nUpgrade: websocket\r\n')
  const slow = open('/slow')
  const begun = open('/begun')
  const quiet = open('/quiet')
  await until('all to be served', () => proxy.services.counters.requests === 4)
  begun.socket.write('GET /second HTTP/1.1\r\nHo')
  await until('all answers', () =>
    [tunnel, begun, quiet].every(({ socket }) => socket.bytesRead > 0),
  )
  const drained = proxy.server.drain(10_000)
  const { text, ended, reset } = await quiet.outcome
  assert.deepEqual([text.slice(-2), ended, reset], ['ok', true, false])
  // Every sweep that closed the quiet one looked at these too; give it some more.
  const sweepsFrom = performance.now()
  await until('more sweeps', () => performance.now() - sweepsFrom > 100)
  assert.equal(proxy.server.connections, 3)
  slow.socket.destroy()
  begun.socket.destroy()
  tunnel.socket.end()
  assert.equal(await drained, 0, 'nothing was cut off')
})

test('without a drain a quiet connection is kept', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using proxy = await startProxy(upstream.port, [scriptedHop({})], {
    idleSweepMs: 5,
    drainKeepAliveMs: 5,
  })
  const socket = connect(proxy.port)
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
  const from = performance.now()
  await until('some sweeps', () => performance.now() - from > 60)
  const answered = once(socket, 'data')
  socket.write('GET /again HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.match(String((await answered)[0]), /target \/again/)
  socket.destroy()
})

test('the deadline of a drain counts what it cuts off', async () => {
  await using upstream = await startUpstream((socket) => {
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nslow'))
  })
  await using proxy = await startProxy(upstream.port, [scriptedHop({})])
  const socket = connect(proxy.port)
  const outcome = outcomeOf(socket)
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('the answer', () => socket.bytesRead > 0)
  assert.equal(await proxy.server.drain(0), 1)
  assert.equal((await outcome).reset, true)
})
