import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RuleVariables } from '#inspectors/ids/program/variables.ts'
import { AlertLimits, withThresholds } from '#inspectors/ids/state/alert-limits.ts'
import { parseRules } from '#signatures/suricata/parse-rules.ts'
import type { Rule } from '#signatures/suricata/rule.ts'
import { parseThresholdConfig } from '#signatures/suricata/threshold-config.ts'

const THERE = {
  source: '10.0.0.1',
  destination: '10.0.0.2',
  flow: 'f',
  sourcePort: 1000,
  destinationPort: 80,
}
const BACK = {
  source: '10.0.0.2',
  destination: '10.0.0.1',
  flow: 'f',
  sourcePort: 80,
  destinationPort: 1000,
}

function rules(text: string): readonly Rule[] {
  const { rules: found, errors } = parseRules(text, 'x')
  assert.deepEqual(errors, [])
  return found
}

function limits(config: string): AlertLimits {
  const read = parseThresholdConfig(config, 'x')
  assert.deepEqual(read.problems, [])
  return new AlertLimits(read, new RuleVariables(undefined))
}

describe('limits of alerts', () => {
  const [rule] = rules('alert tcp any any -> any any (sid:1;)')

  it('give a rule another action above a rate, for a time, for both ways of a pair', () => {
    const filter = limits(
      'rate_filter gen_id 1, sig_id 1, track by_both, count 2, seconds 10, new_action drop, timeout 60',
    )
    const actions = [
      [THERE, 0],
      [BACK, 1000],
      [THERE, 2000],
      [BACK, 61_000],
      [THERE, 62_001],
      [THERE, 62_002],
    ] as const
    assert.deepEqual(
      actions.map(([endpoints, now]) => filter.judge(rule, endpoints, now).action),
      [null, null, 'drop', 'drop', null, null],
    )
  })

  it('show fewer and fewer matches of a flow when they back off', () => {
    const [backing] = rules(
      'alert tcp any any -> any any (threshold:type backoff, track by_flow, count 2, multiplier 3; sid:1;)',
    )
    const none = limits('')
    const shown = Array.from({ length: 20 }, (_, index) => index + 1).filter(
      (now) => none.judge(backing, THERE, now).kind === 'shown',
    )
    assert.deepEqual(shown, [2, 6, 18])
  })

  it('begin to count anew when a rate was not reached in time', () => {
    const filter = limits(
      'rate_filter gen_id 1, sig_id 1, track by_rule, count 1, seconds 10, new_action pass, timeout 60',
    )
    assert.equal(filter.judge(rule, THERE, 0).action, null)
    assert.equal(filter.judge(rule, THERE, 10_000).action, null)
    assert.equal(filter.judge(rule, THERE, 19_999).action, 'pass')
  })

  it('silence what is suppressed and keep what a rate demands below it', () => {
    const suppressed = limits('suppress gen_id 1, sig_id 1, track by_src, ip 10.0.0.1')
    assert.equal(suppressed.judge(rule, THERE, 0).kind, 'silent')
    assert.equal(suppressed.judge(rule, BACK, 0).kind, 'shown')
    const [counted] = rules(
      'alert tcp any any -> any any (detection_filter:track by_src, count 1, seconds 60; sid:2;)',
    )
    const none = limits('')
    assert.deepEqual(
      [0, 1].map((now) => none.judge(counted, THERE, now).kind),
      ['below', 'shown'],
    )
  })

  it('show ever fewer alerts of a flow', () => {
    const [slower] = rules(
      'alert tcp any any -> any any (threshold:type backoff, track by_flow, count 2, multiplier 3; sid:3;)',
    )
    const none = limits('')
    const shown: number[] = []
    for (let match = 1; match <= 60; match += 1)
      if (none.judge(slower, THERE, match * 1e9).kind === 'shown') shown.push(match)
    assert.deepEqual(shown, [2, 6, 18, 54])
  })

  it('count different ports alone where that is asked', () => {
    const [scan] = rules(
      'alert tcp any any -> any any (detection_filter:track by_src, count 2, seconds 60, unique_on dst_port; sid:4;)',
    )
    const none = limits('')
    const kinds = [80, 80, 81, 81, 82, 80].map(
      (destinationPort, index) => none.judge(scan, { ...THERE, destinationPort }, index).kind,
    )
    assert.deepEqual(kinds, ['below', 'below', 'below', 'below', 'shown', 'shown'])
    assert.deepEqual(none.portSets, { bytes: 8192, forgotten: 0 })
    assert.equal(none.judge(scan, THERE, 60_000).kind, 'below')
  })

  it("take the place of a rule's own threshold when they name the rule", () => {
    const [own] = rules(
      'alert tcp any any -> any any (threshold:type limit, track by_src, count 9, seconds 60; sid:1;)',
    )
    const named = 'threshold gen_id 1, sig_id 1, type limit, track by_dst, count 1, seconds 5'
    const forAll = 'threshold gen_id 1, sig_id 0, type limit, track by_dst, count 1, seconds 5'
    const count = (config: string): number | undefined =>
      withThresholds([own], parseThresholdConfig(config, 'x'))[0].threshold?.count
    assert.equal(count(named), 1)
    assert.equal(count(forAll), 9)
  })
})
