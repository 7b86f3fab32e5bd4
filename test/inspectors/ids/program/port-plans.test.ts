import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileProgram } from '#inspectors/ids/program/compile.ts'
import { MAX_PLANS, type PortPlans } from '#inspectors/ids/program/port-plans.ts'
import { RuleVariables } from '#inspectors/ids/program/variables.ts'
import { parseRules } from '#signatures/suricata/parse-rules.ts'

function plansOf(rules: string): PortPlans {
  const parsed = parseRules(rules, 'test.rules')
  assert.deepEqual(parsed.errors, [])
  return compileProgram([...parsed.rules], new RuleVariables(), { packets: true }).program.plans
}

const RULES =
  'alert tcp any any -> any 445 (flow:to_server,established; content:"smb-only"; sid:1;)\n' +
  'alert tcp any any -> any !80 (flow:to_server,established; content:"not-web"; sid:2;)\n' +
  'alert tcp any any -> any any (flow:to_server,established; content:"anywhere"; sid:3;)\n' +
  'alert smtp any any -> any any (flow:to_server,established; content:"mail-only"; sid:4;)\n' +
  'alert tcp any 1024: <> any [8080,9000:9010] (flow:established; content:"either-way"; sid:5;)\n'

describe('groups by port', () => {
  it('hold the rules that may match between these ports, in each direction', () => {
    const plans = plansOf(RULES)
    const sizes = (client: number, server: number): number[] => [
      plans.of(client, server).stream(null, 'request').size,
      plans.of(client, server).stream(null, 'response').size,
    ]
    assert.deepEqual(sizes(50_000, 445), [4, 0])
    assert.deepEqual(sizes(50_000, 80), [2, 0])
    assert.deepEqual(sizes(50_000, 25), [3, 0])
    assert.deepEqual(sizes(50_000, 9005), [4, 1])
    assert.deepEqual(sizes(9005, 50_000), [4, 1])
    assert.deepEqual(sizes(500, 9005), [3, 0])
  })

  it('leave out rules of another protocol once the protocol is known', () => {
    const plan = plansOf(RULES).of(50_000, 80)
    assert.equal(plan.stream('http', 'request').size, 1)
    assert.equal(plan.stream('smtp', 'request').size, 2)
  })

  it('are the same for ports that no rule tells apart', () => {
    const plans = plansOf(RULES)
    assert.equal(plans.of(50_000, 2000), plans.of(40_000, 7999))
    assert.notEqual(plans.of(50_000, 2000), plans.of(50_000, 445))
  })

  it('are those of all rules where there are too many kinds of ports', () => {
    const rules = Array.from(
      { length: MAX_PLANS + 10 },
      (_, index) =>
        `alert tcp any any -> any ${2000 + index} (flow:to_server; content:"pattern-${index}"; sid:${index + 1};)`,
    )
    const plans = plansOf(rules.join('\n'))
    const sizes = rules.map(
      (_, index) => plans.of(50_000, 2000 + index).stream(null, 'request').size,
    )
    assert.deepEqual(new Set(sizes.slice(0, MAX_PLANS)), new Set([1]))
    assert.deepEqual(new Set(sizes.slice(MAX_PLANS)), new Set([rules.length]))
  })
})
