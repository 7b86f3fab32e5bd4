import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Attachment } from '#chain/model/attachment.ts'
import type { AlertRecord } from '#chain/model/eve.ts'
import { ApiProblem } from '#test/stage/api-client.ts'
import { Resolver } from '#test/stage/resolver.ts'
import { Stage } from '#test/stage/stage.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

/** UDP in line: names that rules forbid, and everybody else's questions and answers as they were. */

const SERVER = { 4: '10.0.0.5', 6: 'fd00::5' } as const
const CLIENT = { 4: '10.0.0.9', 6: 'fd00::9' } as const
const SOURCE_PORT = 40_053
const RULES = `
drop dns any any -> any any (msg:"forbidden name"; dns.query; content:"evil.example"; nocase; sid:9000001; rev:1;)
drop udp any 53 -> any any (msg:"secret in an answer"; content:"leaked-secret"; sid:9000002; rev:1;)
alert dns any any -> any any (msg:"watched name"; dns.query; content:"watched"; sid:9000003; rev:1;)
`
const UDP: Partial<Attachment> = {
  classifiers: [{ protocol: 'udp', destinationPorts: [53] }],
}
const stage = new Stage({ workers: 2 })
let folder: string
let resolver: Resolver

const alerts = async (
  sid: number,
): Promise<(AlertRecord & { dns?: { queries?: { rrname: string }[] } })[]> => {
  const page = (await stage.api.call('GET', `/v1/alerts?signature=${sid}`)) as {
    items: AlertRecord[]
  }
  return page.items
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-names-'))
  await stage.start()
  for (const [name, host] of [
    ['web', 5],
    ['laptop', 9],
  ] as const)
    await stage.addGuest({
      name,
      interfaceId: `iface-${name}`,
      addresses: [`10.0.0.${host}/24`, `fd00::${host}/64`],
    })
  const [server, laptop] = [stage.topology.guest('web'), stage.topology.guest('laptop')]
  await stage.serve(server, 53, 'name-server')
  await stage.registerPort(server)
  await stage.registerPort(laptop)
  resolver = await Resolver.start(stage.topology, laptop, SOURCE_PORT)
  const file = join(folder, 'names.rules')
  await writeFile(file, RULES)
  await stage.installRuleSet('names', file)
  for (const onFailure of ['open', 'closed'] as const)
    await stage.putChain({
      name: onFailure,
      inspectors: [{ type: 'ids', mode: 'block', rules: ['names'] }],
      onFailure,
    })
})

after(async () => {
  resolver?.stop()
  await stage.stop()
  await rm(folder, { recursive: true, force: true })
})

async function assertInspected(family: 4 | 6): Promise<void> {
  const server = SERVER[family]
  const seen = await resolver.ask(server, 'good.example')
  assert.match(seen, new RegExp(`^${CLIENT[family]} ${SOURCE_PORT} \\|`), 'the asker is kept')
  assert.equal(await resolver.ask(server, 'www.evil.example'), 'TIMEOUT')
  // The next question of the same resolver is another matter.
  assert.match(await resolver.ask(server, 'good.example'), /^\S+ 40053 /)
}

describe('one end attached', () => {
  for (const direction of ['ingress', 'egress'] as const)
    for (const family of [4, 6] as const)
      test(`${direction}, IPv${family}: forbidden names are dropped, others answered; restored by detach`, async () => {
        await stage.attach('names', direction === 'ingress' ? 'web' : 'laptop', 'closed', {
          ...UDP,
          direction,
        })
        await assertInspected(family)
        await stage.detach('names')
        assert.match(await resolver.ask(SERVER[family], 'www.evil.example'), /^\S+ 40053 /)
      })
})

test('both ends attached: each chain sees the message', async () => {
  await stage.attach('client-side', 'laptop', 'closed', { ...UDP, direction: 'egress' })
  await stage.attach('server-side', 'web', 'closed', UDP)
  await assertInspected(4)
  await assertInspected(6)
  await stage.detach('client-side')
  await assertInspected(4)
  await stage.detach('server-side')
})

test('alerts say what was asked, by whom, and what became of it', async () => {
  await stage.attach('names', 'web', 'closed', UDP)
  assert.equal(await resolver.ask(SERVER[4], 'x.evil.example'), 'TIMEOUT')
  const dropped = await waitUntil('the alert', async () =>
    (await alerts(9_000_001)).find(({ dns }) => dns?.queries?.[0]?.rrname === 'x.evil.example'),
  )
  assert.equal(dropped.proto, 'UDP')
  assert.equal(dropped.app_proto, 'dns')
  assert.deepEqual(
    [dropped.src_ip, dropped.src_port, dropped.dest_port],
    [CLIENT[4], SOURCE_PORT, 53],
  )
  assert.equal(dropped.alert.action, 'blocked')
  assert.equal(dropped.portcullis.verdict, 'dropped')
  assert.match(await resolver.ask(SERVER[4], 'watched.example'), /^\S+ 40053 /)
  const watched = await waitUntil('the alert', async () => (await alerts(9_000_003))[0])
  assert.equal(watched.portcullis.verdict, 'passed')
  await stage.detach('names')
})

