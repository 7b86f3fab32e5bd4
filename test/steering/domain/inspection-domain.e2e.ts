import assert from 'node:assert/strict'
import { mkdtemp, mkdir, readFile, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { Topology } from '#test/topology/topology.ts'
import { waitUntil } from '#test/topology/wait-until.ts'
import { type RunCommand, runCommand } from '#steering/domain/command.ts'
import type { DomainContent } from '#steering/domain/domain-config.ts'
import { InspectionDomain } from '#steering/domain/inspection-domain.ts'
import { removeLeftovers } from '#steering/domain/leftovers.ts'
import { domainNames, instanceId } from '#steering/domain/names.ts'
import { listNamespaces, namespaceProcesses } from '#steering/domain/namespace.ts'
import { listOwnSwitchPorts } from '#steering/domain/switch-port.ts'

const hasSwitch =
  process.getuid?.() === 0 &&
  (await runCommand(['ovs-vswitchd', '--version']).catch(() => '')) !== ''
const options = { skip: hasSwitch ? false : 'needs root and Open vSwitch' }
const ROOT = dirname(dirname(dirname(import.meta.dirname)))

const topology = new Topology()
let folder = ''
let instance = ''
const open: InspectionDomain[] = []

/** Everything as if the agent were in the switch's namespace. */
const run: RunCommand = (command, settings) =>
  runCommand(topology.atSwitch(command) as [string, ...string[]], settings)

before(async () => {
  if (!hasSwitch) return
  await topology.start()
  folder = await mkdtemp(join(tmpdir(), 'portcullis-domain-'))
  instance = instanceId('test', topology.folder)
})
afterEach(async () => {
  for (const domain of open.splice(0)) domain.release()
  if (hasSwitch) await removeLeftovers(run, location(), instance, folder, [])
})
after(async () => {
  if (!hasSwitch) return
  await topology.stop()
  await rm(folder, { recursive: true })
})

const location = () => ({ ovsdb: `unix:${topology.ovsdbSocket}`, bridge: topology.bridge })
const KEY = { tenant: 'acme', network: 'blue' }

function makeDomain(changed: () => void = () => {}): InspectionDomain {
  const names = domainNames(instance, KEY)
  const domain = new InspectionDomain({
    domain: 'acme/blue',
    names,
    location: location(),
    mtu: 1400,
    run,
    hasPort: () => false,
    folders: {
      run: join(folder, names.folder),
      spool: join(folder, 'spool', names.folder),
      rules: join(folder, 'rules'),
      app: ROOT,
    },
    supervisor: ['/app/test/steering/domain/fake-supervisor.ts', '/control/control.sock'],
    onChange: changed,
    onLost: async () => {},
    log: () => {},
  })
  open.push(domain)
  return domain
}

function content(chainName?: string): DomainContent {
  const chain = { name: chainName ?? '', inspectors: [], onFailure: 'open' as const }
  return {
    domain: 'acme/blue',
    host: 'test',
    listener: { kind: 'transparent', fd: 3 },
    workers: 1,
    spoolFolder: '/spool',
    ports: [],
    attachments: [],
    chains:
      chainName === undefined ? [] : [{ tenant: 'acme', chain, rulePaths: {}, ruleVersions: {} }],
  }
}

const pidOf = (domain: InspectionDomain): number => domain.health.status?.pid ?? 0

test(
  'builds a domain whose supervisor has no privilege and sees nothing of the host',
  options,
  async () => {
    const domain = makeDomain()
    const endpoint = await domain.bringUp()
    assert.ok(endpoint.ofport > 0)
    assert.equal(await domain.apply(content()), 1)
    assert.equal(domain.health.status?.listening, 1)

    const pid = pidOf(domain)
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m)
    assert.match(status, /^Groups:\s*$/m)
    for (const set of ['CapEff', 'CapPrm', 'CapBnd', 'CapAmb', 'CapInh'])
      assert.match(status, new RegExp(`^${set}:\t0{16}$`, 'm'))
    assert.match(status, /^NoNewPrivs:\t1$/m)
    const visible = await readdir(`/proc/${pid}/root`)
    assert.ok(!visible.includes('root') && !visible.includes('home') && !visible.includes('run'))

    const { namespace, mac, portName } = domainNames(instance, KEY)
    const inside = async (...command: string[]): Promise<string> =>
      run(['ip', 'netns', 'exec', namespace, ...command])
    assert.match(await inside('ip', 'link', 'show', 'eth0'), new RegExp(`mtu 1400 [^]*${mac}`))
    assert.match(await inside('ip', 'route', 'show', 'table', 'local'), /^local default dev lo/m)
    assert.match(
      await inside('ip', '-6', 'route', 'show', 'table', 'local'),
      /^local default dev lo/m,
    )
    assert.match(await inside('ip', 'rule'), /^10:\tfrom all iif eth0 lookup local\n11:.*\n20:/m)
    assert.match(await inside('nft', 'list', 'ruleset'), /tproxy ip6 to :15001/)
    assert.equal((await topology.vsctl('get', 'Port', portName, 'tag')).trim(), '4095')
  },
)

