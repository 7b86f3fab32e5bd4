import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Attachment } from '#chain/model/attachment.ts'
import type { Chain } from '#chain/model/chain.ts'
import type { AlertRecord } from '#chain/model/eve.ts'
import { listNamespaces } from '#steering/domain/namespace.ts'
import { ApiProblem } from '#test/stage/api-client.ts'
import type { GuestClient } from '#test/stage/guest-client.ts'
import { Resolver } from '#test/stage/resolver.ts'
import { CLIENT, SERVER, Stage } from '#test/stage/stage.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

/** A mirrored port: alerts about traffic that nobody stands in the way of. */

const RULES = `
alert dns any any -> any any (msg:"watched name"; dns.query; content:"evil.example"; nocase; sid:9100001; rev:1;)
alert http any any -> any any (msg:"watched path"; http.uri; content:"/secret"; sid:9100002; rev:1;)
alert icmp any any -> any any (msg:"ping"; itype:8; sid:9100003; rev:1;)
`
/** An echo request with the checksum that its few bytes have. */
const PING =
  'use Socket; socket(S, PF_INET, SOCK_RAW, 1) or die; ' +
  'send(S, pack("CCnnn", 8, 0, 0xf7fe, 0, 1), 0, sockaddr_in(0, inet_aton($ARGV[0]))) or die'
const ANY: Partial<Attachment> = {
  mode: 'tap',
  classifiers: [{ protocol: 'any', destinationPorts: 'any' }],
}
const ids = (mode: 'detect' | 'block'): Pick<Chain, 'inspectors' | 'onFailure'> => ({
  inspectors: [{ type: 'ids', mode, rules: ['watched'] }],
  onFailure: 'open',
})
const stage = new Stage({ workers: 1 })
let folder: string
let client: GuestClient
let resolver: Resolver

const alerts = async (signature: string | number, since: number): Promise<AlertRecord[]> => {
  const from = new Date(since).toISOString()
  const page = (await stage.api.call(
    'GET',
    `/v1/alerts?signature=${signature}&since=${encodeURIComponent(from)}`,
  )) as { items: AlertRecord[] }
  return page.items
}
const oneAlert = (signature: string | number, since: number): Promise<AlertRecord> =>
  waitUntil(`alert ${signature}`, async () => (await alerts(signature, since))[0] ?? false, 20_000)
/** One question, in a conversation that the switch has been carrying all along. */
async function askedOnce(name: string): Promise<AlertRecord> {
  const since = Date.now()
  assert.match(await resolver.ask(SERVER, name), /^\S+ 40053 /)
  return oneAlert(9_100_001, since)
}
const mirrors = async (): Promise<string[]> => {
  const output = await stage.topology.vsctl('--bare', '--columns=name', 'list', 'Mirror')
  return output.split('\n').filter((line) => line !== '')
}
/** Processes of the tap's namespace. */
async function tapProcesses(): Promise<{ pid: number; name: string }[]> {
  const [pid] = await stage.supervisorPids()
  if (pid === undefined) return []
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  const pids = [pid, ...children.split(' ').filter(Boolean).map(Number)]
  return Promise.all(
    pids.map(async (one) => ({
      pid: one,
      name: (await readFile(`/proc/${one}/comm`, 'utf8').catch(() => '')).trim(),
    })),
  )
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-tap-'))
  await stage.start()
  client = await stage.addWebAndLaptop()
  await stage.serve(stage.topology.guest('web'), 53, 'name-server')
  resolver = await Resolver.start(stage.topology, stage.topology.guest('laptop'), 40_053)
  const file = join(folder, 'watched.rules')
  await writeFile(file, RULES)
  await stage.installRuleSet('watched', file)
  await stage.putChain({ name: 'watch', ...ids('detect') })
})

after(async () => {
  resolver?.stop()
  await stage.stop()
  await rm(folder, { recursive: true, force: true })
})

