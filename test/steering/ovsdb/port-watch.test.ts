import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { type Server, type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { JsonFrames } from '#steering/ovsdb/json-frames.ts'
import { PortWatch, type SwitchState } from '#steering/ovsdb/port-watch.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

interface Call {
  readonly method: string
  readonly params: unknown[]
  readonly id: unknown
}

let folder = ''
before(async () => (folder = await mkdtemp(join(tmpdir(), 'port-watch-'))))
after(() => rm(folder, { recursive: true, force: true }))

/** As much of ovsdb-server as the watch needs; `known` are the monitor methods it has. */
function database(path: string, known: readonly string[], calls: Call[]): Promise<Server> {
  const server = createServer((socket: Socket) => {
    const frames = new JsonFrames()
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      for (const text of frames.push(chunk)) {
        const call = JSON.parse(text) as Call
        calls.push(call)
        const { id, method } = call
        const error = known.includes(method) ? null : 'unknown method'
        const result = method === 'monitor_cond_since' ? [false, 'txn-1', UPDATES2] : UPDATES2
        const answer = { id, error, result: method === 'monitor' ? UPDATES : result }
        if (method !== undefined) socket.write(JSON.stringify(answer))
      }
    })
  })
  return new Promise((resolve) => server.listen(path, () => resolve(server)))
}

const ROWS = {
  Bridge: { b: { name: 'br-int', ports: ['uuid', 'p'], datapath_type: 'netdev' } },
  Port: { p: { name: 'vm1', interfaces: ['uuid', 'i'], tag: ['set', []] } },
  Interface: { i: { name: 'vm1', ofport: 3, external_ids: ['map', [['iface-id', 'if-1']]] } },
}
const wrapped = (form: string): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(ROWS).map(([table, rows]) => [
      table,
      Object.fromEntries(Object.entries(rows).map(([uuid, row]) => [uuid, { [form]: row }])),
    ]),
  )
const UPDATES = wrapped('new')
const UPDATES2 = wrapped('initial')

for (const known of [['monitor_cond_since'], ['monitor_cond'], ['monitor']])
  test(`reads the ports from a server that has ${known[0]}`, async () => {
    const path = join(folder, `${known[0]}.sock`)
    const server = await database(path, known, [])
    const states: SwitchState[] = []
    const watch = watchOn(path, states)
    await waitUntil('the ports', () => states.length > 0)
    assert.equal(states[0]?.datapathType, 'netdev')
    assert.equal(states[0]?.ports?.[0]?.interfaceId, 'if-1')
    assert.equal(states[0]?.ports?.[0]?.trunk, true)
    watch.stop()
    server.close()
  })

test('comes back when the server does, and asks from where it stopped', async () => {
  const path = join(folder, 'again.sock')
  const states: SwitchState[] = []
  const calls: Call[] = []
  const gone: string[] = []
  const watch = watchOn(path, states, (reason) => gone.push(reason))
  await waitUntil('a failed attempt', () => gone.length > 0)
  const sockets = new Set<Socket>()
  const server = await database(path, ['monitor_cond_since'], calls)
  server.on('connection', (socket) => sockets.add(socket))
  await waitUntil('the ports', () => states.length > 0)
  const before = gone.length
  for (const socket of sockets) socket.destroy()
  await waitUntil('the loss to be told', () => gone.length > before)
  await waitUntil('a second monitor', () => calls.length >= 2)
  assert.deepEqual(
    calls.slice(0, 2).map((call) => call.params[3]),
    ['00000000-0000-0000-0000-000000000000', 'txn-1'],
  )
  watch.stop()
  server.close()
})

function watchOn(
  path: string,
  states: SwitchState[],
  disconnected: (reason: string) => void = () => {},
): PortWatch {
  const watch = new PortWatch(
    { path, bridge: 'br-int' },
    {
      changed: (state) => states.push(state),
      connected: () => {},
      disconnected,
      switchRestarted: () => {},
    },
  )
  watch.start()
  return watch
}
