import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { createWaf } from '#inspectors/waf/waf.ts'
import { BASELINE_FOLDER } from '#signatures/sources/baseline.ts'
import { inspect, query } from '#test/signatures/baseline/inspect.ts'

/**
 * The baseline at paranoia level 1 against libinjection's corpora: attacks that people collected, and texts
 * that look like them and are none. Every line is sent as a query parameter.
 */

const FOLDER = join(import.meta.dirname, '../../../shared/data/libinjection/data')
const skip = existsSync(FOLDER) ? false : `${FOLDER} is not there`
/** Of the longest corpora this many lines are sent, evenly spread. */
const MAX_LINES = 600
/** Upstream's own bound for its false positives; all of them are the grammar's (880600). */
const MAX_FALSE_POSITIVES = 21
const GRAMMARS = [880_500, 880_600]

function linesOf(file: string): string[] {
  const lines = readFileSync(join(FOLDER, file), 'latin1')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const step = Math.max(1, Math.ceil(lines.length / MAX_LINES))
  return lines.filter((_, at) => at % step === 0).map(decoded)
}

function decoded(line: string): string {
  try {
    return decodeURIComponent(line.replaceAll('+', ' ')).replace(/[^\0-\xff]/g, '?')
  } catch {
    return line
  }
}

describe('baseline against corpora', { skip }, () => {
  const waf = skip
    ? null!
    : createWaf({ mode: 'block', rulePaths: [BASELINE_FOLDER], settings: { paranoia: 1 } })
  const files = skip ? [] : readdirSync(FOLDER)

  for (const kind of ['sqli', 'xss']) {
    test(`denies 98 of 100 lines of ${kind}-*.txt`, () => {
      const lines = files.filter((file) => file.startsWith(`${kind}-`)).flatMap(linesOf)
      assert.ok(lines.length > 500)
      const denied = lines.filter((line) => inspect(waf, query(line)).kind === 'block').length
      const missed = lines.length - denied
      assert.ok(missed <= lines.length / 50, `${missed} of ${lines.length} pass`)
    })
  }

  test('denies few of the texts that are no attacks, and those by a grammar alone', () => {
    const outcomes = linesOf('false_positives.txt').map((line) => inspect(waf, query(line)))
    const denied = outcomes.filter(({ kind }) => kind === 'block')
    assert.ok(denied.length <= MAX_FALSE_POSITIVES, `${denied.length} are denied`)
    const others = denied.filter(({ rules }) => !rules.every((rule) => GRAMMARS.includes(rule)))
    assert.deepEqual(others, [])
  })
})
