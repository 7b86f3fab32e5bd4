import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { HostSnapshot, SnapshotEnvelope } from '#chain/model/snapshot.ts'
import { decideSnapshot } from '#steering/agent/snapshot.ts'
import { attachment, port } from './snapshot-parts.ts'

const SNAPSHOT: HostSnapshot = {
  host: 'h1',
  epoch: 2,
  generation: 5,
  ports: [port('t', 'web', 'n')],
  chains: [{ tenant: 't', chain: { name: 'c', inspectors: [], onFailure: 'open' } }],
  attachments: [attachment('t', 'a', { port: 'web' })],
  ruleSets: {},
}

function envelope(snapshot: HostSnapshot, change: Partial<SnapshotEnvelope> = {}): string {
  const body = JSON.stringify(snapshot)
  const sha256 = createHash('sha256').update(body).digest('hex')
  const { epoch, generation } = snapshot
  return JSON.stringify({ epoch, generation, sha256, body, ...change })
}

test('takes the first snapshot, and then only a higher epoch or generation', () => {
  const offer = (epoch: number, generation: number, inForce: [number, number] | null): string =>
    decideSnapshot(
      envelope({ ...SNAPSHOT, epoch, generation }),
      'h1',
      inForce && { epoch: inForce[0], generation: inForce[1] },
    ).kind
  assert.equal(offer(1, 1, null), 'accepted')
  assert.equal(offer(2, 6, [2, 5]), 'accepted')
  assert.equal(offer(3, 1, [2, 5]), 'accepted', 'a higher epoch beats any generation')
  assert.equal(offer(2, 5, [2, 5]), 'known')
  assert.equal(offer(2, 4, [2, 5]), 'regressed')
  assert.equal(offer(1, 9, [2, 5]), 'regressed')
})

test('refuses what is not whole, not for this host or not consistent, and says why', () => {
  const refuse = (text: string, pattern: RegExp): void => {
    const decision = decideSnapshot(text, 'h1', null)
    assert.equal(decision.kind, 'invalid')
    assert.match('reason' in decision ? decision.reason : '', pattern)
  }
  refuse('{', /envelope/)
  refuse(envelope(SNAPSHOT, { sha256: '0'.repeat(64) }), /SHA-256/)
  refuse(envelope(SNAPSHOT, { epoch: 9 }), /different versions/)
  refuse(envelope({ ...SNAPSHOT, host: 'h2' }), /made for host h2/)
  refuse(envelope({ ...SNAPSHOT, ports: [] }), /names port web/)
  refuse(envelope({ ...SNAPSHOT, chains: [] }), /names chain c/)
  refuse(envelope({ ...SNAPSHOT, extra: 1 } as unknown as HostSnapshot), /no host snapshot/)
})

test('never throws, and takes nothing whose body was changed', () => {
  fc.assert(fc.property(fc.string(), (text) => decideSnapshot(text, 'h1', null).kind === 'invalid'))
  const whole = envelope(SNAPSHOT)
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 32, max: 126 }), (at, code) => {
      const text = whole.slice(0, at) + String.fromCharCode(code) + whole.slice(at + 1)
      const decision = decideSnapshot(text, 'h1', null)
      // What was taken is, field by field, what was signed by the hash.
      return decision.kind === 'invalid' || JSON.stringify(decision).includes('"web"')
    }),
  )
})
