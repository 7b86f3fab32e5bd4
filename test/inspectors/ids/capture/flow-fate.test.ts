import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FlowFate } from '#inspectors/ids/capture/flow-fate.ts'
import {
  type ExceptionPolicy,
  IGNORE_EXCEPTIONS,
} from '#inspectors/ids/configuration/exception-policies.ts'

const met = (policy: ExceptionPolicy): readonly unknown[] => {
  const fate = new FlowFate({ ...IGNORE_EXCEPTIONS, stream_midstream: policy })
  const treatment = fate.meet('stream_midstream')
  return [treatment, fate.isDropped, fate.isPassed, fate.isBypassed]
}

describe('the fate of a flow', () => {
  it('is what the policy for an exception says', () => {
    assert.deepEqual(met('ignore'), ['look', false, false, false])
    assert.deepEqual(met('pass-packet'), ['pass', false, false, false])
    assert.deepEqual(met('pass-flow'), ['pass', false, true, false])
    assert.deepEqual(met('bypass'), ['look-not', false, false, true])
    assert.deepEqual(met('drop-packet'), ['stop', false, false, false])
    assert.deepEqual(met('drop-flow'), ['stop', true, false, false])
    assert.deepEqual(met('reject'), ['stop', true, false, false])
  })

  it('is what was decided first, and remembers by whom', () => {
    const fate = new FlowFate({ ...IGNORE_EXCEPTIONS, stream_midstream: 'drop-flow' })
    fate.decide('passed')
    fate.meet('stream_midstream')
    assert.equal(fate.isPassed, true)
    assert.deepEqual([...(fate.exceptions ?? [])], [['stream_midstream', 'drop-flow']])
    const ruled = new FlowFate({ ...IGNORE_EXCEPTIONS, stream_midstream: 'drop-flow' })
    ruled.decide('dropped')
    assert.equal(ruled.dropReason, 'flow drop')
    const policed = new FlowFate({ ...IGNORE_EXCEPTIONS, stream_midstream: 'drop-flow' })
    policed.meet('stream_midstream')
    assert.equal(policed.dropReason, 'exception policy flow drop')
  })
})
