import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { forwardedAddress, verdictFields } from '#inspectors/ids/capture/eve/alert-fields.ts'
import type { Outcome } from '#inspectors/ids/findings.ts'
import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Action } from '#signatures/suricata/rule.ts'

const TCP = 6
const UDP = 17

function outcome(action: Action): Outcome {
  return { findings: [], action, flowAction: null, dropped: null, suppressed: 0, discarded: 0 }
}

describe('the verdict of a record', () => {
  it('is what became of the packet', () => {
    assert.deepEqual(verdictFields(outcome('alert'), 'to_server', TCP, true), { action: 'alert' })
    assert.deepEqual(verdictFields(outcome('pass'), 'to_server', TCP, true), { action: 'pass' })
    assert.deepEqual(verdictFields(outcome('drop'), 'to_server', TCP, true), { action: 'drop' })
    assert.deepEqual(verdictFields(outcome('drop'), 'to_server', TCP, false), { action: 'alert' })
  })

  it('names whom a reject tells, and how', () => {
    const told = (action: Action, flow: 'to_server' | 'to_client', protocol: number): unknown => {
      const fields = verdictFields(outcome(action), flow, protocol, false)
      return [fields.action, fields['reject-target'], fields.reject]
    }
    assert.deepEqual(told('reject', 'to_server', TCP), ['drop', 'to_client', ['tcp-reset']])
    assert.deepEqual(told('rejectsrc', 'to_client', TCP), ['drop', 'to_server', ['tcp-reset']])
    assert.deepEqual(told('rejectdst', 'to_server', UDP), ['drop', 'to_server', ['icmp-prohib']])
    assert.deepEqual(told('rejectboth', 'to_client', UDP), ['drop', 'both', ['icmp-prohib']])
  })
})

describe("a proxy's word about the client", () => {
  const asked = (value: string | null, deployment: 'forward' | 'reverse'): string | null => {
    const headers =
      value === null ? [] : [{ name: 'X-Forwarded-For', nameLower: 'x-forwarded-for', value }]
    const transaction = { request: { headers } } as unknown as HttpTransaction
    return forwardedAddress(transaction, {
      mode: 'extra-data',
      deployment,
      header: 'x-forwarded-for',
    })
  }

  it('is the first or the last address of the header', () => {
    assert.equal(asked('10.1.1.1, 10.2.2.2', 'forward'), '10.1.1.1')
    assert.equal(asked('10.1.1.1, 10.2.2.2', 'reverse'), '10.2.2.2')
    assert.equal(asked('nobody', 'reverse'), null)
    assert.equal(asked(null, 'reverse'), null)
  })
})
