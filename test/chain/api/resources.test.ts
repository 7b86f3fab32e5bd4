import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { TestManager } from '#test/chain/test-manager.ts'

const manager = new TestManager()
const call: TestManager['call'] = (...args) => manager.call(...args)

before(async () => {
  await manager.start()
  await manager.port('web', 'acme')
  await manager.chain('shop', 'acme')
})
after(() => manager.end())

test('PUT creates, repeats without a new revision, and replaces', async () => {
  const first = await manager.port('db', 'acme', { addresses: ['10.0.0.6'] })
  assert.equal(first.status, 201)
  assert.equal(first.headers.get('location'), '/v1/ports/db')
  const again = await manager.port('db', 'acme', { addresses: ['10.0.0.6'] })
  assert.equal(again.status, 200)
  assert.equal(again.body.revision, first.body.revision)
  const changed = await manager.port('db', 'acme', { addresses: ['10.0.0.7'] })
  assert.equal(changed.status, 200)
  assert.ok(changed.body.revision > first.body.revision)
  assert.equal(changed.headers.get('etag'), `"${changed.body.revision}"`)
  assert.deepEqual((await call('GET /v1/ports/db')).body.addresses, ['10.0.0.7'])
})

test('If-Match, If-None-Match and the revision in the body are obeyed', async () => {
  const { body } = await manager.chain('guarded', 'acme')
  const put = (headers: Record<string, string>, fields: object = {}) =>
    call(
      'PUT /v1/chains/guarded?tenant=acme',
      { inspectors: [], onFailure: 'closed', ...fields },
      { headers },
    )
  const stale = await put({ 'if-match': '"1"' })
  assert.equal(stale.status, 412)
  assert.equal(stale.body.code, 'precondition-failed')
  assert.equal(stale.body.revision, body.revision)
  assert.equal((await put({ 'if-none-match': '*' })).status, 412)
  assert.equal((await put({}, { revision: 1 })).status, 412)
  assert.equal((await put({ 'if-match': 'W/"1"' })).status, 400)
  assert.equal((await put({ 'if-match': `"${body.revision}"` })).status, 200)
  const none = await call('PUT /v1/chains/nowhere?tenant=acme', {
    inspectors: [],
    onFailure: 'open',
    revision: 3,
  })
  assert.equal(none.status, 412)
})

test('GET answers 304 to a client that has it', async () => {
  const { headers } = await call('GET /v1/chains/shop')
  const etag = headers.get('etag')!
  const again = await call('GET /v1/chains/shop', undefined, { headers: { 'if-none-match': etag } })
  assert.equal(again.status, 304)
})

test('concurrent creates of one id: exactly one wins', async () => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, () =>
      call('POST /v1/chains?tenant=acme', { name: 'race', inspectors: [], onFailure: 'open' }),
    ),
  )
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b)
  assert.deepEqual(statuses, [201, 409, 409, 409, 409, 409, 409, 409])
})

test('POST of an attachment makes an id and fills in the defaults', async () => {
  const { status, body } = await call('POST /v1/attachments', {
    port: 'web',
    chain: 'shop',
    classifiers: [{ protocol: 'tcp', destinationPorts: [8443] }],
  })
  assert.equal(status, 201)
  assert.match(body.id, /^at-[0-9a-f]{16}$/)
  assert.equal(body.tenant, 'acme')
  assert.equal(body.direction, 'ingress')
  assert.equal(body.priority, 100)
  assert.equal(body.status.state, 'pending')
  assert.match(body.status.reason, /no agent is connected/)
  assert.equal((await call(`DELETE /v1/attachments/${body.id}`)).status, 204)
  assert.equal((await call(`GET /v1/attachments/${body.id}`)).status, 404)
})

test('an overlap of equal priority names the attachment in the way, also when both come at once', async () => {
  const answers = await Promise.all([
    manager.attach('left', 'acme', { priority: 7 }),
    manager.attach('right', 'acme', { priority: 7 }),
  ])
  assert.deepEqual(
    answers.map(({ status }) => status).toSorted((a, b) => a - b),
    [201, 409],
  )
  const refusal = answers.find(({ status }) => status === 409)!.body
  const winner = answers.find(({ status }) => status === 201)!.body.id
  assert.equal(refusal.code, 'conflict')
  assert.equal(refusal.in_the_way, winner)
  assert.equal(refusal.errors[0].pointer, '/priority')
  await call(`DELETE /v1/attachments/${winner}`)
})

test('what is in use is not deleted', async () => {
  await manager.attach('user', 'acme')
  for (const path of ['ports/web', 'chains/shop']) {
    const { status, body } = await call(`DELETE /v1/${path}`)
    assert.equal(status, 409)
    assert.equal(body.in_the_way, 'user')
  }
  await call('DELETE /v1/attachments/user')
})

test('a dry run validates, says what would change, and changes nothing', async () => {
  const before = (await call('GET /v1/status')).body.revision
  const dry = await manager.attach('ghost', 'acme', {}, '&dry_run=true')
  assert.equal(dry.status, 200)
  assert.equal(dry.body.action, 'create')
  assert.equal(dry.body.before, null)
  assert.equal(dry.body.after.id, 'ghost')
  const bad = await manager.attach('ghost', 'acme', { port: 'nowhere' }, '&dry_run=true')
  assert.equal(bad.status, 422)
  const removal = await call('DELETE /v1/chains/shop?dry_run=true')
  assert.equal(removal.body.action, 'delete')
  assert.equal((await call('GET /v1/status')).body.revision, before)
  assert.equal((await call('GET /v1/attachments/ghost')).status, 404)
})

