import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { holdsForFlow, type Outcome } from '#inspectors/ids/findings.ts'
import type { IdsOptions } from '#inspectors/ids/ids.ts'
import { ruleType } from '#inspectors/ids/program/rule-type.ts'
import { parseRules } from '#signatures/suricata/parse-rules.ts'
import { CONNECTION, idsOf } from './drive.ts'

/** What one chunk with "one two" leads to under these rules. */
function outcome(rules: string, options: Partial<IdsOptions> = {}): Outcome | null {
  const ids = idsOf(rules, { ...options, packets: true })
  const connection = ids.open(CONNECTION)
  connection.bytes('to_server', Buffer.from('one two'))
  return connection.settle()
}

const sids = (found: Outcome | null): readonly number[] =>
  (found?.findings ?? []).map(({ alert }) => alert.signatureId)

const ALERT = 'alert tcp any any -> any any (content:"one"; sid:1;)\n'
const PASS = 'pass tcp any any -> any any (content:"two"; sid:2;)\n'
const DROP = 'drop tcp any any -> any any (content:"one"; sid:3;)\n'

describe('what a packet leads to', () => {
  it('is told in rule order: a pass ends it, a drop of before stands', () => {
    const passed = outcome(ALERT + PASS + DROP)
    assert.deepEqual([sids(passed), passed?.action, passed?.flowAction], [[], 'pass', 'pass'])
    const late = outcome(ALERT + PASS + DROP, { actionOrder: ['alert', 'drop', 'pass', 'reject'] })
    assert.deepEqual([sids(late), late?.action, late?.flowAction], [[1, 3], 'drop', 'drop'])
    assert.equal(late?.dropped?.alert.signatureId, 3)
    const alerted = outcome(ALERT + PASS, { actionOrder: ['alert', 'pass', 'drop', 'reject'] })
    assert.deepEqual([sids(alerted), alerted?.action], [[1], 'pass'])
  })

  it('shows so many alerts as a packet may, the first in order, and counts the others', () => {
    const many = [1, 2, 3, 4]
      .map((sid) => `alert tcp any any -> any any (content:"one"; sid:${sid};)\n`)
      .join('')
    const found = outcome(many + DROP.replace('sid:3', 'sid:9'), { packetAlertMax: 2 })
    assert.deepEqual(sids(found), [9, 1])
    assert.equal(found?.discarded, 3)
    assert.equal(found?.action, 'drop')
  })

  it('keeps silent alerts apart from what they do', () => {
    const found = outcome(DROP.replace('sid:3', 'noalert; sid:3'))
    assert.deepEqual([sids(found), found?.action, found?.suppressed], [[], 'drop', 1])
    assert.equal(outcome('alert tcp any any -> any any (content:"never"; sid:1;)'), null)
  })
})

describe('what a drop or pass is for', () => {
  const type = (rule: string): string => {
    const { rules, errors } = parseRules(rule, 'x')
    assert.deepEqual(errors, [])
    return ruleType(rules[0])
  }

  it('follows from what the rule is about', () => {
    const tcp = 'alert tcp any any -> any any '
    assert.equal(type(`${tcp}(sid:1;)`), 'ip_only')
    assert.equal(type('alert tcp !10.0.0.1 any -> any 80 (sid:1;)'), 'like_ip_only')
    assert.equal(type(`${tcp}(flow:to_server; sid:1;)`), 'pkt')
    assert.equal(type(`${tcp}(flowbits:set,a; sid:1;)`), 'ip_only')
    assert.equal(type(`${tcp}(flowbits:isset,a; sid:1;)`), 'pkt')
    assert.equal(type(`${tcp}(app-layer-protocol:http; sid:1;)`), 'pd_only')
    assert.equal(type(`${tcp}(content:"a"; sid:1;)`), 'stream')
    assert.equal(type(`${tcp}(content:"a"; depth:1; sid:1;)`), 'pkt_stream')
    assert.equal(type(`${tcp}(content:"a"; dsize:1; sid:1;)`), 'pkt')
    assert.equal(type('alert tcp-pkt any any -> any any (content:"a"; sid:1;)'), 'pkt')
    assert.equal(type('alert udp any any -> any any (content:"a"; sid:1;)'), 'pkt')
    assert.equal(type('alert http any any -> any any (sid:1;)'), 'app_layer')
    assert.equal(type('alert http any any -> any any (flow:established; sid:1;)'), 'pkt')
    assert.equal(type('alert http any any -> any any (http.uri; content:"a"; sid:1;)'), 'app_tx')
  })

  it('is the flow, unless it is about packets or there is no stream', () => {
    assert.equal(holdsForFlow('pkt', 'packet'), false)
    assert.equal(holdsForFlow('stream', 'packet'), false)
    assert.equal(holdsForFlow('stream', 'stream'), true)
    assert.equal(holdsForFlow('ip_only', 'packet'), true)
  })
})
