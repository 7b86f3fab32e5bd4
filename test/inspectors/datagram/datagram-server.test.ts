import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { RateLimit } from '#inspectors/chain/rate-limit.ts'
import type { Hop } from '#inspectors/chain/hop.ts'
import { newDatagramCounters } from '#inspectors/datagram/counters.ts'
import { DatagramServer } from '#inspectors/datagram/datagram-server.ts'
import type { FrameEvents } from '#inspectors/datagram/frame-socket.ts'
import {
  ANSWERED_IDLE_MS,
  FRAGMENT_WAIT_MS,
  MAX_DATAGRAM_FLOWS,
  UNANSWERED_IDLE_MS,
} from '#inspectors/datagram/limits.ts'
import type { Packet } from '#inspectors/ids/capture/packet.ts'
import { type Connection, type Flow, PASS, type Verdict } from '#inspectors/inspector.ts'
import {
  CollectingSink,
  scriptedHop,
  testAlert,
} from '#test/inspectors/chain/scripted-inspector.ts'
import { type Endpoint, fragments, framed, udpFrame } from './frames.ts'

const CLIENT: Endpoint = { address: '10.0.0.9', port: 4000 }
const SERVER: Endpoint = { address: '10.0.0.5', port: 53 }

interface Seen {
  readonly flow: Flow
  readonly text: string
}

/** A server whose socket is two arrays. `judge` answers for each datagram. */
function bench(
  judge: (text: string, flow: Flow) => Verdict = () => PASS,
  options: {
    readonly onFailure?: 'open' | 'closed'
    readonly find?: (connection: Connection) => readonly Hop[] | null
    readonly unresolved?: 'open' | 'closed'
  } = {},
) {
  const seen: Seen[] = []
  const opened: Connection[] = []
  const sent: Buffer[] = []
  const counters = newDatagramCounters()
  const sink = new CollectingSink()
  let now = 1_000
  let events: FrameEvents | null = null
  const hop = scriptedHop(
    {
      onOpen: (connection) => void opened.push(connection),
      datagram: (flow: Flow, packet: Packet) => {
        const text = packet.payload.toString('latin1')
        seen.push({ flow, text })
        return judge(text, flow)
      },
    },
    { type: 'ids', onFailure: options.onFailure ?? 'closed' },
  )
  const server = new DatagramServer(-1, {
    sink,
    failureAlerts: new RateLimit(60_000, () => 0),
    counters,
    find: options.find ?? ((connection) => (connection.serverPort === 53 ? [hop] : null)),
    unresolved: () => options.unresolved ?? 'closed',
    nextConnectionId: () => 'id',
    nextFlowId: () => 1,
    now: () => now,
    open: (given) => {
      events = given
      return {
        start: () => {},
        stop: () => {},
        write: (frame: Buffer) => {
          sent.push(Buffer.from(frame))
          return true
        },
      }
    },
  })
  return {
    hop,
    server,
    seen,
    opened,
    sent,
    counters,
    sink,
    push: (frame: Buffer) => events!.frame(frame),
    pass: (ms: number) => (now += ms),
  }
}

test('a datagram leaves as the frame it was, in both families and both directions', () => {
  for (const [client, server] of [
    [CLIENT, SERVER],
    [
      { address: 'fd00::9', port: 4000 },
      { address: 'fd00::5', port: 53 },
    ],
  ] as const) {
    const { push, sent, seen, opened } = bench()
    const [question, answer] = [udpFrame(client, server, 'ask'), udpFrame(server, client, 'answer')]
    push(question)
    push(answer)
    assert.deepEqual(sent, [question, answer])
    assert.deepEqual(seen, [
      { flow: 'to_server', text: 'ask' },
      { flow: 'to_client', text: 'answer' },
    ])
    assert.equal(opened.length, 1)
    const [{ clientAddress, clientPort, serverAddress, serverPort, protocol }] = opened
    assert.deepEqual(
      [clientAddress, clientPort, serverAddress, serverPort, protocol],
      [client.address, client.port, server.address, server.port, 'udp'],
    )
  }
})

test('an answer whose question was never seen is one: the client is who has no service', () => {
  const { push, seen, opened, sent } = bench()
  push(udpFrame(SERVER, CLIENT, 'late'))
  push(udpFrame(CLIENT, SERVER, 'next'))
  assert.deepEqual(
    seen.map(({ flow }) => flow),
    ['to_client', 'to_server'],
  )
  assert.equal(opened.length, 1)
  assert.equal(opened[0].clientPort, CLIENT.port)
  assert.equal(sent.length, 2)
})

test('a dropped datagram does not leave, its alert says so, and the next one is judged by itself', () => {
  const { push, sent, sink, counters } = bench((text) =>
    text === 'evil' ? { kind: 'drop', alerts: [testAlert(1)], scope: 'datagram' } : PASS,
  )
  const good = udpFrame(CLIENT, SERVER, 'good')
  for (const text of ['evil', 'good', 'evil'])
    push(text === 'good' ? good : udpFrame(CLIENT, SERVER, text))
  assert.deepEqual(sent, [good])
  assert.deepEqual(sink.summary, ['dropped:1', 'dropped:1'])
  assert.deepEqual([counters.forwarded, counters.dropped], [1, 2])
})

test('what was concluded about one datagram is not said of the next', () => {
  const { push, sink } = bench((text) =>
    text === 'evil'
      ? { kind: 'drop', alerts: [testAlert(1)], scope: 'datagram' }
      : { kind: 'alert', alerts: [testAlert(2)] },
  )
  push(udpFrame(CLIENT, SERVER, 'evil'))
  push(udpFrame(CLIENT, SERVER, 'odd'))
  assert.deepEqual(sink.summary, ['dropped:1', 'passed:2'])
})

