import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type Server, type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { SupervisorStatus } from '#chain/model/domain.ts'
import { ControlClient, MAX_CONTROL_LINE_BYTES } from '#steering/domain/control-client.ts'

const STATUS: SupervisorStatus = {
  domain: 't/n',
  pid: 1,
  generation: 3,
  refused: null,
  wanted: 2,
  listening: 2,
  draining: 0,
  restarts: 0,
  connections: 0,
}
let folder = ''
let server: Server
let answer: (line: string, socket: Socket) => void

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-control-'))
  server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      for (const line of String(chunk).split('\n')) if (line !== '') answer(line, socket)
    })
  }).listen(join(folder, 's'))
  await once(server, 'listening')
})
afterEach(async () => {
  server.close()
  await rm(folder, { recursive: true })
})

async function connect(): Promise<{
  client: ControlClient
  events: SupervisorStatus[]
  closed: Promise<string>
}> {
  const events: SupervisorStatus[] = []
  const { promise: closed, resolve } = Promise.withResolvers<string>()
  const client = await ControlClient.connect(join(folder, 's'), {
    status: (status) => events.push(status),
    closed: resolve,
  })
  return { client, events, closed }
}

test('matches answers to questions in any order, and hands events on', async () => {
  const ids: number[] = []
  answer = (line, socket) => {
    ids.push((JSON.parse(line) as { id: number }).id)
    if (ids.length < 2) return
    socket.write(`${JSON.stringify({ event: 'status', status: { ...STATUS, listening: 0 } })}\n`)
    socket.write(`${JSON.stringify({ id: ids[1], ok: true, metrics: 'm 1\n' })}\n`)
    const text = JSON.stringify({ id: ids[0], ok: true, status: STATUS })
    socket.write(text.slice(0, 20))
    setImmediate(() => socket.write(`${text.slice(20)}\n`))
  }
  const { client, events } = await connect()
  const [status, metrics] = await Promise.all([client.status(1000), client.metrics(1000)])
  assert.deepEqual(status, STATUS)
  assert.equal(metrics, 'm 1\n')
  assert.equal(events[0]?.listening, 0)
  client.close()
})

test('a refused configuration carries the reason', async () => {
  answer = (line, socket) => {
    const { id } = JSON.parse(line) as { id: number }
    socket.write(`${JSON.stringify({ id, ok: false, error: 'a.conf:3:1: no' })}\n`)
  }
  const { client } = await connect()
  await assert.rejects(client.status(1000), { code: 'CONFIG_REFUSED', message: 'a.conf:3:1: no' })
  client.close()
})

test('silence ends a question, not the connection', async () => {
  answer = () => {}
  const { client } = await connect()
  await assert.rejects(client.status(20), { code: 'CONTROL_TIMEOUT' })
  assert.equal(client.isOpen, true)
  client.close()
})

for (const [what, reply] of [
  ['no JSON', 'nonsense\n'],
  ['a status with a field missing', `${JSON.stringify({ event: 'status', status: {} })}\n`],
  ['a line without end', 'x'.repeat(MAX_CONTROL_LINE_BYTES + 2)],
] as const) {
  test(`${what} ends the connection and everything that waits for it`, async () => {
    answer = (_line, socket) => socket.write(reply)
    const { client, closed } = await connect()
    await assert.rejects(client.status(2000), { code: 'CONTROL_PROTOCOL' })
    await closed
    await assert.rejects(client.status(1000), { code: 'CONTROL_CLOSED' })
  })
}

test('a supervisor that dies is told of at once', async () => {
  answer = (_line, socket) => socket.destroy()
  const { client, closed } = await connect()
  await assert.rejects(client.status(5000), { code: 'CONTROL_CLOSED' })
  assert.match(await closed, /closed/)
})