test("alerts tell of a name, a request and a ping; none is in anybody's way", async () => {
  const since = Date.now()
  await stage.attach('tap', 'web', 'watch', ANY)
  // Nothing is led through anything.
  assert.deepEqual((await stage.hosts())[0].domains, [])
  assert.match(await resolver.ask(SERVER, 'www.evil.example'), /^\S+ 40053 /)
  const answer = await client.http({ host: SERVER, port: 80, path: '/secret' })
  assert.equal(answer.status, 200)
  await stage.topology.exec('laptop', ['perl', '-e', PING, SERVER])
  const [name, path, ping] = [
    await oneAlert(9_100_001, since),
    await oneAlert(9_100_002, since),
    await oneAlert(9_100_003, since),
  ]
  assert.deepEqual([name.proto, name.app_proto, name.dest_port], ['UDP', 'dns', 53])
  assert.deepEqual([path.proto, path.src_ip, path.dest_ip], ['TCP', CLIENT, SERVER])
  assert.equal(path.http?.['url'], '/secret')
  assert.equal(ping.proto, 'ICMP')
  for (const alert of [name, path, ping]) {
    assert.equal(alert.alert.action, 'allowed')
    assert.equal(alert.portcullis.verdict, 'passed')
    assert.deepEqual([alert.portcullis.attachment, alert.portcullis.port], ['tap', 'web'])
  }
  await waitUntil(
    'mirrored packets to be counted',
    async () => {
      return ((await stage.attachmentStatus('tap'))?.packets ?? 0) > 4
    },
    20_000,
  )
})

test('a capture that dies is started again, and the gap is an alert', async () => {
  const since = Date.now()
  const before = await tapProcesses()
  const capture = before.find((one) => one.name === 'tcpdump')
  assert.ok(capture !== undefined)
  process.kill(capture.pid, 'SIGKILL')
  await waitUntil(
    'the outage to be told',
    async () => {
      return (await stage.attachmentStatus('tap'))?.state === 'bypassed'
    },
    20_000,
  )
  await waitUntil(
    'the tap to be back',
    async () => {
      return (await stage.attachmentStatus('tap'))?.state === 'realized'
    },
    60_000,
  )
  const after = await tapProcesses()
  assert.notEqual(after.find((one) => one.name === 'tcpdump')?.pid, capture.pid)
  await askedOnce('again.evil.example')
  await oneAlert('no inspector', since)
})

test('a mirror that the switch does not act on is made anew, and the gap is an alert', async () => {
  const since = Date.now()
  const { bridge } = stage.topology
  const [name = ''] = await mirrors()
  const vsctl = (line: string): Promise<string> => stage.topology.vsctl(...line.split(' '))
  const own = `external_ids:portcullis-instance=${name.slice(2, 6)}`
  // The same mirror again, behind the switch's back: what it has cached meanwhile, it goes on with.
  await vsctl(`-- --id=@old get Mirror ${name} -- remove Bridge ${bridge} mirrors @old`)
  await stage.topology.appctl('revalidator/purge')
  await resolver.ask(SERVER, 'www.example')
  await resolver.ask(SERVER, 'www.example')
  const from = stage.topology.guest('web').legs[0].portName
  await vsctl(
    `-- --id=@from get Port ${from} -- --id=@to get Port ${name} -- --id=@new create Mirror name=${name} ` +
      `select_src_port=@from select_dst_port=@from output_port=@to ${own} -- add Bridge ${bridge} mirrors @new`,
  )
  await waitUntil(
    'questions to be told of again',
    async () => {
      assert.match(await resolver.ask(SERVER, 'blind.evil.example'), /^\S+ 40053 /)
      await new Promise((resolve) => setTimeout(resolve, 200))
      return (await alerts(9_100_001, since)).length > 0
    },
    60_000,
  )
  await oneAlert('no inspector', since)
  await waitUntil(
    'the end of the gap',
    async () => (await stage.attachmentStatus('tap'))?.state === 'realized',
    30_000,
  )
})

