import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FrameDecoder } from '#inspectors/ids/capture/decode/frame-decoder.ts'
import type { Packet } from '#inspectors/ids/capture/packet.ts'
import { TcpSession } from '#inspectors/ids/capture/tcp/session.ts'
import type { TcpSettings } from '#inspectors/ids/capture/tcp/settings.ts'
import type { Flow } from '#inspectors/inspector.ts'
import { ACK, FIN, PSH, RST, SYN, talk, tcp } from '../frames.ts'

const SETTINGS: TcpSettings = {
  midstream: false,
  asyncOneside: false,
  inline: false,
  depth: 0,
  urgent: 'oob',
  maxSynAcks: 5,
  memory: { bytes: 0, limit: 1_000_000 },
  nowMs: () => 0,
  policyOf: () => 'windows',
}

function packetOf(bytes: Buffer): Packet {
  const [packet] = new FrameDecoder().decode(101, bytes, 0)
  return packet
}

interface Played {
  readonly session: TcpSession
  /** Events of each packet. */
  readonly events: readonly (readonly string[])[]
  readonly seen: Readonly<Record<Flow, string>>
}

function play(frames: readonly Buffer[], settings: Partial<TcpSettings> = {}): Played {
  const seen = { to_server: '', to_client: '' }
  const session = new TcpSession(
    {
      bytes: (flow, bytes) => (seen[flow] += bytes.toString('latin1')),
      gap: (flow, bytes) => (seen[flow] += `[${bytes}]`),
      again: () => undefined,
      end: (flow) => (seen[flow] += '$'),
    },
    { ...SETTINGS, ...settings },
    { client: '', server: '' },
  )
  const events = frames.map((bytes) => {
    const packet = packetOf(bytes)
    const flow: Flow = packet.sourcePort === 80 ? 'to_client' : 'to_server'
    session.advance(packet, flow)
    session.deliver(packet, flow)
    return [...packet.events]
  })
  return { session, events, seen }
}

/** Timestamp option, padded. */
function stamped(value: number, echo: number): Buffer {
  const option = Buffer.from([1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0])
  option.writeUInt32BE(value, 4)
  option.writeUInt32BE(echo, 8)
  return option
}

