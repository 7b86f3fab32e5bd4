import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { parseArgs } from 'node:util'
import * as fc from 'fast-check'
import { createWaf, type Waf } from '#inspectors/waf/waf.ts'
import { exchange } from '#test/conformance/crs/in-process.ts'
import { commonRequest, hostileRequest } from './hostile-request.ts'
import { alertsOf } from './waf-of.ts'

/**
 * The fast paths against their obvious twins: the gate against trying every rule, specialised against
 * whole programs, and one chunk against many.
 *
 * `portcullis test --long differential` tries 100,000 requests, and
 *
 *     node test/inspectors/waf/differential.test.ts --seed 7 --runs 20000
 *
 * the first 20,000 of the series 7. A series is the same everywhere and every time.
 */

const SHORT_RUNS = 200
const LONG_RUNS = 100_000
const SEED = 1

const CRS = `${import.meta.dirname}/../../../../shared/data/crs`
const skip = existsSync(CRS) ? false : `${CRS} is not on this machine`

const { values } = parseArgs({
  options: { seed: { type: 'string' }, runs: { type: 'string' } },
  strict: false,
})
const isLong = process.env['PORTCULLIS_TEST_LONG'] === '1'
const numRuns = Number(values.runs ?? (isLong ? LONG_RUNS : SHORT_RUNS))
const seed = Number(values.seed ?? SEED)

function load(twin: { gate?: 'off'; specialize?: 'off' }, paranoia: 1 | 4 = 4): Waf {
  return createWaf({
    mode: 'detect',
    rulePaths: [`${CRS}/rules`],
    setupPaths: [`${CRS}/crs-setup.conf.example`],
    settings: { paranoia },
    ...twin,
  })
}

/** What an outside observer can tell apart. */
function outcome(waf: Waf, bytes: Buffer, cut?: number): unknown {
  const result = exchange(waf, bytes, undefined, cut)
  return {
    status: result.status,
    alerts: alertsOf(result).map((alert) => [
      alert.signatureId,
      alert.message,
      alert.logdata,
      alert.score,
      alert.matches,
      alert.decisive,
    ]),
  }
}

test(
  `gated, specialised and cut requests are judged like ungated, whole and uncut ones (${numRuns} of series ${seed})`,
  { skip },
  () => {
    const fast = load({})
    const ungated = load({ gate: 'off' })
    const whole = load({ specialize: 'off' })
    let alerts = 0
    fc.assert(
      fc.property(hostileRequest, fc.integer({ min: 1, max: 200 }), (bytes, cut) => {
        const expected = outcome(ungated, bytes)
        assert.deepEqual(outcome(fast, bytes), expected)
        assert.deepEqual(outcome(whole, bytes), expected)
        assert.deepEqual(outcome(fast, bytes, cut), expected)
        alerts += (expected as { alerts: unknown[] }).alerts.length
      }),
      { numRuns, seed },
    )
    assert.ok(
      alerts > numRuns,
      `only ${alerts} alerts: the requests are too tame to tell the paths apart`,
    )
  },
)

test(
  `a request like the ones before it is judged as if it were the first (${numRuns} of series ${seed})`,
  { skip },
  () => {
    const fast = load({}, 1)
    const whole = load({ specialize: 'off' }, 1)
    let quiet = 0
    let alerts = 0
    fc.assert(
      fc.property(commonRequest, (bytes) => {
        const expected = outcome(whole, bytes)
        assert.deepEqual(outcome(fast, bytes), expected)
        if ((expected as { alerts: unknown[] }).alerts.length > 0) alerts += 1
        else quiet += 1
      }),
      { numRuns, seed },
    )
    assert.ok(quiet > numRuns / 4 && alerts > numRuns / 20, `${quiet} requests without an alert`)
  },
)