test('lists are paged by opaque cursors that nobody can forge', async () => {
  for (const name of ['p1', 'p2', 'p3', 'p4', 'p5']) await manager.chain(name, 'pages')
  const names: string[] = []
  let cursor = ''
  do {
    const { body, headers } = await call(`GET /v1/chains?tenant=pages&limit=2${cursor}`)
    names.push(...body.items.map((item: { name: string }) => item.name))
    assert.equal(headers.get('link') !== null, body.next_cursor !== null)
    cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`
  } while (cursor !== '')
  assert.deepEqual(names, ['p1', 'p2', 'p3', 'p4', 'p5'])
  assert.equal((await call('GET /v1/chains?cursor=!!!')).status, 400)
  assert.equal((await call('GET /v1/chains?limit=0')).status, 400)
  assert.equal((await call('GET /v1/chains?limit=501')).status, 400)
})

const MALFORMED: readonly (readonly [
  what: string,
  path: string,
  body: unknown,
  pointer: string,
])[] = [
  ['an unknown field', 'chains/x', { inspectors: [], onFailure: 'open', colour: 1 }, '/colour'],
  ['a missing field', 'chains/x', { inspectors: [] }, '/onFailure'],
  ['a number as text', 'attachments/x', { priority: '7' }, '/priority'],
  ['an unknown inspector', 'chains/x', chainWith({ type: 'dlp' }), '/inspectors/0/type'],
  [
    'a field of another inspector',
    'chains/x',
    chainWith({ type: 'ids', setup: 'a' }),
    '/inspectors/0/setup',
  ],
  [
    'an unknown setting',
    'chains/x',
    chainWith({ settings: { level: 1 } }),
    '/inspectors/0/settings/level',
  ],
  ['another id in the body', 'chains/x', { name: 'y', inspectors: [], onFailure: 'open' }, '/name'],
]

function chainWith(inspector: object): object {
  const whole = { type: 'waf', mode: 'block', rules: ['r'], ...inspector }
  return { inspectors: [whole], onFailure: 'open' }
}

for (const [what, path, body, pointer] of MALFORMED) {
  test(`${what} is refused at ${pointer}`, async () => {
    const base = path.startsWith('attachments')
      ? { port: 'web', chain: 'shop', classifiers: [{ protocol: 'tcp', destinationPorts: 'any' }] }
      : {}
    const answer = await call(`PUT /v1/${path}`, { ...base, ...(body as object) })
    assert.equal(answer.status, 400)
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    assert.equal(answer.body.code, 'malformed')
    assert.equal(answer.body.errors[0].pointer, pointer)
    assert.ok(answer.body.request_id.length > 10)
  })
}

test('requests that are not understood get problems, and the service goes on', async () => {
  const json = { 'content-type': 'application/json' }
  const send = async (
    path: string,
    init: { headers?: Record<string, string> } & Omit<RequestInit, 'headers'>,
  ) => {
    const headers = { authorization: `Bearer ${manager.token}`, ...init.headers }
    const response = await fetch(manager.manager.url + path, { ...init, headers })
    return { status: response.status, body: (await response.json()) as { code: string } }
  }
  const cases = [
    [await send('/v1/chains/x', { method: 'PUT', headers: json, body: '{"a":' }), 400],
    [await send('/v1/chains/x', { method: 'PUT', headers: json, body: '{"__proto__":{}}' }), 400],
    [
      await send('/v1/chains/x', {
        method: 'PUT',
        body: 'a',
        headers: { 'content-type': 'text/xml' },
      }),
      415,
    ],
    [
      await send('/v1/chains/x', {
        method: 'PUT',
        headers: json,
        body: `"${'x'.repeat(300_000)}"`,
      }),
      413,
    ],
    [await send('/v1/nothing', {}), 404],
    [await send('/v1/chains/%zz', {}), 400],
    [await send('/v1/chains/..%2f..', {}), 400],
  ] as const
  for (const [{ status, body }, wanted] of cases) {
    assert.equal(status, wanted)
    assert.ok(body.code.length > 0)
  }
  assert.equal((await call('GET /healthz')).status, 200)
})

test('every change is in the audit log with who, what and both revisions', async () => {
  const { body: made } = await manager.chain('audited', 'acme')
  await call('DELETE /v1/chains/audited')
  const { body } = await call('GET /v1/audit?limit=2')
  const [removed, created] = body.items
  assert.equal(created.action, 'create')
  assert.equal(created.id, 'acme/audited')
  assert.equal(created.before, null)
  assert.equal(created.after, made.revision)
  assert.equal(removed.action, 'delete')
  assert.equal(removed.before, made.revision)
  assert.equal(removed.token, manager.token.split('_')[1])
  const older = await call(`GET /v1/audit?limit=1&cursor=${body.next_cursor}`)
  assert.equal(older.status, 200)
  assert.notEqual(older.body.items[0].cursor, created.cursor)
})
