import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dnsFieldsV2, hasType } from '#inspectors/ids/capture/eve/dns-record.ts'
import { flowMetadata } from '#inspectors/ids/capture/eve/flow-metadata.ts'
import { RuleTexts } from '#inspectors/ids/capture/eve/rule-texts.ts'
import type { DnsMessage } from '#inspectors/ids/dns/message.ts'
import { FlowState, createHostBits } from '#inspectors/ids/state/flow-state.ts'

const QUERY: DnsMessage = {
  id: 7,
  flags: 0x0100,
  isResponse: false,
  opcode: 0,
  rcode: 0,
  questions: [{ name: 'a.example', type: 1 }],
  answers: [],
  authorities: [],
  additionals: [],
  faults: [],
}

describe('EVE records', () => {
  it('of DNS, version 2, are one for each question and one for the answer', () => {
    const two = { ...QUERY, questions: [...QUERY.questions, { name: 'b.example', type: 28 }] }
    assert.deepEqual(
      dnsFieldsV2(two, 3).map(({ type, rrname, rrtype, tx_id }) => [type, rrname, rrtype, tx_id]),
      [
        ['query', 'a.example', 'A', 3],
        ['query', 'b.example', 'AAAA', 3],
      ],
    )
    const answer: DnsMessage = {
      ...QUERY,
      flags: 0x8180,
      isResponse: true,
      answers: [
        { name: 'a.example', type: 1, ttl: 60, data: Buffer.from([1, 2, 3, 4]), target: null },
      ],
    }
    const [fields] = dnsFieldsV2(answer, 4)
    assert.deepEqual(
      [fields.version, fields.type, fields.rrname, fields.flags, fields.qr, fields.grouped],
      [2, 'answer', 'a.example', '8180', true, { A: ['1.2.3.4'] }],
    )
    assert.equal(hasType(answer, new Set(['A'])), true)
    assert.equal(hasType(answer, new Set(['MX'])), false)
  })

  it('tell the bits and numbers of a flow, and what its traffic is', () => {
    const state = new FlowState(createHostBits())
    assert.deepEqual(flowMetadata(state), {})
    for (const name of ['plain', 'traffic/id/curl', 'traffic/label/tool'])
      state.apply({ kind: 'flowbits', operation: 'set', names: [name] }, 'a', 'b', 0)
    state.apply({ kind: 'flowint', operation: '=', name: 'count', value: 2 }, 'a', 'b', 0)
    assert.deepEqual(flowMetadata(state), {
      metadata: { flowbits: ['plain'], flowints: { count: 2 } },
      traffic: { id: ['curl'], label: ['tool'] },
    })
  })

  it('do without the text of a rule whose file is gone', () => {
    const texts = new RuleTexts()
    assert.equal(texts.at('/nowhere/x.rules:1'), undefined)
    assert.equal(texts.at('no place'), undefined)
  })
})
