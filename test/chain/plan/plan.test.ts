import assert from 'node:assert/strict'
import { test } from 'node:test'
import { array, assert as check, integer, property, uniqueArray } from 'fast-check'
import type { Attachment } from '#chain/model/attachment.ts'
import { type DesiredState, EMPTY_STATE, type Stored } from '#chain/model/desired.ts'
import { canonicalJson } from '#chain/plan/canonical.ts'
import { attachmentDigests, compileHost } from '#chain/plan/compile.ts'
import { epochInForce } from '#chain/plan/epoch.ts'
import { parseHostStatus } from '#chain/plan/host-directory.ts'
import { published } from '#chain/plan/published.ts'

const stored = <T>(value: T): Stored<T> => ({ revision: 1, updatedAt: '', value })

/** `count` ports of each of two tenants, every other one attached; order as the numbers say. */
function stateOf(order: readonly number[], onFailure: 'open' | 'closed' = 'open'): DesiredState {
  const ids = order.flatMap((index) => ['acme', 'globex'].map((tenant) => ({ tenant, index })))
  const attachment = (tenant: string, index: number): Attachment => ({
    id: `a${index}`,
    tenant,
    port: `p${index}`,
    chain: 'shop',
    direction: 'ingress',
    classifiers: [{ protocol: 'tcp', destinationPorts: 'any' }],
    priority: 100,
    onAttach: 'new-only',
    onDetach: 'drain',
  })
  const version = { name: 'crs', version: 'v1', sha256: 'a'.repeat(64) }
  const ruleSet = {
    name: 'crs',
    active: 'v1',
    history: [],
    versions: [{ ...version, installedAt: '', bytes: 1, accepted: 1, rejected: 0, refusal: null }],
  }
  const inspectors = [{ type: 'waf' as const, mode: 'block' as const, rules: ['crs', 'crs@v1'] }]
  return {
    ...EMPTY_STATE,
    ports: new Map(
      ids.map(({ tenant, index }) => [
        `${tenant}/p${index}`,
        stored({
          id: `p${index}`,
          tenant,
          network: 'net',
          interfaceId: `${tenant}-${index}`,
          addresses: [`10.0.0.${index}`],
        }),
      ]),
    ),
    chains: new Map(
      ['acme', 'globex'].map((tenant) => [
        `${tenant}/shop`,
        stored({ tenant, chain: { name: 'shop', inspectors, onFailure } }),
      ]),
    ),
    attachments: new Map(
      ids
        .filter(({ index }) => index % 2 === 0)
        .map(({ tenant, index }) => [`${tenant}/a${index}`, stored(attachment(tenant, index))]),
    ),
    ruleSets: new Map([['crs', stored(ruleSet)]]),
  }
}

test('a snapshot is complete, holds what the host has alone, and does not depend on any order', () => {
  const numbers = uniqueArray(integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 20 })
  check(
    property(numbers, array(integer({ min: 1, max: 20 })), (order, here) => {
      const interfaces = new Set(here.map((index) => `acme-${index}`))
      const content = compileHost(stateOf(order), 'h1', interfaces)
      const sorted = order.toSorted((a, b) => a - b)
      const again = compileHost(stateOf(sorted), 'h1', new Set([...interfaces].toReversed()))
      assert.equal(canonicalJson(content), canonicalJson(again))
      const ports = new Set(content.ports.map(({ tenant, id }) => `${tenant}/${id}`))
      const expected = new Set(here.filter((index) => order.includes(index)))
      assert.equal(content.ports.length, expected.size)
      const chains = new Set(content.chains.map(({ tenant, chain }) => `${tenant}/${chain.name}`))
      for (const { tenant, port, chain } of content.attachments) {
        assert.equal(tenant, 'acme')
        assert.ok(ports.has(`${tenant}/${port}`))
        assert.ok(chains.has(`${tenant}/${chain}`))
      }
      const isAttached = content.attachments.length > 0
      assert.deepEqual(Object.keys(content.ruleSets), isAttached ? ['crs', 'crs@v1'] : [])
    }),
  )
})

test('an attachment keeps its generation until something that it depends on changes', () => {
  const state = stateOf([1, 2, 4])
  const both = new Set(['acme-2', 'acme-4'])
  const first = published(1, 1, compileHost(state, 'h1', new Set(['acme-2'])), null)
  const second = published(1, 2, compileHost(state, 'h1', both), first)
  assert.equal(second.since.get('acme/a2')?.generation, 1)
  assert.equal(second.since.get('acme/a4')?.generation, 2)
  const changed = published(1, 3, compileHost(stateOf([1, 2, 4], 'closed'), 'h1', both), second)
  assert.equal(changed.since.get('acme/a2')?.generation, 3)
  const later = published(2, 4, changed.content, changed)
  assert.equal(later.since.get('acme/a2')?.generation, 4, 'another epoch proves nothing')
})

test('another rule set version is another digest', () => {
  const state = stateOf([2])
  const content = compileHost(state, 'h1', new Set(['acme-2']))
  const ruleSets = {
    ...content.ruleSets,
    crs: { ...content.ruleSets['crs'], sha256: 'b'.repeat(64) },
  }
  assert.notDeepEqual(attachmentDigests(content), attachmentDigests({ ...content, ruleSets }))
})

test('canonical text ignores the order of keys and nothing else', () => {
  assert.equal(
    canonicalJson({ b: [1, { d: 1, c: 2 }], a: null }),
    '{"a":null,"b":[1,{"c":2,"d":1}]}',
  )
  assert.notEqual(canonicalJson([1, 2]), canonicalJson([2, 1]))
})

test('the epoch grows when state may have been lost, and never shrinks', () => {
  const at = (epoch: number, revision: number) => ({ epoch, revision })
  assert.equal(epochInForce(at(0, 0), null, 0), 1, 'a new installation')
  assert.equal(epochInForce(at(3, 9), at(3, 9), 3), 3, 'nothing happened')
  assert.equal(epochInForce(at(3, 9), at(3, 7), 3), 3, 'another manager wrote')
  assert.equal(epochInForce(at(3, 8), at(3, 9), 3), 4, 'acknowledged writes are gone')
  assert.equal(epochInForce(at(0, 0), at(3, 9), 3), 4, 'Redis is empty')
  assert.equal(epochInForce(at(4, 2), at(3, 9), 3), 4, 'another manager noticed already')
  assert.equal(epochInForce(at(1, 2), null, 7), 8, 'agents have seen more than we know')
})

test('a report that is not one is not believed', () => {
  assert.equal(parseHostStatus('{', 'h1'), null)
  assert.equal(parseHostStatus('{"host":"h1"}', 'h1'), null)
  assert.equal(parseHostStatus('null', 'h1'), null)
})
