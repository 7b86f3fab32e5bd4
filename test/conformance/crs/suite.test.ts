import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { runSuite } from './suite.ts'

const CRS = `${import.meta.dirname}/../../../../shared/data/crs`
const skip = existsSync(CRS) ? false : `${CRS} is not on this machine`

/** Where telling more than Apache's ModSecurity does is the safer answer. */
const DEVIATIONS: ReadonlyMap<string, string> = new Map([
  [
    '920181-1',
    'Apache drops Content-Length beside Transfer-Encoding before rules see it; both are forwarded ' +
      'unchanged here, so the rule about the pair must see the pair',
  ],
  [
    '920620-1',
    'Apache joins repeated Content-Type fields before rules see them; both are forwarded unchanged ' +
      'here, so the rule about repetition must see the repetition',
  ],
])

test('CRS regression tests at paranoia 4', { skip }, (t) => {
  const { passed, failures } = runSuite(CRS)
  assert.ok(passed > 1000, `only ${passed} tests were found`)
  const unexpected = failures.filter((failure) => !DEVIATIONS.has(failure.test))
  assert.deepEqual(unexpected, [])
  t.diagnostic(`${passed} passed, ${failures.length} deviate for a reason`)
})
