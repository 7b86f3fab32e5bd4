import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { domainNames, instanceId } from '#steering/domain/names.ts'

const key = fc.record({ tenant: fc.string(), network: fc.string() })

test('interface names fit the kernel and are safe whatever tenants choose', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), key, (host, ovsdb, domain) => {
      const names = domainNames(instanceId(host, ovsdb), domain)
      assert.match(names.portName, /^pc[a-z2-7]{13}$/)
      assert.match(names.namespace, /^portcullis-[a-z2-7]{4}-[a-z2-7]{9}$/)
      for (const mac of [names.mac, names.nextHopMac])
        assert.match(mac, /^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/)
      assert.notEqual(names.mac, names.nextHopMac)
    }),
  )
})

test('names differ by host, switch, tenant and network, and are the same each time', () => {
  const name = (host: string, ovsdb: string, tenant: string, network: string): string =>
    domainNames(instanceId(host, ovsdb), { tenant, network }).portName
  const names = [
    name('h1', 'unix:/a', 't', 'n'),
    name('h2', 'unix:/a', 't', 'n'),
    name('h1', 'unix:/b', 't', 'n'),
    name('h1', 'unix:/a', 't', 'm'),
    name('h1', 'unix:/a', 's', 'n'),
    name('h1', 'unix:/a', 'tn', ''),
  ]
  assert.equal(new Set(names).size, names.length)
  assert.equal(name('h1', 'unix:/a', 't', 'n'), names[0])
})
