import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { FLUSH_MS } from '#inspectors/waf/collections/limits.ts'
import { httpEcho, startUpstream, until } from '../proxy/harness.ts'
import { workerPids } from './probes.ts'
import { type Supervised, fetchOnce, supervised } from './supervised.ts'

/** Limits of a WAF in the workers of one supervisor: six requests of a client, whoever gets them. */

const RULES = `
SecRuleEngine On
SecAction "id:1,phase:1,nolog,pass,initcol:ip=%{REMOTE_ADDR}"
SecRule IP:hits "@ge 6" "id:2,phase:1,deny,status:429,msg:'too many'"
SecAction "id:3,phase:1,nolog,pass,setvar:ip.hits=+1,expirevar:ip.hits=600"
`
const module = join(import.meta.dirname, 'waf-worker.ts')
let rulesFolder = ''

before(() => {
  rulesFolder = mkdtempSync(join(tmpdir(), 'portcullis-limits-'))
  writeFileSync(join(rulesFolder, 'limit'), RULES)
  writeFileSync(join(rulesFolder, 'limit-2'), `# another\n${RULES}`)
})
after(() => rmSync(rulesFolder, { recursive: true, force: true }))

/** Statuses of requests that one worker got: the others do not run meanwhile. */
async function askedOf(site: Supervised, pid: number, requests: number): Promise<number[]> {
  const others = workerPids().filter((one) => one !== pid)
  for (const other of others) process.kill(other, 'SIGSTOP')
  try {
    const statuses: number[] = []
    for (let at = 0; at < requests; at += 1) {
      statuses.push((await fetchOnce(site.port)).status)
    }
    return statuses
  } finally {
    for (const other of others) process.kill(other, 'SIGCONT')
  }
}

const told = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5 * FLUSH_MS))
const OK = [200, 200, 200]

test('a limit of a domain is one for all its workers, and outlasts them and their rules', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port, { module, rulesFolder })
  await site.supervisor.apply(site.config({ rules: ['limit'] }))
  const [one = 0, two = 0] = workerPids()
  assert.deepEqual(await askedOf(site, one, 3), OK)
  await told()
  assert.deepEqual(await askedOf(site, two, 3), OK)
  await told()
  assert.deepEqual(await askedOf(site, two, 1), [429])
  assert.deepEqual(await askedOf(site, one, 1), [429])

  for (const pid of [one, two]) process.kill(pid, 'SIGKILL')
  await until('two others', () => {
    const pids = workerPids()
    return site.supervisor.status.listening === 2 && !pids.includes(one) && !pids.includes(two)
  })
  for (const pid of workerPids()) assert.deepEqual(await askedOf(site, pid, 1), [429])

  await site.supervisor.apply(site.config({ rules: ['limit-2'] }))
  await until('the new rules alone', () => workerPids().length === 2)
  for (const pid of workerPids()) assert.deepEqual(await askedOf(site, pid, 1), [429])
  assert.match(site.supervisor.metrics(), /^portcullis_collection_batches_refused_total 0$/m)
})
