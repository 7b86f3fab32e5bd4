import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { EVENT_BUDGET_MS } from '#inspectors/chain/inspection-clock.ts'
import { createWaf } from '#inspectors/waf/waf.ts'
import { exchange } from '#test/conformance/crs/in-process.ts'
import { stallingValues } from './stalling-values.ts'

/**
 * The longest that one request keeps a worker: hostile values as large as a form may be, against all rules
 * of CRS at paranoia 4.
 */

const CRS = `${import.meta.dirname}/../../../../shared/data/crs`
const skip = existsSync(CRS) ? false : `${CRS} is not on this machine`
/** Three bytes each on the wire, and 131,072 in a form without files. */
const VALUE_BYTES = 43_000
/** Half of what makes a hop fail: the rest is for machines that do something else as well. */
const MOST_MS = EVENT_BUDGET_MS / 2

function form(value: string): Buffer {
  const encoded = Buffer.from(value, 'latin1').toString('hex').replaceAll(/../g, '%$&')
  const body = `v=${encoded}`
  const head = `POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n`
  return Buffer.from(head + body)
}

test('no value keeps a worker for long', { skip, timeout: 120_000 }, (context) => {
  const waf = createWaf({
    mode: 'detect',
    rulePaths: [`${CRS}/rules`],
    setupPaths: [`${CRS}/crs-setup.conf.example`],
    settings: { paranoia: 4 },
  })
  const times: { name: string; ms: number }[] = []
  for (const [name, value] of stallingValues(VALUE_BYTES)) {
    const request = form(value)
    const before = process.cpuUsage()
    assert.equal(exchange(waf, request).status, 200, name)
    const { user, system } = process.cpuUsage(before)
    times.push({ name, ms: Math.round((user + system) / 1000) })
  }
  times.sort((left, right) => right.ms - left.ms)
  context.diagnostic(
    `worst: ${times
      .slice(0, 5)
      .map(({ name, ms }) => `${name} ${ms} ms`)
      .join(', ')}`,
  )
  assert.deepEqual(
    times.filter(({ ms }) => ms > MOST_MS),
    [],
  )
})
