import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { AlertRecord } from '#chain/model/eve.ts'
import { sendAlerts, someAlert } from '#test/chain/alerts/send-alerts.ts'
import { TestManager } from '#test/chain/test-manager.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

/** What is acme's, globex never sees: every route of the API is tried, as the OpenAPI document lists them. */

const manager = new TestManager()
let acme: string
let globex: string
let analyst: string
let routes: [method: string, path: string][]

before(async () => {
  await manager.start()
  acme = await manager.makeToken('acme', 'tenant')
  globex = await manager.makeToken('globex', 'tenant')
  analyst = await manager.makeToken('acme', 'analyst')
  await manager.port('web', 'acme')
  await manager.chain('shop', 'acme')
  await manager.attach('one', 'acme')
  const alert = someAlert('alert-1', 'acme')
  await sendAlerts(manager.redisUrl, [alert])
  await waitUntil('the alert is in the inbox', async () => {
    const { body } = await manager.call('GET /v1/alerts')
    return (body as { items: AlertRecord[] }).items.length === 1
  })
  const { body } = await manager.call('GET /openapi.json')
  const paths = body.paths as Record<string, Record<string, object>>
  routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method): [string, string] => [method.toUpperCase(), path]),
  )
})
after(() => manager.end())

const IDS: Readonly<Record<string, string>> = {
  '/v1/ports/{id}': 'web',
  '/v1/chains/{id}': 'shop',
  '/v1/attachments/{id}': 'one',
  '/v1/attachments/{id}/status': 'one',
  '/v1/alerts/{id}': 'alert-1',
}

const BODIES: Readonly<Record<string, object>> = {
  ports: { network: 'n', interfaceId: 'iface-new', addresses: ['10.9.9.9'] },
  chains: { inspectors: [], onFailure: 'open' },
  attachments: {
    port: 'web',
    chain: 'shop',
    classifiers: [{ protocol: 'tcp', destinationPorts: 'any' }],
  },
}

function bodyOf(method: string, path: string): object | undefined {
  if (method !== 'PUT' && method !== 'POST') return undefined
  const kind = path.split('/')[2]
  const name = method === 'POST' ? { [kind === 'chains' ? 'name' : 'id']: 'new' } : {}
  return { ...BODIES[kind], ...name }
}

/** Routes that exist for operators alone; a tenant's token is refused whatever it names. */
const OPERATORS_ONLY = /^\/v1\/(tokens|audit)|^\/v1\/rule-sets\/.*\/(versions|activate|rollback)/
/** Routes about the installation as a whole, which every tenant may read. */
const SHARED = /^\/v1\/rule-sets/

test('the document lists every kind of route', () => {
  for (const path of Object.keys(IDS))
    assert.ok(
      routes.some((route) => route[1] === path),
      path,
    )
  assert.ok(routes.length >= 25, `only ${routes.length}`)
})

test('no route answers without a valid token', async () => {
  const forged = `${acme.slice(0, -4)}AAAA`
  for (const [method, path] of routes) {
    if (!path.startsWith('/v1/')) continue
    const url = path.replace(/\{\w+\}/, 'x')
    for (const token of [null, 'nonsense', forged, 'pcl_000000000000_' + 'A'.repeat(43)]) {
      const { status } = await manager.call(`${method} ${url}`, undefined, { token })
      assert.equal(status, 401, `${method} ${url}`)
    }
  }
})

test('another tenant’s things are not found, by any method, with or without ?tenant=', async () => {
  const before = await manager.call('GET /v1/status')
  for (const [method, path] of routes) {
    if (!path.startsWith('/v1/') || OPERATORS_ONLY.test(path) || SHARED.test(path)) continue
    const isOne = Object.hasOwn(IDS, path)
    const url = path.replace('{id}', IDS[path] ?? 'x')
    const options = { token: globex }
    const named = await manager.call(`${method} ${url}?tenant=acme`, bodyOf(method, path), options)
    assert.equal(named.status, 404, `${method} ${url}?tenant=acme`)
    assert.ok(!JSON.stringify(named.body).includes('iface-acme'))
    if (!isOne || method === 'PUT') continue
    const { status } = await manager.call(`${method} ${url}`, bodyOf(method, path), options)
    assert.equal(status, 404, `${method} ${url}`)
  }
  assert.equal((await manager.call('GET /v1/status')).body.revision, before.body.revision)
})

