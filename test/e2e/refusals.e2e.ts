import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ApiProblem } from '#test/stage/api-client.ts'
import { Stage } from '#test/stage/stage.ts'

/** Bad input is refused with the field's path, and changes nothing. */

const stage = new Stage()

before(async () => {
  await stage.start()
  const web = await stage.addGuest({
    name: 'web',
    interfaceId: 'iface-web',
    addresses: ['10.0.0.5/24'],
  })
  await stage.registerPort(web)
  await stage.putChain({
    name: 'shop',
    inspectors: [{ type: 'waf', mode: 'block', rules: ['baseline'] }],
    onFailure: 'closed',
  })
  await stage.attach('one', 'web', 'shop')
})

after(() => stage.stop())

const BODY = {
  direction: 'ingress',
  classifiers: [{ protocol: 'tcp', destinationPorts: [80] }],
  priority: 100,
  onAttach: 'new-only',
  onDetach: 'drain',
  port: 'web',
  chain: 'shop',
  tenant: 'acme',
} as const

interface Refusal {
  readonly what: string
  readonly change: Readonly<Record<string, unknown>>
  readonly status: readonly number[]
  readonly pointer: string
}

const REFUSALS: readonly Refusal[] = [
  { what: 'an unknown port', change: { port: 'nowhere' }, status: [422], pointer: '/port' },
  { what: 'an unknown chain', change: { chain: 'nothing' }, status: [422], pointer: '/chain' },
  { what: 'an overlapping priority', change: {}, status: [409], pointer: '/priority' },
  {
    what: 'a reversed range',
    change: {
      priority: 5,
      classifiers: [{ protocol: 'tcp', destinationPorts: [{ from: 90, to: 80 }] }],
    },
    status: [400, 422],
    pointer: '/classifiers/0/destinationPorts/0',
  },
  {
    what: 'a remote of a family the port does not have',
    change: {
      priority: 5,
      classifiers: [{ protocol: 'tcp', destinationPorts: 'any', remote: 'fd00::/8' }],
    },
    status: [400, 422],
    pointer: '/classifiers/0/remote',
  },
  {
    what: 'a protocol no agent can enforce',
    change: { priority: 5, classifiers: [{ protocol: 'sctp', destinationPorts: [53] }] },
    status: [400, 422],
    pointer: '/classifiers/0/protocol',
  },
  {
    what: 'datagrams through a WAF',
    change: { priority: 5, classifiers: [{ protocol: 'udp', destinationPorts: [53] }] },
    status: [422],
    pointer: '/classifiers/0/protocol',
  },
  {
    what: 'an unknown field',
    change: { priority: 5, colour: 'red' },
    status: [400, 422],
    pointer: '/colour',
  },
]

for (const { what, change, status, pointer } of REFUSALS) {
  test(`${what} is refused, naming ${pointer}`, async () => {
    const before = await stage.api.call('GET', '/v1/attachments')
    await assert.rejects(
      stage.api.call('PUT', '/v1/attachments/two?tenant=acme', { id: 'two', ...BODY, ...change }),
      (error: unknown) => {
        assert.ok(error instanceof ApiProblem)
        assert.ok(status.includes(error.status), `status ${error.status}: ${error.message}`)
        const errors = (error.problem['errors'] ?? []) as { pointer: string; detail: string }[]
        assert.ok(
          errors.some((entry) => entry.pointer.startsWith(pointer)),
          error.message,
        )
        assert.ok(errors.every((entry) => entry.detail.length > 5))
        return true
      },
    )
    assert.deepEqual(await stage.api.call('GET', '/v1/attachments'), before)
  })
}

test('without a token nothing is told', async () => {
  const answer = await fetch(`${stage.api.url}/v1/attachments`)
  assert.equal(answer.status, 401)
})
