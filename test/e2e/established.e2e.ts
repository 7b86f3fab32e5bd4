import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { GuestClient } from '#test/stage/guest-client.ts'
import { ATTACK } from '#test/stage/attack.ts'
import { SERVER, Stage } from '#test/stage/stage.ts'

/** Connections that are older than a change of theirs. */

const stage = new Stage()
let client: GuestClient

before(async () => {
  await stage.start()
  client = await stage.addWebAndLaptop()
  await stage.putChain({
    name: 'waf',
    inspectors: [{ type: 'waf', mode: 'block', rules: ['baseline'] }],
    onFailure: 'closed',
  })
})

after(() => stage.stop())

test('onAttach new-only leaves older connections alone, also idle ones', async () => {
  const busy = await client.open(SERVER, 80)
  await client.getOn(busy, '/before', SERVER)
  await stage.attach('one', 'web', 'waf', { onAttach: 'new-only' })
  for (let index = 0; index < 5; index++) {
    assert.match(await client.getOn(busy, `/after-${index}`, SERVER), /^HTTP\/1.1 200/)
  }
  assert.equal((await client.http({ host: SERVER, port: 80, path: ATTACK })).status, 403)
  await client.close(busy)
  await stage.detach('one')
})

test('onAttach reset resets older connections', async () => {
  const older = await client.open(SERVER, 80)
  await client.getOn(older, '/before', SERVER)
  await stage.attach('one', 'web', 'waf', { onAttach: 'reset' })
  await assert.rejects(client.getOn(older, '/after', SERVER), /closed/)
  await stage.detach('one')
})

test('onDetach drain inspects a connection to its end', async () => {
  await stage.attach('one', 'web', 'waf', { onDetach: 'drain' })
  const inspected = await client.open(SERVER, 80)
  await client.getOn(inspected, '/before', SERVER)
  await stage.detach('one')
  assert.equal(
    (await client.http({ host: SERVER, port: 80, path: ATTACK })).status,
    200,
    'new ones pass',
  )
  assert.match(await client.getOn(inspected, '/after', SERVER), /^HTTP\/1.1 200/)
  const blocked = await client.exchange(
    inspected,
    `GET ${ATTACK} HTTP/1.1\r\nHost: ${SERVER}\r\n\r\n`,
    'HTTP/1.1 ',
  )
  assert.match(blocked, /^HTTP\/1.1 403/, 'the old one is still inspected')
  await client.close(inspected)
})

test('onDetach reset resets inspected connections', async () => {
  await stage.attach('two', 'web', 'waf', { onDetach: 'reset' })
  const inspected = await client.open(SERVER, 80)
  await client.getOn(inspected, '/before', SERVER)
  await stage.detach('two')
  await assert.rejects(client.getOn(inspected, '/after', SERVER), /closed|within/)
  assert.equal((await client.http({ host: SERVER, port: 80, path: '/' })).status, 200)
})