test('answers are inspected as well; one that is forbidden does not arrive', async () => {
  await stage.attach('names', 'web', 'closed', UDP)
  assert.equal(await resolver.ask(SERVER[4], 'leak.example'), 'TIMEOUT')
  assert.match(await resolver.ask(SERVER[4], 'good.example'), /^\S+ 40053 /)
  const [alert] = await waitUntil('the alert', async () => {
    const found = await alerts(9_000_002)
    return found.length > 0 && found
  })
  assert.equal(alert.portcullis.verdict, 'dropped')
  await stage.detach('names')
})

test('large answers, in fragments, arrive whole', async () => {
  assert.match(await resolver.ask(SERVER[4], 'large.example'), /\| 30\d\d$/)
  await stage.attach('names', 'web', 'closed', UDP)
  assert.match(await resolver.ask(SERVER[4], 'large.example'), /\| 30\d\d$/)
  assert.match(await resolver.ask(SERVER[6], 'large.example'), /\| 30\d\d$/)
  await stage.detach('names')
})

describe('no worker', () => {
  const kill = async (): Promise<void> => {
    for (const pid of [...(await stage.supervisorPids()), ...(await stage.workerPids())]) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It died with its supervisor.
      }
    }
  }

  test('one of two killed: datagrams wait for the other one and are inspected', async () => {
    await stage.attach('names', 'web', 'closed', UDP)
    for (const victim of await stage.workerPids()) {
      process.kill(victim, 'SIGKILL')
      assert.equal(await resolver.ask(SERVER[4], 'www.evil.example', 500), 'TIMEOUT')
      assert.match(await resolver.ask(SERVER[4], 'good.example', 5000), /^\S+ 40053 /)
      await waitUntil(
        'two workers to listen again',
        async () => {
          const pids = await stage.workerPids()
          const [{ domains }] = await stage.hosts()
          return pids.length === 2 && !pids.includes(victim) && domains[0]?.listening === 2
        },
        60_000,
      )
    }
    await stage.detach('names')
  })

  for (const onFailure of ['open', 'closed'] as const)
    test(`${onFailure}: what is known and what is new follows it at once`, async () => {
      await stage.attach('names', 'web', onFailure, UDP)
      await assertInspected(4)
      const over = new AbortController()
      // Before it has happened once, a worker may still let an inspected answer through.
      await kill()
      await waitUntil('no worker', async () => (await stage.workerPids()).length === 0)
      const killing = (async () => {
        while (!over.signal.aborted) {
          await kill()
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
      })()
      try {
        if (onFailure === 'open')
          await waitUntil('an uninspected answer', async () =>
            /40053/.test(await resolver.ask(SERVER[4], 'www.evil.example', 200)),
          )
        else
          for (let count = 0; count < 5; count++)
            assert.equal(await resolver.ask(SERVER[4], 'good.example', 200), 'TIMEOUT')
      } finally {
        over.abort()
        await killing
      }
      await waitUntil(
        'inspection again',
        async () =>
          (await stage.attachmentStatus('names'))?.state === 'realized' &&
          (await resolver.ask(SERVER[4], 'www.evil.example', 300)) === 'TIMEOUT' &&
          /40053/.test(await resolver.ask(SERVER[4], 'good.example', 300)),
        // Who dies again and again is started ever more slowly.
        90_000,
      )
      await stage.detach('names')
    })
})

test('a chain with a WAF is refused for datagrams, from both ends', async () => {
  const refused = (pointer: string) => (error: unknown) => {
    assert.ok(error instanceof ApiProblem)
    assert.equal(error.status, 422)
    const errors = error.problem['errors'] as { pointer: string; detail: string }[]
    assert.ok(errors.some((one) => one.pointer === pointer && /cannot see/.test(one.detail)))
    return true
  }
  const waf = {
    inspectors: [{ type: 'waf' as const, mode: 'block' as const, rules: ['baseline'] }],
    onFailure: 'closed' as const,
  }
  await stage.putChain({ name: 'web-only', ...waf })
  await assert.rejects(
    stage.attach('names', 'web', 'web-only', UDP),
    refused('/classifiers/0/protocol'),
  )
  await stage.attach('names', 'web', 'closed', UDP)
  await assert.rejects(stage.putChain({ name: 'closed', ...waf }), refused('/inspectors/0/type'))
  await stage.detach('names')
})
