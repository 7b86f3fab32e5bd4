import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import type { Attachment } from '#chain/model/attachment.ts'
import type { Chain } from '#chain/model/chain.ts'
import { GID_PORTCULLIS } from '#chain/model/eve-values.ts'
import type { Port } from '#chain/model/port.ts'
import { listNamespaces } from '#steering/domain/namespace.ts'
import { SIGNATURE_BYPASS_BEGAN } from '#steering/agent/service-alert.ts'
import { missingForEndToEnd } from '#test/requirements.ts'
import type { GuestClient } from '#test/stage/guest-client.ts'
import { waitUntil } from '#test/topology/wait-until.ts'
import { AgentHost, METRICS_PORT } from './agent-host.ts'

const skip = missingForEndToEnd() ?? false
const V4 = '10.9.0.2'
const V6 = 'fd09::2'

const PORT: Port = {
  id: 'web',
  tenant: 'acme',
  network: 'blue',
  interfaceId: 'if-server',
  addresses: [V4, V6],
}
const ATTACHMENT: Attachment = {
  id: 'in',
  tenant: 'acme',
  port: 'web',
  chain: 'c',
  direction: 'ingress',
  classifiers: [{ protocol: 'tcp', destinationPorts: [80] }],
  priority: 10,
  onAttach: 'new-only',
  onDetach: 'drain',
}
const chainOf = (onFailure: Chain['onFailure'], name = 'c') => ({
  tenant: 'acme',
  chain: { name, inspectors: [], onFailure },
})

/** One private switch and Redis for all tests; an agent, and nothing of an earlier one, for each. */
const host = new AgentHost()
let client: GuestClient

before(async () => {
  if (skip !== false) return
  await host.start()
  const server = await host.topology.addGuest({
    name: 'server',
    interfaceId: 'if-server',
    addresses: [`${V4}/24`, `${V6}/64`],
  })
  const near = await host.topology.addGuest({
    name: 'client',
    interfaceId: 'if-client',
    addresses: ['10.9.0.3/24', 'fd09::3/64'],
  })
  await host.serve(server)
  client = await host.client(near)
})
beforeEach(async () => {
  if (skip === false) await host.startAgent()
})
afterEach(async () => {
  if (skip !== false) return
  await host.publish({ ports: [], chains: [], attachments: [] })
  await host.killAgent('SIGUSR2')
})
after(async () => {
  if (skip === false) await host.stop()
})

async function attach(
  change: Partial<Attachment> = {},
  onFailure: Chain['onFailure'] = 'open',
): Promise<void> {
  const attachments = [{ ...ATTACHMENT, ...change }]
  await host.publish({ ports: [PORT], chains: [chainOf(onFailure)], attachments })
  await host.untilState('in', 'realized')
}

const get = (address = V4, timeoutMs = 2000) =>
  client.http({ host: address, port: 80, path: '/', timeoutMs })
const clientSeen = async (address: string): Promise<string> =>
  (JSON.parse((await get(address)).body) as { client: string }).client
const load = (pauseMs = 5) =>
  client.load({
    host: V4,
    port: 80,
    path: '/',
    concurrency: 4,
    pauseMs,
    timeoutMs: 3000,
    expect: 200,
    maxMs: 60_000,
  })

/** Connections that the workers have taken, as their metrics count them. */
async function inspected(): Promise<number> {
  const text = await page('/metrics')
  const counts = [...text.matchAll(/^portcullis_connections_total\{[^}]*\} (\d+)$/gm)]
  return counts.reduce((sum, match) => sum + Number(match[1]), 0)
}

async function page(path: string): Promise<string> {
  const url = `http://127.0.0.1:${METRICS_PORT}${path}`
  const { mustRun } = await import('#test/topology/run-command.ts')
  return mustRun(host.topology.atSwitch(['curl', '-s', '--max-time', '5', url]))
}

test(
  'an attachment is realised, inspects both families, and keeps the client',
  { skip },
  async () => {
    await attach()
    const status = await host.status()
    assert.equal(status?.generation, host.generation)
    assert.deepEqual(
      status?.domains.map(({ listening, wanted }) => [listening, wanted]),
      [[2, 2]],
    )
    assert.equal(await clientSeen(V4), '10.9.0.3')
    assert.equal(await clientSeen(V6), 'fd09::3')
    await waitUntil(
      'packets to be counted',
      async () => {
        return ((await host.status())?.attachments[0]?.packets ?? 0) > 0
      },
      15_000,
    )
    assert.match(await page('/metrics'), /^portcullis_agent_attachments\{state="realized"\} 1$/m)
    await waitUntil('connections to be counted', async () => (await inspected()) >= 2)
    assert.equal(await page('/readyz'), 'ready\n')
  },
)