test('a drop of the flow stops what follows, unseen, until it was quiet', () => {
  const { push, sent, seen, pass } = bench((text) =>
    text === 'evil' ? { kind: 'drop', alerts: [testAlert(1)] } : PASS,
  )
  push(udpFrame(CLIENT, SERVER, 'evil'))
  push(udpFrame(CLIENT, SERVER, 'more'))
  push(udpFrame(SERVER, CLIENT, 'answer'))
  assert.equal(sent.length, 0)
  assert.equal(seen.length, 1)
  push(udpFrame({ ...CLIENT, port: 4001 }, SERVER, 'another flow'))
  assert.equal(sent.length, 1)
  pass(ANSWERED_IDLE_MS + 1)
  push(udpFrame(CLIENT, SERVER, 'later'))
  assert.equal(sent.length, 2)
})

test('a hop that fails follows onFailure: open lets the flow go on without it, closed stops the datagram', () => {
  const failing = (): never => {
    throw new Error('broken')
  }
  const open = bench(failing, { onFailure: 'open' })
  open.push(udpFrame(CLIENT, SERVER, 'one'))
  open.push(udpFrame(CLIENT, SERVER, 'two'))
  assert.deepEqual([open.sent.length, open.seen.length], [2, 1])
  assert.equal(open.sink.events[0]?.verdict, 'bypassed')

  const closed = bench(failing, { onFailure: 'closed' })
  closed.push(udpFrame(CLIENT, SERVER, 'one'))
  // The flow begins anew: the hop is asked again, and nothing passes it.
  closed.push(udpFrame(CLIENT, SERVER, 'two'))
  assert.deepEqual([closed.sent.length, closed.seen.length, closed.opened.length], [0, 2, 2])
  assert.equal(closed.server.flows, 0)
})

test('an inspector that cannot see datagrams has failed', () => {
  const blind = scriptedHop({}, { onFailure: 'closed' })
  const { push, sent } = bench(() => PASS, { find: () => [blind] })
  push(udpFrame(CLIENT, SERVER, 'x'))
  assert.equal(sent.length, 0)
})

test('what no attachment covers follows the domain, and is counted', () => {
  const other = { ...SERVER, port: 99 }
  for (const unresolved of ['open', 'closed'] as const) {
    const { push, sent, counters } = bench(() => PASS, { unresolved })
    push(udpFrame(CLIENT, other, 'x'))
    assert.equal(sent.length, unresolved === 'open' ? 1 : 0)
    assert.equal(counters.unresolved, 1)
  }
})

test('fragments wait for the whole, which is judged, and leave as they came', () => {
  const text = 'x'.repeat(2000)
  const { push, sent, seen } = bench((found) =>
    found.endsWith('!') ? { kind: 'drop', alerts: [], scope: 'datagram' } : PASS,
  )
  const parts = fragments(CLIENT, SERVER, text, 1000)
  for (const part of parts.slice(0, -1)) push(part)
  assert.equal(sent.length, 0)
  push(parts.at(-1)!)
  assert.deepEqual(sent, parts)
  assert.deepEqual(seen, [{ flow: 'to_server', text }])
  for (const part of fragments(CLIENT, SERVER, `${text}!`, 1000, 8)) push(part)
  assert.equal(sent.length, parts.length)
})

test('fragments of what nobody asked for go on: the switch could not see their ports', () => {
  const { push, sent, counters } = bench()
  const parts = fragments(CLIENT, { ...SERVER, port: 2049 }, 'x'.repeat(2000), 1000)
  for (const part of parts) push(part)
  assert.deepEqual(sent, parts)
  assert.equal(counters.unresolved, 0)
})

test('a packet that is never whole is given up and counted', () => {
  const { push, sent, counters, pass, server } = bench()
  const [first] = fragments(CLIENT, SERVER, 'x'.repeat(2000), 1000)
  push(first)
  pass(FRAGMENT_WAIT_MS + 1)
  server.sweep()
  assert.equal(counters.fragmentsLost, 1)
  assert.equal(sent.length, 0)
})

test('flows are bounded: the one that was quiet for longest gives way', () => {
  const { push, server, counters } = bench()
  for (let port = 1; port <= MAX_DATAGRAM_FLOWS + 1; port++)
    push(udpFrame({ ...CLIENT, port: 1000 + port }, SERVER, 'x'))
  assert.equal(server.flows, MAX_DATAGRAM_FLOWS)
  assert.equal(counters.flowsEvicted, 1)
})

test('a flow ends when it was quiet, sooner while nobody has answered', () => {
  const { push, server, pass } = bench()
  push(udpFrame(CLIENT, SERVER, 'asked'))
  const other = { ...CLIENT, port: 4001 }
  push(udpFrame(other, SERVER, 'asked'))
  push(udpFrame(SERVER, other, 'answered'))
  pass(UNANSWERED_IDLE_MS + 1)
  server.sweep()
  assert.equal(server.flows, 1)
  pass(ANSWERED_IDLE_MS)
  server.sweep()
  assert.equal(server.flows, 0)
})

test('what is no datagram goes no further, whatever it is', () => {
  const { push, sent, counters } = bench()
  push(framed(CLIENT, SERVER, Buffer.from('not tcp'), null, 6))
  push(udpFrame(CLIENT, SERVER, 'x').subarray(0, 40))
  push(Buffer.alloc(0))
  assert.equal(sent.length, 0)
  assert.equal(counters.unreadable, 3)
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => push(Buffer.from(bytes))))
})
