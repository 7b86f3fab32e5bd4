import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Stage } from '#test/stage/stage.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

/** 1,000 attachments on one host, through the API to flows in the switch. */

const PORTS = 1000
/** Time from the last attachment to all of them in force. Measured: see docs; this is the alarm. */
const REALIZE_DEADLINE_MS = 120_000
const stage = new Stage()

before(async () => {
  await stage.start()
  await stage.putChain({
    name: 'shop',
    inspectors: [{ type: 'waf', mode: 'block', rules: ['baseline'] }],
    onFailure: 'closed',
  })
})

after(() => stage.stop())

test(`${PORTS} attachments are compiled, applied and reported as realised`, async () => {
  const addresses = Array.from({ length: PORTS }, (_, index) => `10.1.${index >> 8}.${index & 255}`)
  // Internal ports are enough: the flows and the inventory are what is measured, one guest has traffic.
  const commands: string[] = []
  for (const [index] of addresses.entries()) {
    const mac = `02:aa:00:00:${hex(index >> 8)}:${hex(index)}`
    commands.push(
      '--',
      'add-port',
      stage.topology.bridge,
      `p${index}`,
      '--',
      'set',
      'Interface',
      `p${index}`,
      'type=internal',
      `external_ids:iface-id=scale-${index}`,
      `external_ids:attached-mac="${mac}"`,
    )
  }
  const each = 11 * 100
  for (let start = 0; start < commands.length; start += each)
    await stage.topology.vsctl(...commands.slice(start, start + each))
  for (const [index, address] of addresses.entries()) {
    await stage.api.call('PUT', `/v1/ports/p${index}?tenant=acme`, {
      id: `p${index}`,
      tenant: 'acme',
      network: 'net-1',
      interfaceId: `scale-${index}`,
      addresses: [address],
    })
    await stage.api.call('PUT', `/v1/attachments/a${index}?tenant=acme`, {
      id: `a${index}`,
      tenant: 'acme',
      port: `p${index}`,
      chain: 'shop',
      direction: 'ingress',
      classifiers: [{ protocol: 'tcp', destinationPorts: [80, 443, { from: 8000, to: 8100 }] }],
      priority: 100,
      onAttach: 'new-only',
      onDetach: 'drain',
    })
  }
  const startedAt = performance.now()
  await waitUntil(
    'all are realised',
    async () => {
      const [host] = await stage.hosts()
      return host.attachments.filter(({ state }) => state === 'realized').length === PORTS
    },
    REALIZE_DEADLINE_MS,
  )
  console.log(
    `${PORTS} attachments in force ${Math.round(performance.now() - startedAt)} ms after the last request`,
  )
  const flows = (await stage.topology.ofctl('dump-flows', stage.topology.managementSocket)).split(
    '\n',
  ).length
  assert.ok(flows > PORTS * 10, `${flows} flows`)
})

const hex = (value: number): string => (value & 255).toString(16).padStart(2, '0')