test(
  'a detach drains: the open connection is inspected to its end, then all is gone',
  { skip },
  async () => {
    await attach()
    const connection = await client.open(V4, 80)
    await client.getOn(connection, '/1', V4)
    await host.publish({ ports: [PORT], chains: [chainOf('open')], attachments: [] })
    await host.untilState('in', 'draining')
    assert.match(await client.getOn(connection, '/2', V4), /"path":"\/2"/)
    assert.equal(await clientSeen(V4), '10.9.0.3')
    await client.close(connection)
    await waitUntil(
      'the domain to go',
      async () => (await host.status())?.domains.length === 0,
      30_000,
    )
    assert.deepEqual((await host.status())?.attachments, [])
    assert.equal(await clientSeen(V4), '10.9.0.3')
  },
)

test('a detach with reset ends the open connection', { skip }, async () => {
  await attach({ onDetach: 'reset' })
  const connection = await client.open(V4, 80)
  await client.getOn(connection, '/1', V4)
  await host.publish({ ports: [PORT], chains: [chainOf('open')], attachments: [] })
  await waitUntil(
    'the domain to go',
    async () => (await host.status())?.domains.length === 0,
    20_000,
  )
  await assert.rejects(client.getOn(connection, '/2', V4))
  assert.equal(await clientSeen(V4), '10.9.0.3')
})

test(
  'with all workers gone, open lets new connections pass at once and says so',
  { skip },
  async () => {
    await attach()
    const [supervisor] = await host.supervisors()
    process.kill(supervisor, 'SIGSTOP') // it would replace them
    const workers = await host.workers()
    for (const pid of [...workers, supervisor]) process.kill(pid, 'SIGKILL')
    const killedAt = performance.now()
    await waitUntil('a direct answer', async () => {
      return (await get(V4, 100).catch(() => null))?.status === 200
    })
    const passedMs = performance.now() - killedAt
    // 200 ms is what an idle machine keeps; other tests run beside this one.
    assert.ok(passedMs < 1000, `passed after ${Math.round(passedMs)} ms`)
    await host.untilState('in', 'realized')
    const alert = await waitUntil('the alert', async () => {
      return (await host.alerts()).find(
        ({ alert }) => alert.signature_id === SIGNATURE_BYPASS_BEGAN,
      )
    })
    assert.equal(alert.alert.gid, GID_PORTCULLIS)
    assert.equal(alert.portcullis.attachment, 'in')
    assert.ok(((await host.status())?.domains[0].bypassedMs ?? 0) > 0)
    await waitUntil('inspection to be back', async () => {
      await get()
      return (await inspected()) > 0
    })
  },
)

test(
  'closed refuses new connections while nobody listens, and serves again afterwards',
  { skip },
  async () => {
    await attach({}, 'closed')
    const [supervisor] = await host.supervisors()
    process.kill(supervisor, 'SIGSTOP')
    for (const pid of [...(await host.workers()), supervisor]) process.kill(pid, 'SIGKILL')
    await host.untilState('in', 'blocked')
    await assert.rejects(get(V4, 100))
    await host.untilState('in', 'realized')
    assert.equal((await get()).status, 200)
  },
)

test(
  'an agent that is killed and started again loses no request and adopts the workers',
  { skip },
  async () => {
    await attach()
    const before = await host.supervisors()
    const stop = await load()
    await host.killAgent('SIGKILL')
    await host.startAgent()
    await host.untilState('in', 'realized')
    await host.killAgent('SIGTERM')
    await host.startAgent()
    await host.untilState('in', 'realized')
    const report = await stop()
    assert.equal(report.failures.length, 0, JSON.stringify(report))
    assert.ok(report.ok > 50)
    assert.deepEqual(await host.supervisors(), before)
  },
)

test(
  'Redis away: goes on, starts from disk, and takes the next snapshot when it is back',
  { skip },
  async () => {
    await attach()
    await host.stopRedis()
    await host.killAgent('SIGKILL')
    const restarted = host.startAgent()
    assert.equal((await get()).status, 200)
    await host.startRedis()
    await restarted
    await host.untilState('in', 'realized')
    await attach({ priority: 11 })
    assert.equal((await get()).status, 200)
  },
)

