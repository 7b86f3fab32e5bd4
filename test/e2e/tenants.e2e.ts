import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { GuestClient } from '#test/stage/guest-client.ts'
import { ATTACK } from '#test/stage/attack.ts'
import { Stage } from '#test/stage/stage.ts'

/** Two tenants whose networks use the very same addresses, told apart by VLAN. */

const SERVER = '10.0.0.5'
const stage = new Stage()
const clients = new Map<string, GuestClient>()

before(async () => {
  await stage.start()
  for (const [tenant, vlan] of [
    ['acme', 10],
    ['globex', 20],
  ] as const) {
    const web = await stage.addGuest({
      name: `web-${tenant}`,
      interfaceId: `iface-web-${tenant}`,
      addresses: [`${SERVER}/24`],
      vlan,
    })
    const laptop = await stage.addGuest({
      name: `laptop-${tenant}`,
      interfaceId: `iface-laptop-${tenant}`,
      addresses: ['10.0.0.9/24'],
      vlan,
    })
    await stage.serve(web)
    await stage.registerPort(web, `net-${tenant}`, tenant)
    clients.set(tenant, await stage.client(laptop))
  }
  await stage.putChain(
    {
      name: 'strict',
      inspectors: [{ type: 'waf', mode: 'block', rules: ['baseline'] }],
      onFailure: 'closed',
    },
    'acme',
  )
  await stage.putChain(
    {
      name: 'strict',
      inspectors: [{ type: 'waf', mode: 'detect', rules: ['baseline'] }],
      onFailure: 'open',
    },
    'globex',
  )
})

after(() => stage.stop())

const attack = (tenant: string): Promise<{ status: number }> =>
  clients.get(tenant)!.http({ host: SERVER, port: 80, path: ATTACK })

test('each tenant gets its own chain, although addresses, ports and names are equal', async () => {
  await stage.attach('in', 'web-acme', 'strict', { tenant: 'acme' })
  assert.equal((await attack('acme')).status, 403)
  assert.equal((await attack('globex')).status, 200, 'the other tenant is untouched')
  await stage.attach('in', 'web-globex', 'strict', { tenant: 'globex' })
  assert.equal((await attack('acme')).status, 403)
  assert.equal((await attack('globex')).status, 200, 'detect reports and passes')
  await stage.detach('in', 'acme')
  assert.equal((await attack('acme')).status, 200)
  assert.equal((await attack('globex')).status, 200)
  await stage.detach('in', 'globex')
})
