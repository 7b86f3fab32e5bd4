import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArrivalWatch } from '#steering/tap/arrival-watch.ts'

const blindAt = (counts: readonly (readonly [sent: number, arrived: number])[]): number => {
  const watch = new ArrivalWatch()
  return counts.findIndex(([sent, arrived]) => watch.observe(sent, arrived) === false)
}

test('where next to nothing arrives while traffic goes on and on, something is wrong', () => {
  assert.equal(
    blindAt([
      [100, 5],
      [100, 5],
      [200, 5],
      [300, 7],
      [300, 7],
      [400, 9],
    ]),
    5,
  )
})

test('where it arrives nothing is, nor where it lags, nor where there is no traffic', () => {
  assert.equal(
    blindAt([
      [100, 0],
      [200, 0],
      [300, 0],
      [400, 300],
      [500, 310],
      [600, 310],
      [700, 600],
    ]),
    -1,
  )
  assert.equal(blindAt(Array.from({ length: 50 }, (_, at) => [100 + (at % 8), 0] as const)), -1)
})

test('counts that begin anew say nothing', () => {
  assert.equal(
    blindAt([
      [1000, 0],
      [1100, 0],
      [1200, 0],
      [100, 0],
      [200, 0],
      [300, 0],
    ]),
    -1,
  )
})