test('removal takes port, namespace, processes and run folder away', options, async () => {
  const domain = makeDomain()
  await domain.bringUp()
  await domain.apply(content())
  const { namespace, folder: name } = domainNames(instance, KEY)
  await domain.remove(0)
  assert.ok(!(await listNamespaces()).includes(namespace))
  assert.deepEqual(await listOwnSwitchPorts(run, location(), instance), [])
  await assert.rejects(stat(join(folder, name)), { code: 'ENOENT' })
})

test(
  'an agent that comes back adopts the supervisor, and the same content replaces nothing',
  options,
  async () => {
    const first = makeDomain()
    const endpoint = await first.bringUp()
    const generation = await first.apply(content())
    const pid = pidOf(first)
    first.release()

    const second = makeDomain()
    assert.deepEqual(await second.bringUp(), endpoint)
    assert.equal(pidOf(second), pid)
    assert.equal(await second.apply(content()), generation)
    assert.equal(await second.apply(content('other')), generation + 1)
    assert.equal(pidOf(second), pid)
  },
)

test(
  'a supervisor that dies is told of at once and started again with its configuration',
  options,
  async () => {
    const seen: (number | null)[] = []
    const domain: InspectionDomain = makeDomain(() => {
      seen.push(domain.health.status?.listening ?? null)
    })
    await domain.bringUp()
    await domain.apply(content())
    const pid = pidOf(domain)
    const killedAt = performance.now()
    process.kill(pid, 'SIGKILL')
    await waitUntil('the death to be told', () => seen.includes(null))
    // Told by the socket that closes; a ping would take seconds.
    assert.ok(performance.now() - killedAt < 1000, 'at once')
    await waitUntil('another supervisor to listen', () => domain.health.status?.listening === 1)
    assert.notEqual(pidOf(domain), pid)
    assert.equal(domain.health.supervisorRestarts, 1)
    assert.equal(domain.health.status?.generation, 1)
  },
)

test('a supervisor that hangs is ended and started again', options, async () => {
  const domain = makeDomain()
  await domain.bringUp()
  await domain.apply(content())
  const pid = pidOf(domain)
  process.kill(pid, 'SIGSTOP')
  await waitUntil('another supervisor', () => ![0, pid].includes(pidOf(domain)), 15_000)
  await waitUntil('it to listen', () => domain.health.status?.listening === 1)
})

test(
  'a refused configuration is an error with the reason, and the workers go on',
  options,
  async () => {
    const domain = makeDomain()
    await domain.bringUp()
    await domain.apply(content())
    await assert.rejects(domain.apply(content('refused')), { code: 'CONFIG_REFUSED' })
    assert.match(domain.health.problem ?? '', /a\.conf:1:1/)
    assert.equal(domain.health.status?.generation, 1)
    assert.equal(domain.health.status?.listening, 1)
    await domain.apply(content())
    assert.equal(domain.health.problem, null)
  },
)

test(
  'what a crashed run left is built anew or cleaned up, and nothing of others',
  options,
  async () => {
    const crashed = makeDomain()
    await crashed.bringUp()
    const { namespace } = domainNames(instance, KEY)
    crashed.release()
    for (const pid of await namespaceProcesses(run, namespace)) process.kill(pid, 'SIGKILL')

    const again = makeDomain()
    await again.bringUp()
    await again.apply(content())
    assert.equal(again.health.status?.listening, 1)
    again.release()

    const stranger = domainNames(instanceId('another', topology.folder), KEY)
    await run(['ip', 'netns', 'add', stranger.namespace])
    await mkdir(join(folder, stranger.folder), { recursive: true })
    try {
      const removed = await removeLeftovers(run, location(), instance, folder, [])
      assert.equal(removed.length, 3, 'port, namespace and run folder')
      assert.deepEqual(await namespaceProcesses(run, namespace), [])
      assert.ok((await listNamespaces()).includes(stranger.namespace))
      assert.ok((await readdir(folder)).includes(stranger.folder))
    } finally {
      await run(['ip', 'netns', 'delete', stranger.namespace])
    }
    assert.deepEqual(await removeLeftovers(run, location(), instance, folder, []), [])
  },
)