test('an older snapshot is not taken, a higher epoch is', { skip }, async () => {
  await attach()
  host.epoch = 3
  await attach()
  host.epoch = 2
  await host.publish({ ports: [], chains: [], attachments: [] })
  const status = await waitUntil('the refusal', async () => {
    const status = await host.status()
    return status?.reason?.includes('older') === true ? status : undefined
  })
  assert.equal(status.attachments[0]?.state, 'realized')
  assert.equal(status.epoch, 3)
  host.epoch = 3
})

test(
  'a port that is not here fails with the reason, and is realised when it comes',
  { skip },
  async () => {
    const port = { ...PORT, id: 'late', interfaceId: 'if-late', addresses: ['10.9.0.9'] }
    const attachments = [{ ...ATTACHMENT, port: 'late' }]
    await host.publish({ ports: [port], chains: [chainOf('open')], attachments })
    const failed = await host.untilState('in', 'failed')
    assert.match(failed.reason ?? '', /no iface-id if-late/)
    const guest = await host.topology.addGuest({
      name: 'late',
      interfaceId: 'if-late',
      addresses: ['10.9.0.9/24'],
    })
    await host.untilState('in', 'realized')
    await host.serve(guest)
    assert.equal(await clientSeen('10.9.0.9'), '10.9.0.3')
    await host.topology.removeGuest(guest)
    await host.untilState('in', 'failed')
  },
)

test(
  'rules that cannot be had fail the attachment, and what was in force stays',
  { skip },
  async () => {
    await attach()
    const sha256 = 'ab'.repeat(32)
    const chain = {
      tenant: 'acme',
      chain: {
        name: 'c',
        inspectors: [{ type: 'waf' as const, mode: 'block' as const, rules: ['gone'] }],
        onFailure: 'open' as const,
      },
    }
    const ruleSets = { gone: { name: 'gone', version: sha256.slice(0, 16), sha256 } }
    await host.publish({ ports: [PORT], chains: [chain], attachments: [ATTACHMENT], ruleSets })
    const failed = await host.untilState('in', 'failed')
    assert.match(failed.reason ?? '', /bundle abababababababab is not in Redis/)
    assert.deepEqual(failed.effective, [], 'the chain without inspectors still runs')
    assert.equal((await get()).status, 200)
  },
)

test(
  'the switch restarts with empty tables: flows come back, requests are inspected',
  { skip },
  async () => {
    await attach()
    await host.topology.killSwitch()
    await host.topology.startSwitch()
    await host.topology.addBaseFlow()
    const before = await inspected()
    await waitUntil(
      'inspection to be back',
      async () => {
        await get(V4, 300).catch(() => null)
        return (await inspected()) > before
      },
      20_000,
    )
    await host.untilState('in', 'realized')
  },
)

test('drift is repaired and counted, a deleted port is put back', { skip }, async () => {
  await attach()
  const { managementSocket } = host.topology
  await host.topology.ofctl(
    'del-flows',
    managementSocket,
    'cookie=0x9c15000000000000/0xffff000000000000',
  )
  await waitUntil(
    'the flows to be back',
    async () => ((await host.status())?.driftRepaired ?? 0) > 0,
    30_000,
  )
  const ports = (await host.topology.vsctl('list-ports', host.topology.bridge)).split('\n')
  const own = ports.find((name) => name.startsWith('pc')) ?? ''
  await host.topology.vsctl('del-port', host.topology.bridge, own)
  const before = await inspected()
  await waitUntil('inspection to be back', async () => {
    await get(V4, 300).catch(() => null)
    return (await inspected()) > before
  })
  await host.untilState('in', 'realized')
})

test('a teardown leaves nothing on the machine', { skip }, async () => {
  await attach()
  const namespaces = await listNamespaces()
  assert.ok(namespaces.some((name) => name.startsWith('portcullis-')))
  const workers = await host.workers()
  await host.killAgent('SIGUSR2')
  const { bridge, managementSocket } = host.topology
  assert.doesNotMatch(await host.topology.vsctl('list-ports', bridge), /^pc/m)
  const flows = await host.topology.ofctl('dump-flows', managementSocket)
  assert.doesNotMatch(flows, /cookie=0x9c15/)
  for (const pid of workers) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  assert.equal(await host.status(), null)
  assert.equal((await get()).status, 200)
})
