import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expandTemplate } from './data-template.ts'

const CASES: readonly (readonly [source: string, expected: string | null, why: string])[] = [
  ['a=1&b={2}', 'a=1&b={2}', 'text without actions is itself'],
  ['a={{ "x" | repeat 3 }}&b', 'a=xxx&b', 'a piped value is the last argument'],
  ['{{ repeat 2 "ab" }}', 'abab', 'a call with all arguments'],
  [
    '{{ print (repeat 2 "a") `b\\` 3 | upper }}',
    'AAB\\3',
    'nested pipelines, raw strings, numbers',
  ],
  [String.raw`{{ "\x41\"\n" }}`, 'A"\n', 'escapes'],
  ['a  {{- /* note */ -}}  b', 'ab', 'comments, and blanks trimmed on both sides'],
  ['a {{- "b" }} c', 'ab c', 'blanks trimmed on one side'],
  ["{{constructor.constructor('alert(1)')()}}", null, 'what is no template sends no body'],
  ['{{ nothing "x" }}', null, 'unknown functions'],
  ['{{ "x" ', null, 'unclosed'],
  ['{{ "x" | repeat }}', null, 'an argument too few'],
]

for (const [source, expected, why] of CASES) {
  test(`data template: ${why}`, () => assert.equal(expandTemplate(source), expected))
}