test('lists and status show a tenant its own things alone', async () => {
  for (const path of ['ports', 'chains', 'attachments', 'alerts']) {
    const own = await manager.call(`GET /v1/${path}`, undefined, { token: acme })
    assert.equal(own.body.items.length, 1, path)
    const other = await manager.call(`GET /v1/${path}`, undefined, { token: globex })
    assert.deepEqual(other.body.items, [], path)
  }
  const { body } = await manager.call('GET /v1/status', undefined, { token: globex })
  assert.deepEqual(
    [body.hosts, body.domains, body.attachments, body.not_realized],
    [[], [], {}, []],
  )
})

test('the same ids in two tenants are two things', async () => {
  const mine = await manager.call('PUT /v1/ports/web', BODIES['ports'], { token: globex })
  assert.equal(mine.status, 201)
  assert.equal(mine.body.tenant, 'globex')
  const shop = await manager.call('PUT /v1/chains/shop', BODIES['chains'], { token: globex })
  assert.equal(shop.status, 201)
  const theirs = await manager.call('GET /v1/ports/web', undefined, { token: acme })
  assert.deepEqual(theirs.body.addresses, ['10.0.0.5'])
  const unclear = await manager.call('GET /v1/ports/web')
  assert.equal(unclear.status, 409)
  assert.match(unclear.body.detail, /\?tenant=/)
  assert.equal((await manager.call('GET /v1/ports/web?tenant=globex')).status, 200)
})

test('a tenant cannot take another’s interface, and does not learn whose it is', async () => {
  const { status, body } = await manager.call(
    'PUT /v1/ports/thief',
    { network: 'n', interfaceId: 'iface-acme-web', addresses: ['10.1.1.1'] },
    { token: globex },
  )
  assert.equal(status, 409)
  assert.equal(body.errors[0].pointer, '/interfaceId')
  assert.ok(!JSON.stringify(body).includes('acme"'))
  assert.ok(!body.detail.includes('acme'))
})

test('what is for operators is refused to tenants, and everything but alerts to analysts', async () => {
  for (const [method, path] of routes) {
    if (!path.startsWith('/v1/')) continue
    const url = path.replace('{id}', IDS[path] ?? 'x').replace('{name}', 'x')
    const send = async (token: string) =>
      (await manager.call(`${method} ${url}`, bodyOf(method, path), { token })).status
    if (OPERATORS_ONLY.test(path)) assert.equal(await send(acme), 403, `${method} ${url}`)
    if (!path.startsWith('/v1/alerts')) assert.equal(await send(analyst), 403, `${method} ${url}`)
  }
  const { body } = await manager.call('GET /v1/alerts/alert-1', undefined, { token: analyst })
  assert.equal(body.portcullis.id, 'alert-1')
})

test('a revoked token and an expired one open nothing', async () => {
  const { body } = await manager.call('POST /v1/tokens', { tenant: 'acme', role: 'tenant' })
  assert.equal((await manager.call('GET /v1/ports', undefined, { token: body.token })).status, 200)
  assert.equal((await manager.call(`DELETE /v1/tokens/${body.id}`)).status, 204)
  assert.equal((await manager.call('GET /v1/ports', undefined, { token: body.token })).status, 401)
  const { body: list } = await manager.call('GET /v1/tokens')
  assert.ok(!JSON.stringify(list).includes('secret'))
})

test('an installation may leave ports to its operators', async () => {
  await manager.close()
  await manager.start({ portsBy: 'operator' })
  const port = { network: 'n', interfaceId: 'iface-fresh', addresses: ['10.7.7.7'] }
  const refused = await manager.call('PUT /v1/ports/fresh', port, { token: acme })
  assert.equal(refused.status, 403)
  assert.equal((await manager.call('DELETE /v1/ports/web', undefined, { token: acme })).status, 403)
  assert.equal((await manager.call('PUT /v1/ports/fresh?tenant=acme', port)).status, 201)
  const seen = await manager.call('GET /v1/ports/fresh', undefined, { token: acme })
  assert.equal(seen.status, 200)
})
