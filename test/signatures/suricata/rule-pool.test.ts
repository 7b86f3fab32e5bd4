import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseRules } from '#signatures/suricata/parse-rules.ts'
import { fitted, NOTHING, ownText, RulePool } from '#signatures/suricata/rule-pool.ts'

const RULE =
  'alert http any any -> any any (msg:"a \xfc message"; flow:established,to_server; http.uri; content:"a|0d|bc"; ' +
  'reference:url,example.test/x; metadata:created_at 2024_01_01, tag one, tag two; sid:SID;)'
const rules = (sids: readonly number[]): string =>
  sids.map((sid) => RULE.replace('SID', String(sid))).join('\r\n')

describe('rule pool', () => {
  it('gives what it was given', () => {
    const pool = new RulePool()
    for (const text of ['', 'short', 'x'.repeat(1000), 'b\xff\0', 'not latin1: \u20ac'])
      for (const made of [ownText(text), pool.text(text), pool.texts([text, 'y'])[0]])
        assert.equal(made, text)
    assert.equal(pool.texts(['a', 'b']), pool.texts(['a', 'b']))
    assert.notDeepEqual(pool.texts(['a', 'b']), pool.texts(['a b']))
    assert.equal(fitted([]), NOTHING)
    assert.deepEqual(fitted([1, 2]), [1, 2])
  })

  it('keeps conditions of flows apart', () => {
    const pool = new RulePool()
    const flow = { direction: 'to_server', state: null, stream: null, fragments: null } as const
    assert.equal(pool.flow(flow), pool.flow({ ...flow }))
    assert.notEqual(pool.flow(flow), pool.flow({ ...flow, state: 'established' }))
  })
})

describe('rules of a file', () => {
  it('are the same of its bytes and of its text', () => {
    const text = rules([1, 2, 3])
    assert.deepEqual(parseRules(Buffer.from(text, 'latin1'), 'x'), parseRules(text, 'x'))
  })

  it('have lists and conditions in common that are equal', () => {
    const [first, second] = parseRules(rules([1, 2]), 'x').rules
    assert.deepEqual(first.metadata, { created_at: ['2024_01_01'], tag: ['one', 'two'] })
    assert.equal(first.metadata.tag, second.metadata.tag)
    assert.equal(first.references, second.references)
    assert.equal(first.flow, second.flow)
  })
})
