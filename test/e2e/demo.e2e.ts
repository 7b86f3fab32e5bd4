import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { DemoResult } from '#test/demo/result.ts'
import { runCommand } from '#test/topology/run-command.ts'

/** The demo holds, and leaves nothing behind, also when it is interrupted. */

const DEMO = [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  join(dirname(import.meta.dirname), 'demo/main.ts'),
]

/** What a run could leave on a machine. */
async function traces(): Promise<string[]> {
  const namespaces = (await runCommand(['ip', 'netns', 'list'])).stdout
    .split('\n')
    .filter((line) => line !== '')
  const folders = (await readdir(tmpdir())).filter(
    (name) => name.startsWith('portcullis-') || name.startsWith('pct'),
  )
  const processes: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')
    if (
      /ovs-vswitchd|ovsdb-server|redis-server|inspectors\/main|steering\/main|chain\/main/.test(
        command,
      )
    )
      processes.push(command.replaceAll('\0', ' '))
  }
  return [...namespaces, ...folders, ...processes].sort()
}

test('every step holds and the machine is as before', async () => {
  const before = await traces()
  const { code, stdout, stderr } = await runCommand([...DEMO, '--json'], { timeoutMs: 180_000 })
  assert.equal(code, 0, stderr)
  const result = JSON.parse(stdout) as DemoResult
  assert.equal(result.benign.ok, result.benign.sent)
  assert.equal(result.attacks.blocked, result.attacks.sent)
  assert.equal(result.clientAddressPreserved, true)
  assert.equal(result.establishedSurvived, true)
  assert.equal(result.workerKillFailures, 0)
  assert.equal(result.detachRestored, true)
  assert.ok(result.alerts > result.attacks.sent)
  assert.ok(result.p50AddedMs < 50)
  assert.deepEqual(await traces(), before)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} in the middle leaves nothing behind`, async () => {
    const before = await traces()
    const child = spawn(DEMO[0], DEMO.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString('utf8')
        if (output.includes('in force after')) resolve()
      })
      child.once('exit', () => resolve())
    })
    assert.match(output, /in force after/)
    child.kill(signal)
    const code = await new Promise((resolve) => child.once('exit', resolve))
    assert.equal(code, 130)
    assert.deepEqual(await traces(), before)
  })
}
