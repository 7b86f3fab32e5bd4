import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { unpackBundle } from '#signatures/bundle/unpack-bundle.ts'
import { run } from './terminal.ts'

/** The manager's part of the conversation, as its API describes it. */
interface Call {
  readonly method: string
  readonly url: string
  readonly authorization: string | undefined
  readonly type: string | undefined
  readonly body: Buffer
}

const VERSION = '0123456789abcdef'
const root = mkdtempSync(join(tmpdir(), 'portcullis-api-'))
const token = join(root, 'token')
const rules = join(root, 'a.conf')
const set = {
  name: 'own',
  active: VERSION,
  history: [],
  versions: [
    {
      name: 'own',
      version: VERSION,
      sha256: VERSION.repeat(4),
      installedAt: '2026-11-22T12:00:00.000Z',
      bytes: 200,
      accepted: 1234,
      rejected: 0,
    },
  ],
}

let calls: Call[] = []
let answer: (call: Call) => { status: number; content: unknown } | null
const server = createServer((request, response) => void serve(request, response))
let url = ''

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const call = {
    method: request.method ?? '',
    url: request.url ?? '',
    authorization: request.headers.authorization,
    type: request.headers['content-type'],
    body: Buffer.concat(chunks),
  }
  calls.push(call)
  const given = answer(call)
  if (given === null) return
  response.writeHead(given.status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(given.content))
}

before(async () => {
  writeFileSync(token, 'secret-token\n', { mode: 0o600 })
  writeFileSync(rules, 'SecRule ARGS "@rx a" "id:1,phase:2,deny"\n')
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
beforeEach(() => {
  calls = []
  answer = ({ url: path }) => {
    if (path === '/v1/rule-sets')
      return { status: 200, content: { items: [set], next_cursor: null } }
    if (path.endsWith('/versions')) {
      const { version, sha256 } = set.versions[0]
      const content = { name: 'own', version, sha256, accepted: 1, rejected: 0, rejections: [] }
      return { status: 201, content }
    }
    return { status: 200, content: { ...set, state: 'realized', pending: [] } }
  }
})
after(() => {
  server.closeAllConnections()
  server.close()
  rmSync(root, { recursive: true })
})

const api = (): string[] => ['--url', url, '--token-file', token]

describe('signatures install', () => {
  test('sends a bundle that holds the files, with the token', async () => {
    const { status, out, err } = await run(['install', 'own', rules, ...api()])
    assert.equal(status, 0)
    assert.equal(out, `own@${VERSION} is installed: 1 rule accepted, 0 rejected\n`)
    assert.match(err, new RegExp(`signatures activate own@${VERSION}`))
    assert.equal(calls.length, 1)
    const [call] = calls
    assert.deepEqual(
      [call.method, call.url, call.authorization, call.type],
      ['POST', '/v1/rule-sets/own/versions', 'Bearer secret-token', 'application/gzip'],
    )
    assert.deepEqual(
      (await unpackBundle(call.body)).map((file) => file.path),
      ['a.conf'],
    )
  })

  test('--activate --wait activates the version that came back', async () => {
    const words = ['install', 'own', rules, '--activate', '--wait', '--json', ...api()]
    const { status, out } = await run(words)
    assert.equal(status, 0)
    assert.equal(calls[1].url, '/v1/rule-sets/own/activate?wait=realized&timeout=100')
    assert.deepEqual(JSON.parse(calls[1].body.toString()), { version: VERSION })
    const content = JSON.parse(out.trimEnd().split('\n').at(-1)!) as Record<string, unknown>
    assert.deepEqual([content['version'], content['state']], [VERSION, 'realized'])
  })

  test('a refusal shows the reason and is status 1', async () => {
    answer = () => ({ status: 422, content: { detail: 'not one rule \u001b[2Jcan be loaded' } })
    const { status, out, err } = await run(['install', 'own', rules, ...api()])
    assert.deepEqual([status, out], [1, ''])
    assert.match(err, /not one rule ·\[2Jcan be loaded \(.* answered 422\)/)
  })

  test('nothing is sent when there is no rule, or the name is none', async () => {
    const other = join(root, 'x.data')
    writeFileSync(other, 'x')
    assert.equal((await run(['install', 'own', other, ...api()])).status, 1)
    assert.equal((await run(['install', '../own', rules, ...api()])).status, 2)
    assert.equal(calls.length, 0)
  })

  test('Ctrl-C ends the wait: status 130, no stack', async () => {
    const interruption = new AbortController()
    answer = () => {
      interruption.abort()
      return null
    }
    const words = ['install', 'own', rules, ...api()]
    const { status, err } = await run(words, { signal: interruption.signal })
    assert.equal(status, 130)
    assert.equal(err, 'portcullis signatures: interrupted\n')
  })
})

describe('signatures list, activate, rollback', () => {
  test('list marks the active version', async () => {
    const { status, out } = await run(['list', ...api()])
    assert.equal(status, 0)
    assert.match(out, /own@0123456789abcdef {2}active {2}1,234 {5}0 {9}2026-11-22 12:00:00\n$/)
  })

  test('list follows pages', async () => {
    answer = ({ url: path }) => ({
      status: 200,
      content: { items: [set], next_cursor: path.includes('cursor=') ? null : 'a b' },
    })
    const { out } = await run(['list', '--json', ...api()])
    assert.equal((JSON.parse(out) as { items: unknown[] }).items.length, 2)
    assert.equal(calls[1].url, '/v1/rule-sets?cursor=a%20b')
  })

  test('activate and rollback say what is active', async () => {
    const activated = await run(['activate', `own@${VERSION}`, '--wait', ...api()])
    assert.deepEqual(
      [activated.status, activated.out],
      [0, `own@${VERSION} is active (realized)\n`],
    )
    const back = await run(['rollback', 'own', ...api()])
    assert.equal(back.status, 0)
    assert.equal(calls[1].url, '/v1/rule-sets/own/rollback')
    assert.equal(calls[1].body.length, 0)
  })

  test('pending attachments are named on stderr', async () => {
    answer = () => ({
      status: 200,
      content: { ...set, state: 'pending', pending: ['web: no worker'] },
    })
    const { out, err } = await run(['activate', `own@${VERSION}`, ...api()])
    assert.match(out, /\(pending\)/)
    assert.match(err, /web: no worker/)
  })

  test('a reference without a version is wrong usage', async () => {
    assert.equal((await run(['activate', 'own', ...api()])).status, 2)
  })

  test('nobody listens: status 5', async () => {
    const words = ['list', '--url', 'http://127.0.0.1:1', '--token-file', token]
    const { status, err } = await run(words)
    assert.equal(status, 5)
    assert.match(err, /127\.0\.0\.1:1: /)
  })

  test('an answer that is no JSON is told as such', async () => {
    answer = () => ({ status: 502, content: undefined })
    const { status, err } = await run(['list', ...api()])
    assert.equal(status, 1)
    assert.match(err, /not one of the Portcullis API/)
  })
})
