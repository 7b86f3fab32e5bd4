import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FrameDecoder } from '#inspectors/ids/capture/decode/frame-decoder.ts'
import { KEY_WORDS, type Sender, writeFlowKey } from '#inspectors/ids/capture/flow-key.ts'
import { type FlowEnd, FlowTable, MAX_FLOWS } from '#inspectors/ids/capture/flow-table.ts'
import { DEFAULT_FLOW_TIMEOUTS } from '#inspectors/ids/capture/flow-timeouts.ts'
import type { ReplayFlow } from '#inspectors/ids/capture/replay-flow.ts'
import { ACK, ipv4, ipv6, tcp, udp } from './frames.ts'

const RAW = 101

function keyOf(bytes: Buffer, tracksVlans = true): readonly [Int32Array, Sender] {
  const [packet] = new FrameDecoder().decode(RAW, bytes, 0)
  const key = new Int32Array(KEY_WORDS).fill(-1)
  return [key, writeFlowKey(packet, tracksVlans, key)]
}

/** What the table asks of a flow. */
const flow = (name: string): ReplayFlow => ({ name, state: 'established' }) as unknown as ReplayFlow

const numbered = (index: number): Int32Array => new Int32Array(KEY_WORDS).fill(index)

describe('flow keys', () => {
  it('are the same for both directions, and tell who sent', () => {
    const there = { from: [10, 0, 0, 1], to: [200, 0, 0, 2], fromPort: 4000, toPort: 80 }
    const back = { from: [200, 0, 0, 2], to: [10, 0, 0, 1], fromPort: 80, toPort: 4000 }
    const [key, sender] = keyOf(tcp({ ...there, sequence: 1, flags: ACK }))
    const [other, answerer] = keyOf(tcp({ ...back, sequence: 1, flags: ACK }))
    assert.deepEqual(key, other)
    assert.deepEqual([sender, answerer].sort(), ['first', 'second'])
    const self = { from: [10, 0, 0, 1], to: [10, 0, 0, 1], sequence: 1, flags: ACK }
    assert.equal(keyOf(tcp({ ...self, fromPort: 9, toPort: 9 }))[1], 'either')
    assert.notEqual(keyOf(tcp({ ...self, fromPort: 9, toPort: 10 }))[1], 'either')
  })

  it('differ by address, port, protocol and version', () => {
    const keys = [
      ipv4(17, udp(1, 2, '')),
      ipv4(17, udp(1, 3, '')),
      ipv4(17, udp(3, 2, '')),
      ipv4(17, udp(1, 2, ''), [10, 0, 0, 3]),
      ipv4(17, udp(1, 2, ''), [10, 0, 0, 1], [10, 0, 1, 2]),
      ipv6(17, udp(1, 2, '')),
      tcp({ fromPort: 1, toPort: 2, sequence: 1, flags: ACK }),
    ].map((bytes) => keyOf(bytes)[0].join())
    assert.equal(new Set(keys).size, keys.length)
  })
})

describe('flow table', () => {
  it('finds what was added, and not what was removed', () => {
    const closed: [ReplayFlow, FlowEnd][] = []
    const table = new FlowTable(DEFAULT_FLOW_TIMEOUTS, (of, reason) => closed.push([of, reason]))
    const flows = Array.from({ length: 3000 }, (_, index) => flow(`flow ${index}`))
    for (const [index, one] of flows.entries()) table.add(numbered(index), 'first', one, 0)
    for (const [index, one] of flows.entries())
      assert.equal(table.at(table.find(numbered(index))), one)
    for (let index = 0; index < 3000; index += 3)
      table.remove(table.find(numbered(index)), 'forced')
    assert.equal(table.size, 2000)
    for (let index = 0; index < 3000; index += 1)
      assert.equal(table.find(numbered(index)) >= 0, index % 3 !== 0)
    for (let index = 0; index < 3000; index += 3)
      table.add(numbered(index), 'first', flows[index], 0)
    closed.length = 0
    table.closeAll()
    // In the order in which they began: those that were added again come last.
    const first = flows.filter((_, index) => index % 3 !== 0)
    const last = flows.filter((_, index) => index % 3 === 0)
    assert.deepEqual(
      closed,
      [...first, ...last].map((one) => [one, 'shutdown']),
    )
    assert.equal(table.find(numbered(1)), -1)
  })

  it('knows the client by its end of the key', () => {
    const table = new FlowTable(DEFAULT_FLOW_TIMEOUTS, () => {})
    table.add(numbered(1), 'second', flow('a'), 0)
    table.add(numbered(2), 'first', flow('b'), 0)
    const places = [table.find(numbered(1)), table.find(numbered(2))]
    const asked = (sender: Sender): readonly boolean[] =>
      places.map((place) => table.isClient(place, sender))
    assert.deepEqual(asked('first'), [false, true])
    assert.deepEqual(asked('second'), [true, false])
    assert.deepEqual(asked('either'), [true, true])
  })

  it('gives the place of the oldest flow to a new one when it is full', () => {
    const closed: ReplayFlow[] = []
    const table = new FlowTable(DEFAULT_FLOW_TIMEOUTS, (of) => closed.push(of))
    for (let index = 0; index <= MAX_FLOWS; index += 1)
      table.add(numbered(index), 'first', flow(String(index)), 0)
    assert.equal(table.size, MAX_FLOWS)
    assert.deepEqual(
      closed.map((of) => (of as unknown as { name: string }).name),
      ['0'],
    )
    assert.equal(table.find(numbered(0)), -1)
    assert.ok(table.find(numbered(MAX_FLOWS)) >= 0)
  })

  it('closes in passing the flows whose time is over', () => {
    const closed: number[] = []
    const table = new FlowTable(DEFAULT_FLOW_TIMEOUTS, (_flow, _reason, lastMs) =>
      closed.push(lastMs),
    )
    for (let index = 0; index < 2000; index += 1) {
      table.add(numbered(index), 'first', flow(String(index)), 0)
      if (index % 2 === 1) table.touch(table.find(numbered(index)), 1e9)
    }
    for (let packet = 0; packet < 1024 * 17; packet += 1) table.sweep(1e9)
    assert.equal(closed.length, 1000)
    assert.ok(closed.every((lastMs) => lastMs === 0))
  })
})
