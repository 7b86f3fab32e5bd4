import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StampSet } from '#inspectors/matching/stamp-set.ts'

test('a number is in the set until it is cleared', () => {
  const set = new StampSet(4)
  assert.equal(set.has(2), false)
  assert.equal(set.add(2), true)
  assert.equal(set.add(2), false)
  assert.equal(set.has(2), true)
  set.clear()
  assert.equal(set.has(2), false)
  assert.equal(set.add(2), true)
})

test('clearing goes on where the stamps have run out', () => {
  const set = new StampSet(2, 0x7fff_fffe)
  for (let round = 0; round < 4; round += 1) {
    assert.equal(set.add(0), true, `round ${round}`)
    assert.equal(set.add(0), false, `round ${round}`)
    assert.equal(set.has(1), false, `round ${round}`)
    set.clear()
  }
})
