import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AlertRecord } from '#chain/model/eve.ts'
import { bindListeningSocket } from '#inspectors/supervisor/listening-socket.ts'
import { httpEcho, startUpstream, until } from '../proxy/harness.ts'
import { fetchOnce, startLoad } from '../supervisor/supervised.ts'

const MAIN = join(import.meta.dirname, '../../../inspectors/main.ts')
/** A rule of each engine, small enough to load at once. */
const WAF_RULE =
  'SecRule ARGS:q "@contains attack" "id:4711,phase:2,deny,status:418,log,msg:\'a test attack\'"\n'
const IDS_RULE =
  'alert http any any -> any any (msg:"suspicious path"; http.uri; content:"/suspicious"; sid:815; rev:1;)\n'

interface Inspect extends AsyncDisposable {
  readonly child: ChildProcess
  readonly folder: string
  readonly port: number
  stdout(): string
  stderr(): string
}

async function startInspect(upstreamPort: number, ...extra: string[]): Promise<Inspect> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-inspect-'))
  writeFileSync(join(folder, 'test.conf'), WAF_RULE)
  writeFileSync(join(folder, 'test.rules'), IDS_RULE)
  writeChain(folder, 'block')
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      MAIN,
      'inspect',
      '--listen',
      '127.0.0.1:0',
      '--upstream',
      `127.0.0.1:${upstreamPort}`,
      '--chain',
      join(folder, 'chain.yaml'),
      '--workers',
      '1',
      ...extra.map((argument) => argument.replace('FOLDER', folder)),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  await until(
    'it to listen',
    () => `${stdout}${stderr}`.includes('listening on') || child.exitCode !== null,
    30_000,
  )
  return {
    child,
    folder,
    port: Number(/^listening on 127\.0\.0\.1:(\d+),/.exec(stdout)?.[1]),
    stdout: () => stdout,
    stderr: () => stderr,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function writeChain(folder: string, mode: string): void {
  writeFileSync(
    join(folder, 'chain.yaml'),
    `name: shop
inspectors:
  - {type: waf, mode: ${mode}, rules: [./test.conf]}
  - {type: ids, mode: detect, rules: [./test.rules]}
onFailure: open
`,
  )
}

test('blocks by the WAF, alerts by the IDS, and tells both on standard error', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using inspect = await startInspect(upstream.port)
  assert.match(
    inspect.stdout(),
    /^listening on 127\.0\.0\.1:\d+, 1 worker, chain shop: waf\(block, \d+ rules\) -> ids\(detect, 1 rules\)\n$/,
  )
  assert.equal((await fetchOnce(inspect.port, '/fine')).body, 'target /fine')
  const blocked = await fetchOnce(inspect.port, '/?q=an+attack')
  assert.equal(blocked.status, 418)
  assert.equal((await fetchOnce(inspect.port, '/suspicious')).status, 200)
  await until('both lines', () => inspect.stderr().split('\n').length > 2)
  assert.match(
    inspect.stderr(),
    new RegExp(`^blocked waf 88001:4711 a test attack .* ${blocked.requestId}$`, 'm'),
  )
  assert.match(inspect.stderr(), /^passed ids 1:815 suspicious path /m)
})

test('writes EVE and error log before it answers', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using inspect = await startInspect(
    upstream.port,
    '--eve',
    'FOLDER/eve.json',
    '--error-log',
    'FOLDER/error.log',
  )
  const { requestId } = await fetchOnce(inspect.port, '/?q=attack')
  const [record] = readFileSync(join(inspect.folder, 'eve.json'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AlertRecord)
  assert.equal(record?.portcullis.request_id, requestId)
  assert.equal(record?.alert.signature_id, 4711)
  assert.match(
    readFileSync(join(inspect.folder, 'error.log'), 'utf8'),
    /\[id "4711"\].*\[msg "a test attack"\]/,
  )
})

test('serves metrics', async () => {
  await using upstream = await startUpstream(httpEcho)
  const { port } = bindListeningSocket('127.0.0.1', 0)
  // That socket never listens, so the address is free for who does.
  await using inspect = await startInspect(upstream.port, '--metrics', `127.0.0.1:${port}`)
  await fetchOnce(inspect.port, '/?q=attack')
  let text = ''
  const end = performance.now() + 10_000
  while (!text.includes('portcullis_requests_total 1\n')) {
    assert.ok(performance.now() < end, `the request is not in the metrics:\n${text}`)
    text = (await fetchOnce(port, '/metrics')).body
  }
  assert.match(
    text,
    /^portcullis_verdicts_total\{tenant="local",chain="shop",inspector="waf",verdict="block"\} 1$/m,
  )
  assert.match(text, /^portcullis_inspection_seconds_bucket\{[^}]*le="\+Inf"\} \d+$/m)
  assert.equal((await fetchOnce(port, '/')).status, 404)
})

test('--eve - leaves standard output to the alerts', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using inspect = await startInspect(upstream.port, '--eve', '-')
  const port = Number(/listening on 127\.0\.0\.1:(\d+),/.exec(inspect.stderr())?.[1])
  const { requestId } = await fetchOnce(port, '/?q=attack')
  await until('the alert', () => inspect.stdout().includes('\n'))
  const record = JSON.parse(inspect.stdout()) as AlertRecord
  assert.equal(record.portcullis.request_id, requestId)
})

test('SIGHUP takes a changed chain without losing a request and refuses a broken one', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using inspect = await startInspect(upstream.port)
  const load = startLoad(inspect.port, 4)
  await until('load', () => load.ok > 20)
  writeChain(inspect.folder, 'detect')
  inspect.child.kill('SIGHUP')
  await until('the reload', () => inspect.stderr().includes('reloaded listening on'), 30_000)
  for (let request = 0; request < 20; request++)
    assert.equal((await fetchOnce(inspect.port, '/?q=attack')).status, 200)
  writeFileSync(
    join(inspect.folder, 'test.conf'),
    `${WAF_RULE}SecRule ARGS "@nonsense x" "id:1,phase:1"\n`,
  )
  inspect.child.kill('SIGHUP')
  await until('the refusal', () => inspect.stderr().includes('not reloaded'), 30_000)
  assert.match(inspect.stderr(), /test\.conf:2:\d+: .*nonsense/)
  const after = load.ok
  await until('more load', () => load.ok > after + 20)
  await load.stop()
  assert.deepEqual(load.failed, [])
})

test('SIGTERM drains and ends with 0; bad arguments end with an error', async () => {
  await using upstream = await startUpstream(httpEcho)
  const inspect = await startInspect(upstream.port)
  inspect.child.kill('SIGTERM')
  const [code] = (await once(inspect.child, 'exit')) as [number]
  assert.equal(code, 0)
  await inspect[Symbol.asyncDispose]()

  await using refused = await startInspect(upstream.port, '--workers', '0')
  assert.notEqual(refused.child.exitCode, 0)
  assert.match(refused.stderr(), /'0' is invalid.*number from 1 to 64/)
})

test('a port that is taken is named', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using inspect = await startInspect(upstream.port, '--listen', `127.0.0.1:${upstream.port}`)
  assert.notEqual(inspect.child.exitCode, 0)
  assert.match(
    inspect.stderr(),
    new RegExp(`cannot listen on 127.0.0.1:${upstream.port}: .*EADDRINUSE`),
  )
})
