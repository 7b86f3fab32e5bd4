import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { mergeExpositions } from '#steering/agent/metrics.ts'

test('samples of one metric stand together, each with its domain', () => {
  const text = (value: number): string =>
    `# HELP m Things.\n# TYPE m counter\nm{kind="a"} ${value}\nm ${value}\n`
  assert.equal(
    mergeExpositions(
      new Map([
        ['t/a', text(1)],
        ['t/b', text(2)],
      ]),
    ),
    '# HELP m Things.\n# TYPE m counter\n' +
      'm{domain="t/a",kind="a"} 1\nm{domain="t/a"} 1\nm{domain="t/b",kind="a"} 2\nm{domain="t/b"} 2\n',
  )
})

test('the parts of a histogram stay under its head', () => {
  const text = '# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 2\nh_count 1\n'
  const merged = mergeExpositions(new Map([['d', text]]))
  assert.equal(merged.split('\n').length, 5)
  assert.match(merged, /^# TYPE h histogram\nh_bucket\{domain="d",le="\+Inf"\} 1\nh_sum/)
})

test('what is no exposition is left out, whatever a worker says', () => {
  const hostile = 'x{a="\n# TYPE m counter bad\nm 1 2 3\nm{b="} 1\n\u0000\nok 1\n'
  assert.equal(mergeExpositions(new Map([['d', hostile]])), 'ok{domain="d"} 1\n')
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const line of mergeExpositions(new Map([['d', text]])).split('\n'))
        assert.match(line, /^$|^# (HELP|TYPE) |\{domain="d"/)
    }),
  )
})
