import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MAX_VALUE_BYTES, MAX_VALUES, ValueMemo } from '#inspectors/ids/program/value-memo.ts'

describe('memo of values', () => {
  it('tells what was kept, also that it led to nothing', () => {
    const memo = new ValueMemo()
    memo.set('curl/8.5.0', [])
    assert.deepEqual(memo.get('curl/8.5.0'), [])
    assert.equal(memo.get('curl/8.5.1'), null)
  })

  it('stays bounded, whatever values come', () => {
    const memo = new ValueMemo()
    for (let index = 0; index < 3 * MAX_VALUES; index += 1) {
      memo.set(`agent ${index}`, [])
      assert.ok(memo.size <= MAX_VALUES)
    }
    memo.set('x'.repeat(MAX_VALUE_BYTES + 1), [])
    assert.equal(memo.get('x'.repeat(MAX_VALUE_BYTES + 1)), null)
  })
})
