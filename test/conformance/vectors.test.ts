import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { countCorpora, runLibinjection } from './libinjection.ts'
import { runSecrules } from './secrules.ts'

const SHARED = join(import.meta.dirname, '../../../shared/data')
const SECRULES = join(SHARED, 'secrules-language-tests')
const LIBINJECTION = join(SHARED, 'libinjection')

const skipSecrules = existsSync(SECRULES) ? false : `${SECRULES} is not there`
test('operators and transformations meet secrules-language-tests', { skip: skipSecrules }, () => {
  const report = runSecrules(SECRULES)
  assert.deepEqual(report.failures, [])
  assert.ok(report.passed > 4000, `only ${report.passed} vectors were run`)
  assert.ok(report.deviations.length <= 7, `${report.deviations.length} deviations`)
})

const skipLibinjection = existsSync(LIBINJECTION) ? false : `${LIBINJECTION} is not there`
test("libinjection's own tests are met", { skip: skipLibinjection }, () => {
  const report = runLibinjection(LIBINJECTION)
  assert.deepEqual(report.failures, [])
  assert.ok(report.passed > 300, `only ${report.passed} tests were run`)
})

test(
  "libinjection's corpora are detected as the reference detects them",
  { skip: skipLibinjection },
  () => {
    const { sqli, xss, ordinary } = countCorpora(join(LIBINJECTION, 'data'))
    assert.ok(
      sqli.lines > 16_000 && xss.lines > 1500 && ordinary.lines > 400,
      'corpora are missing',
    )
    // The reference's own thresholds: 18 attacks missed, 21 ordinary texts detected.
    assert.ok(
      sqli.lines - sqli.detected <= 18,
      `${sqli.lines - sqli.detected} attacks on SQL missed`,
    )
    assert.ok(xss.lines - xss.detected <= 18, `${xss.lines - xss.detected} scripts missed`)
    assert.ok(ordinary.detected <= 21, `${ordinary.detected} ordinary texts detected`)
  },
)
