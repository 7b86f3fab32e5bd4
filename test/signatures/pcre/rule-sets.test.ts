import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { compilePattern } from '#signatures/pcre/compile.ts'
import { SECLANG_OPTIONS } from '#signatures/pcre/pattern.ts'

const SHARED = join(import.meta.dirname, '../../../../shared/data')
const CRS = join(SHARED, 'crs/rules')
const CRS3 = '/usr/share/modsecurity-crs/rules'
const ET = join(SHARED, 'et-open/emerging-all.rules')

function activeLines(file: string): string {
  return readFileSync(file, 'latin1')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
}

for (const [name, folder, least] of [
  ['CRS 4', CRS, 290],
  ['CRS 3.3', CRS3, 150],
] as const) {
  const skip = existsSync(folder) ? false : `${folder} is not there`
  test(`every @rx of ${name} compiles`, { skip }, () => {
    const patterns = new Set<string>()
    for (const file of globSync('*.conf', { cwd: folder })) {
      const text = activeLines(join(folder, file)).replaceAll(/\\\n\s*/g, '')
      for (const found of text.matchAll(/"!?@rx ((?:[^"\\]|\\.)*)"/g)) {
        patterns.add(found[1].replaceAll('\\"', '"'))
      }
    }
    assert.ok(patterns.size > least, `only ${patterns.size} patterns were found`)
    for (const source of patterns) {
      const result = compilePattern(source, SECLANG_OPTIONS)
      assert.ok(result.ok, `${source.slice(0, 100)}: ${result.ok ? '' : result.message}`)
      assert.doesNotThrow(() => result.pattern.exec("1' or 1=1 -- <script>/etc/passwd", 0))
    }
  })
}

const skipEt = existsSync(ET) ? false : `${ET} is not there`
test('every pcre of ET Open compiles', { skip: skipEt }, () => {
  let count = 0
  for (const found of activeLines(ET).matchAll(/pcre:\s*!?"\/((?:[^"\\]|\\.)*)\/([A-Za-z]*)"/g)) {
    const source = found[1].replaceAll(/\\([;":])/g, '$1')
    const result = compilePattern(source, {
      ignoreCase: found[2].includes('i'),
      dotAll: found[2].includes('s'),
      multiline: found[2].includes('m'),
    })
    assert.ok(result.ok, `${source}: ${result.ok ? '' : result.message}`)
    count += 1
  }
  assert.ok(count > 6000, `only ${count} patterns were found`)
})