test('a capture that hangs is noticed and started again', async () => {
  const since = Date.now()
  const capture = (await tapProcesses()).find((one) => one.name === 'tcpdump')
  assert.ok(capture !== undefined)
  process.kill(capture.pid, 'SIGSTOP')
  await waitUntil(
    'questions to be told of again',
    async () => {
      assert.match(await resolver.ask(SERVER, 'deaf.evil.example'), /^\S+ 40053 /)
      await new Promise((resolve) => setTimeout(resolve, 200))
      return (await alerts(9_100_001, since)).length > 0
    },
    60_000,
  )
  assert.notEqual((await tapProcesses()).find((one) => one.name === 'tcpdump')?.pid, capture.pid)
  await oneAlert('no inspector', since)
  await waitUntil(
    'the end of the gap',
    async () => (await stage.attachmentStatus('tap'))?.state === 'realized',
    30_000,
  )
})

test('an agent that comes back takes the tap over', async () => {
  const before = await tapProcesses()
  await stage.agent.kill('SIGKILL')
  const killedAt = Date.now()
  await stage.startAgent()
  await waitUntil(
    'the tap to be told of',
    async () => {
      const [host] = await stage.hosts()
      const isNews = host !== undefined && host.reportedAt > killedAt && host.switchConnected
      return isNews && (await stage.attachmentStatus('tap'))?.state === 'realized'
    },
    30_000,
  )
  assert.deepEqual(await tapProcesses(), before)
})

test("detach removes the mirror, its port and its namespace, and nobody else's", async () => {
  const bridge = stage.topology.bridge
  await stage.topology.vsctl(
    '--',
    '--id=@m',
    'create',
    'Mirror',
    'name=foreign',
    '--',
    'add',
    'Bridge',
    bridge,
    'mirrors',
    '@m',
  )
  assert.equal((await mirrors()).length, 2)
  const namespaces = await listNamespaces()
  await stage.detach('tap')
  await waitUntil('the mirror to go', async () => (await mirrors()).join() === 'foreign', 20_000)
  await waitUntil(
    'the namespace to go',
    async () => {
      return (await listNamespaces()).length === namespaces.length - 1
    },
    20_000,
  )
  assert.match(await resolver.ask(SERVER, 'www.evil.example'), /^\S+ 40053 /)
})

test('only what the classifiers select is looked at', async () => {
  const since = Date.now()
  await stage.attach('tap', 'web', 'watch', {
    mode: 'tap',
    classifiers: [{ protocol: 'udp', destinationPorts: [53], remote: `${CLIENT}/32` }],
  })
  try {
    assert.equal((await client.http({ host: SERVER, port: 80, path: '/secret' })).status, 200)
    await askedOnce('www.evil.example')
    assert.deepEqual(await alerts(9_100_002, since), [])
  } finally {
    await stage.detach('tap')
  }
})

test('what a mirror cannot do is refused, from both ends', async () => {
  const refused = (pointer: string, why: RegExp) => (error: unknown) => {
    assert.ok(error instanceof ApiProblem)
    const errors = error.problem['errors'] as { pointer: string; detail: string }[]
    assert.ok(
      errors.some((one) => one.pointer === pointer && why.test(one.detail)),
      error.message,
    )
    return true
  }
  const waf: Pick<Chain, 'inspectors' | 'onFailure'> = {
    inspectors: [{ type: 'waf', mode: 'detect', rules: ['baseline'] }],
    onFailure: 'open',
  }
  await stage.putChain({ name: 'blocks', ...ids('block') })
  await stage.putChain({ name: 'waf', ...waf })
  await assert.rejects(stage.attach('tap', 'web', 'blocks', ANY), refused('/chain', /detect/))
  await assert.rejects(stage.attach('tap', 'web', 'waf', ANY), refused('/chain', /waf/))
  const { classifiers } = ANY
  await assert.rejects(
    stage.attach('tap', 'web', 'watch', { classifiers: classifiers! }),
    refused('/classifiers/0/protocol', /tcp or udp/),
  )
  await stage.attach('tap', 'web', 'watch', ANY)
  const change = { name: 'watch' }
  await assert.rejects(
    stage.putChain({ ...change, ...ids('block') }),
    refused('/inspectors/0/mode', /detect/),
  )
  await assert.rejects(stage.putChain({ ...change, ...waf }), refused('/inspectors/0/type', /ids/))
  await stage.detach('tap')
})
