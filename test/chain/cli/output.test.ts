import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assert as check, property, string } from 'fast-check'
import { parseCount, parsePorts, parseTime, showPorts } from '#chain/cli/arguments.ts'
import { wantsColour } from '#chain/cli/config.ts'
import { readEvents, type ServerEvent } from '#chain/cli/event-stream.ts'
import { printable, table } from '#chain/cli/output.ts'

test('nothing that an attacker writes reaches the terminal as a control', () => {
  assert.equal(printable('\u001b[2J\u009b\r\nevil\u202e'), '\\x1b[2J\\x9b\\x0d\\x0aevil\\x202e')
  check(
    property(string({ unit: 'binary' }), (text) => {
      // oxlint-disable-next-line no-control-regex
      assert.doesNotMatch(printable(text), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/)
    }),
  )
})

test('a table has columns as wide as needed and no trailing blanks', () => {
  const rows = [
    { a: 'x', b: 1 },
    { a: 'longer', b: 22 },
  ]
  const text = table(rows, [
    ['A', ({ a }) => a],
    ['B', ({ b }) => b],
  ])
  assert.equal(text, 'A       B\nx       1\nlonger  22')
})

test('ports are read as they are shown', () => {
  assert.deepEqual(parsePorts('80, 443,8000-8100'), [80, 443, { from: 8000, to: 8100 }])
  assert.equal(showPorts(parsePorts('80,443,8000-8100')), '80,443,8000-8100')
  assert.equal(parsePorts('any'), 'any')
  for (const bad of ['', '80,', 'http', '80-', '-80', '1-2-3', '1.5']) {
    assert.throws(() => parsePorts(bad), /neither a port nor a range/, bad)
  }
})

test('times are relative or absolute', () => {
  const now = Date.parse('2026-07-08T12:00:00Z')
  assert.equal(parseTime('90m', now), '2026-07-08T10:30:00.000Z')
  assert.equal(parseTime('2d', now), '2026-07-06T12:00:00.000Z')
  assert.equal(parseTime('2026-07-08T02:54:07+02:00', now), '2026-07-08T00:54:07.000Z')
  assert.throws(() => parseTime('soon'), /is not a time/)
  assert.throws(() => parseCount('0'), /not a count/)
})

test('events come out the same however the stream is cut', async () => {
  const text =
    ': hello\n\nid: 1\nevent: alert\ndata: {"a":"ü"}\n\n: alive\n\nid: 2\ndata: x\ndata: y\n\n'
  const bytes = new TextEncoder().encode(text)
  const wanted: ServerEvent[] = [
    { id: '1', data: '{"a":"ü"}' },
    { id: '2', data: 'x\ny' },
  ]
  for (let cut = 0; cut <= bytes.length; cut++) {
    const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)]
    assert.deepEqual(await collect(chunks), wanted, `cut at ${cut}`)
  }
})

test('no bytes make the reader fail otherwise than by its bound', async () => {
  for (let run = 0; run < 50; run++) await collect([crypto.getRandomValues(new Uint8Array(200))])
  const endless = [new TextEncoder().encode('x'.repeat(2_000_000))]
  await assert.rejects(collect(endless), /too long/)
})

async function collect(chunks: readonly Uint8Array[]): Promise<ServerEvent[]> {
  const events: ServerEvent[] = []
  async function* source() {
    yield* chunks
  }
  for await (const event of readEvents(source())) events.push(event)
  return events
}

test('colour is for a terminal whose owner did not refuse it', () => {
  assert.equal(wantsColour(true, {}), true)
  assert.equal(wantsColour(undefined, {}), false)
  assert.equal(wantsColour(true, { NO_COLOR: '1' }), false)
  assert.equal(wantsColour(true, { TERM: 'dumb' }), false)
})
