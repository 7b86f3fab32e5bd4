import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MirrorWatch } from '#steering/tap/mirror-watch.ts'

const blindAt = (counts: readonly (readonly [passed: number, mirrored: number])[]): number => {
  const watch = new MirrorWatch()
  return counts.findIndex(([passed, mirrored]) => watch.observe(passed, mirrored) === false)
}

test('a mirror that copies next to nothing while traffic goes on and on is blind', () => {
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

test('a mirror that copies is none, nor is one that lags, nor one of a port without traffic', () => {
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
