import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { compileProgram } from '#inspectors/ids/program/compile.ts'
import { MAX_ADDRESS_CLASSES } from '#inspectors/ids/program/flow-kinds.ts'
import type { Program } from '#inspectors/ids/program/program.ts'
import { RuleVariables } from '#inspectors/ids/program/variables.ts'
import type { Connection } from '#inspectors/inspector.ts'
import { addressBytes } from '#signatures/suricata/address.ts'
import { parseRules } from '#signatures/suricata/parse-rules.ts'

function programOf(rules: string): Program {
  const parsed = parseRules(rules, 'test.rules')
  assert.deepEqual(parsed.errors, [])
  const variables = new RuleVariables({
    HOME_NET: '[10.0.0.0/8,fd00::/8]',
    EXTERNAL_NET: '!$HOME_NET',
  })
  return compileProgram([...parsed.rules], variables, { packets: true }).program
}

function flow(
  clientAddress: string,
  clientPort: number,
  serverAddress: string,
  serverPort: number,
): Connection {
  return { id: 'c', flowId: 1, clientAddress, clientPort, serverAddress, serverPort, openedAt: 0 }
}

const RULES =
  'alert tcp $EXTERNAL_NET any -> $HOME_NET 445 (flow:to_server; content:"one"; sid:1;)\n' +
  'alert http $HOME_NET any -> $EXTERNAL_NET !8080 (flow:to_server; http.uri; content:"two"; sid:2;)\n' +
  'alert http $HOME_NET 1024: <> !10.1.0.0/16 any (flow:to_client; http.stat_code; content:"3"; sid:3;)\n' +
  'alert ip [192.0.2.7,!10.0.0.9] any -> any any (sid:4;)\n' +
  'alert ip6 any any -> any [80,443:445] (sid:5;)\n' +
  'drop tcp any 25 -> fd00::1 any (flow:to_client; content:"six"; sid:6;)\n'

describe('kinds of flows', () => {
  const addresses = [
    '10.0.0.9',
    '10.1.2.3',
    '192.0.2.7',
    '198.51.100.1',
    'fd00::1',
    '2001:db8::2',
    '?',
  ]
  const ports = [25, 80, 444, 445, 1023, 1024, 8080, 50_000]

  it('say of each header what it says itself, whichever flow asked first', () => {
    const end = fc.record({
      address: fc.constantFrom(...addresses),
      port: fc.constantFrom(...ports),
    })
    fc.assert(
      fc.property(fc.array(fc.tuple(end, end), { minLength: 1, maxLength: 60 }), (flows) => {
        const program = programOf(RULES)
        for (const [client, server] of flows) {
          const ends = flow(client.address, client.port, server.address, server.port)
          const kind = program.flowKinds.of(ends)
          const from = addressBytes(client.address) ?? ''
          const to = addressBytes(server.address) ?? ''
          for (const { header, rule } of program.rules) {
            const there = header.matches(from, client.port, to, server.port)
            const back = header.matches(to, server.port, from, client.port)
            const about = `${rule.sid} ${JSON.stringify(ends)}`
            assert.equal(kind.headerHolds(header, 'request', ends), there, about)
            assert.equal(kind.headerHolds(header, 'response', ends), back, about)
          }
        }
      }),
      { numRuns: 40 },
    )
  })

  it('are one where no header tells the flows apart', () => {
    const { flowKinds } = programOf(RULES)
    const one = flowKinds.of(flow('10.2.0.1', 50_000, '198.51.100.1', 443))
    assert.equal(flowKinds.of(flow('10.200.0.1', 40_000, '203.0.113.9', 444)), one)
    assert.notEqual(flowKinds.of(flow('10.1.0.9', 40_000, '203.0.113.9', 444)), one)
    assert.notEqual(flowKinds.of(flow('10.2.0.1', 40_000, '192.0.2.7', 444)), one)
    assert.notEqual(flowKinds.of(flow('10.2.0.1', 50_000, '198.51.100.1', 446)), one)
    assert.notEqual(flowKinds.of(flow('10.2.0.1', 1000, '198.51.100.1', 443)), one)
  })

  it('stay right where there are more classes of addresses than are remembered', () => {
    const count = MAX_ADDRESS_CLASSES + 40
    const address = (index: number): string => `10.0.${index >> 8}.${index & 255}`
    const rules = Array.from(
      { length: count },
      (_, index) => `alert ip ${address(index)} any -> any any (sid:${index + 1};)`,
    )
    const program = programOf(rules.join('\n'))
    const kinds = Array.from({ length: count }, (_, index) => {
      const ends = flow(address(index), 1, '192.0.2.1', 2)
      return { ends, kind: program.flowKinds.of(ends), index }
    })
    for (const { ends, kind, index } of kinds)
      for (const near of [index - 1, index, index + 1, index + MAX_ADDRESS_CLASSES]) {
        const named = program.rules.find(({ rule }) => rule.sid === near + 1)
        if (named === undefined) continue
        assert.equal(kind.headerHolds(named.header, 'request', ends), near === index)
      }
  })
})