describe('a TCP connection', () => {
  it('goes through its states, and lets bytes go with their acknowledgement', () => {
    const { client, server } = talk()
    const frames = [
      client(SYN),
      server(SYN | ACK),
      client(ACK),
      client(ACK | PSH, 'hello'),
      server(ACK | PSH, 'world'),
      client(ACK),
      client(FIN | ACK),
      server(ACK),
      server(FIN | ACK),
      client(ACK),
    ]
    const states = frames.map((_, index) => play(frames.slice(0, index + 1)).session.state)
    assert.deepEqual(states, [
      'syn_sent',
      'syn_recv',
      'established',
      'established',
      'established',
      'established',
      'close_wait',
      'close_wait',
      'last_ack',
      'closed',
    ])
    assert.equal(play(frames.slice(0, 4)).seen.to_server, '')
    assert.deepEqual(play(frames).seen, { to_server: 'hello$', to_client: 'world$' })
    assert.deepEqual(play(frames).events.flat(), [], 'nothing is wrong with an ordinary connection')
  })

  it('is not followed when its beginning was not seen, unless that is asked for', () => {
    const { client, server } = talk()
    const frames = [client(ACK | PSH, 'hello'), server(ACK | PSH, 'world'), client(ACK)]
    assert.equal(play(frames).session.state, 'none')
    const { session, seen } = play(frames, { midstream: true })
    assert.deepEqual(
      [session.state, seen.to_server, seen.to_client],
      ['established', 'hello', 'world'],
    )
  })

  it('is followed from one side alone, which waits for no acknowledgement', () => {
    const { client } = talk()
    const frames = [
      client(SYN),
      client(ACK, '', { acknowledgement: 77 }),
      client(ACK, 'hello', { acknowledgement: 77 }),
    ]
    assert.equal(play(frames).seen.to_server, '')
    assert.equal(play(frames, { asyncOneside: true }).seen.to_server, 'hello')
  })

  it('does not take what hosts would not take, and says why', () => {
    const start = (): { frames: Buffer[]; ends: ReturnType<typeof talk> } => {
      const ends = talk()
      return { frames: [ends.client(SYN), ends.server(SYN | ACK), ends.client(ACK)], ends }
    }
    const cases: readonly (readonly [string, (ends: ReturnType<typeof talk>) => Buffer])[] = [
      ['est_packet_out_of_window', ({ client }) => client(ACK, 'x', { sequence: 900_000 })],
      ['est_invalid_ack', ({ client }) => client(ACK, 'x', { acknowledgement: 900_000 })],
      ['est_syn_resend', ({ client }) => client(SYN, '', { sequence: 1000 })],
      ['est_syn_resend_diff_seq', ({ client }) => client(SYN, '', { sequence: 7 })],
      ['est_syn_toclient', ({ server }) => server(SYN)],
      ['est_synack_toserver', ({ client }) => client(SYN | ACK)],
      ['rst_invalid_ack', ({ server }) => server(RST, '', { sequence: 7 })],
      ['fin_out_of_window', ({ client }) => client(FIN | ACK, '', { sequence: 900_000 })],
      ['pkt_broken_ack', ({ client }) => client(PSH, '', { acknowledgement: 5 })],
    ]
    for (const [event, make] of cases) {
      const { frames, ends } = start()
      const { events, session } = play([...frames, make(ends), ends.client(ACK)])
      assert.ok(events[3].includes(`stream.${event}`), `${event}: ${events[3].join()}`)
      assert.equal(session.state, 'established', event)
    }
  })

  it('is refused in the handshake for wrong numbers', () => {
    const wrong = talk()
    assert.deepEqual(
      play([wrong.client(SYN), wrong.server(SYN | ACK, '', { acknowledgement: 7 })]).events[1],
      ['stream.3whs_synack_with_wrong_ack'],
    )
    const evasion = talk()
    assert.deepEqual(
      play([
        evasion.client(SYN),
        evasion.server(SYN | ACK),
        evasion.client(ACK, '', { acknowledgement: 7 }),
      ]).events[2],
      ['stream.3whs_right_seq_wrong_ack_evasion'],
    )
    const { server } = talk()
    assert.deepEqual(play([server(RST)]).events[0], ['stream.rst_but_no_session'])
  })

  it('goes through a handshake of four steps', () => {
    const { client, server } = talk()
    const frames = [
      client(SYN),
      server(SYN),
      client(SYN | ACK, '', { sequence: 1000 }),
      server(ACK, '', { acknowledgement: 1001 }),
      client(ACK | PSH, 'hi', { sequence: 1001 }),
      server(ACK, '', { acknowledgement: 1003 }),
    ]
    const { session, seen } = play(frames)
    assert.deepEqual([session.state, seen.to_server], ['established', 'hi'])
  })

  it('takes data with a SYN where a cookie was agreed on', () => {
    const cookie = Buffer.from([34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1])
    const request = (options: Buffer): readonly Buffer[] => {
      const { client, server } = talk()
      return [
        client(SYN, 'GET', { options }),
        server(SYN | ACK, '', { acknowledgement: options.length > 0 ? 1004 : 1001 }),
        client(ACK, '', { sequence: options.length > 0 ? 1004 : 1001 }),
        server(ACK, 'ok', { acknowledgement: options.length > 0 ? 1004 : 1001 }),
      ]
    }
    assert.equal(play(request(cookie)).seen.to_server, 'GET')
    assert.equal(play(request(Buffer.alloc(0))).seen.to_server, '')
  })

  it('lets old timestamps and answers without the echo pass by', () => {
    const { client, server } = talk()
    const frames = [
      client(SYN, '', { options: stamped(100, 0) }),
      server(RST | ACK, '', { sequence: 0, options: stamped(9, 9) }),
      server(SYN | ACK, '', { options: stamped(500, 100) }),
      client(ACK, '', { options: stamped(101, 500) }),
      client(ACK, 'old', { options: stamped(50, 500) }),
      client(ACK, 'new', { sequence: 1001, options: stamped(102, 500) }),
      server(ACK, '', { acknowledgement: 1004, options: stamped(501, 102) }),
    ]
    const { events, seen } = play(frames)
    assert.deepEqual(
      events.map((of) => of.includes('stream.pkt_invalid_timestamp')),
      [false, true, false, false, true, false, false],
    )
    assert.equal(seen.to_server, 'new')
  })

  it('lives on when a reset was not taken', () => {
    const { client, server } = talk()
    const { events, session, seen } = play([
      client(SYN),
      server(SYN | ACK),
      client(ACK),
      client(RST),
      client(ACK, 'more'),
      server(ACK),
      client(ACK, ' data'),
      server(ACK),
    ])
    assert.ok(events[5].includes('stream.suspected_rst_inject'))
    assert.equal(session.state, 'established')
    assert.match(seen.to_server, /data$/)
  })

  it('lets in line the first copy of a byte win, and makes later ones the same', () => {
    const { client, server } = talk()
    const handshake = [client(SYN), server(SYN | ACK), client(ACK)]
    const session = new TcpSession(
      {
        bytes: () => undefined,
        gap: () => undefined,
        again: () => undefined,
        end: () => undefined,
      },
      { ...SETTINGS, inline: true },
      { client: '', server: '' },
    )
    for (const bytes of handshake) {
      const packet = packetOf(bytes)
      session.advance(packet, packet.sourcePort === 80 ? 'to_client' : 'to_server')
    }
    const good = packetOf(client(ACK, 'GOOD'))
    session.advance(good, 'to_server')
    session.deliver(good, 'to_server')
    const evil = packetOf(
      tcp({ sequence: 1001, acknowledgement: 5001, flags: ACK, payload: 'EVIL' }),
    )
    session.advance(evil, 'to_server')
    assert.equal(evil.payload.toString(), 'GOOD')
    assert.ok(evil.events.includes('stream.reassembly_overlap_different_data'))
  })
})
