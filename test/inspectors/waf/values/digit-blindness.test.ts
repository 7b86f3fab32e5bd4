import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { TRANSFORMATIONS } from '#inspectors/waf/transformations/registry.ts'
import {
  BLIND_TRANSFORMATIONS,
  DigitTwins,
  isTame,
} from '#inspectors/waf/values/digit-blindness.ts'
import { alertsOf, send, wafOf } from '../waf-of.ts'

const PARTS = (
  '1 7 0 23 a Q u x & &lt &lt; &amp; &amp &nbsp; &quot ; + , " \' ^ ( / . .. -- /* */ = ! @ ~ ' +
  '\\ # % \\x3 %3 &#3 \xe9'
).split(' ')
const text = fc
  .array(fc.constantFrom(...PARTS, ' ', '\t', '\n', '\0', '\0 '), { maxLength: 12 })
  .map((parts) => parts.join(''))
const names = fc.array(fc.constantFrom(...BLIND_TRANSFORMATIONS), { minLength: 1, maxLength: 4 })
const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 12, maxLength: 12 })

const digitsOf = (value: string): string => value.replaceAll(/[^0-9]/g, '')

/** The digits of a text replaced, one after the other. */
function withDigits(value: string, others: readonly number[]): string {
  let at = 0
  return value.replaceAll(/[0-9]/g, () => String(others[at++ % others.length]))
}

test('digits stay where they are, whatever they are, in tame texts', () => {
  let tame = 0
  let changed = 0
  fc.assert(
    fc.property(text, names, digits, (first, list, others) => {
      let one = first
      let other = withDigits(first, others)
      for (const name of list) {
        if (!isTame(one)) return
        const transformation = TRANSFORMATIONS.get(name.toLowerCase())!
        const before = one
        one = transformation.apply(one)
        other = transformation.apply(other)
        if (one !== before) changed += 1
        const about = `${name} of ${JSON.stringify(before)}`
        assert.equal(other.replaceAll(/[0-9]/g, '0'), one.replaceAll(/[0-9]/g, '0'), about)
        assert.equal(digitsOf(other), digitsOf(withDigits(one, others)), about)
      }
      tame += 1
    }),
    { numRuns: 20_000 },
  )
  assert.ok(tame > 1000 && changed > 1000, `${tame} tame texts, ${changed} changes`)
})

test('a twin has digits where the other has some, and is the same otherwise', () => {
  const twins = new DigitTwins([])
  assert.equal(twins.isTwin(''), false)
  twins.keep('id=12&b=x')
  assert.equal(twins.isTwin('id=93&b=x'), true)
  for (const other of [
    'id=1x&b=x',
    'id=12&b=7',
    'id=12&b=X',
    'id=1&b=x',
    'id=123&b=',
    'ie=12&b=x',
  ]) {
    assert.equal(twins.isTwin(other), false, other)
  }
})

const RULES = [
  `SecRule REQUEST_URI "@contains =7" "id:1,phase:1,pass,log"`,
  `SecRule REQUEST_URI "@rx b=[0-4]" "id:2,phase:2,pass,log,t:none,t:urlDecodeUni"`,
  `SecRule QUERY_STRING "@rx ^a=.5" "id:3,phase:1,pass,log,t:urlDecodeUni"`,
  `SecRule REQUEST_LINE "!@rx ^[A-Z]+ [^ ]*[0-8] HTTP" "id:4,phase:1,pass,log"`,
  `SecRule REQUEST_URI "@rx <\\d" "id:5,phase:1,pass,log,t:urlDecodeUni,t:htmlEntityDecode"`,
  `SecRule REQUEST_HEADERS:Cookie "@rx A" "id:6,phase:1,pass,log,t:urlDecodeUni"`,
  `SecRule REQUEST_HEADERS:Cookie "@rx A" "id:7,phase:1,pass,log,t:htmlEntityDecode"`,
  `SecRule REQUEST_COOKIES "@rx c\\d\\d" "id:8,phase:1,pass,log,t:removeWhitespace"`,
  `SecRule REQUEST_COOKIES "@streq 3" "id:9,phase:1,pass,log"`,
  `SecRule ARGS "@detectSQLi" "id:10,phase:2,pass,log"`,
  `SecRule REQUEST_URI "@rx (\\d)\\1" "id:11,phase:2,pass,log"`,
  `SecRule QUERY_STRING "@rx 7" "id:12,phase:2,pass,log,t:base64Decode"`,
] as const
const digit = fc.constantFrom('1', '3', '4', '5', '7', '9')
const request = fc.record({
  a: fc.tuple(digit, digit).map((pair) => pair.join('')),
  b: digit,
  escape: fc.constantFrom('', '&c=%3', '&c=%4', '&lt;'),
  cookie: fc.constantFrom('s=c', 's=', 's=%4', 's=&#6'),
  last: fc.tuple(digit, fc.constantFrom('', ';', '1')).map((pair) => pair.join('')),
})

test('rules that tell digits apart are tried on each text, and others on one of those that are alike', () => {
  let alerts = 0
  let quiet = 0
  fc.assert(
    fc.property(
      fc.subarray([...RULES], { minLength: 1, maxLength: 4 }),
      fc.array(request, { minLength: 3, maxLength: 12 }),
      (rules, requests) => {
        const fast = wafOf(rules.join('\n'))
        const whole = wafOf(rules.join('\n'), { specialize: 'off' })
        for (const { a, b, escape, cookie, last } of requests) {
          const [told, expected] = [fast, whole].map((waf) =>
            alertsOf(
              send(waf, `GET /x?a=${a}&b=${b}${escape}${b}`, [`Cookie: ${cookie}${last}`]),
            ).map(({ signatureId, matches }) => [signatureId, matches]),
          )
          assert.deepEqual(told, expected)
          if (expected.length > 0) alerts += 1
          else quiet += 1
        }
      },
    ),
    { numRuns: 400 },
  )
  assert.ok(alerts > 200 && quiet > 200, `${alerts} with alerts, ${quiet} without`)
})

test('a digit of an escape is no digit of the text', () => {
  const cases = [
    [`SecRule REQUEST_URI "@rx A" "id:1,phase:1,pass,log,t:urlDecodeUni"`, '%4', '1'],
    [`SecRule REQUEST_URI "@rx S" "id:1,phase:1,pass,log,t:jsDecode"`, '\\12', '3'],
  ] as const
  for (const [rule, escape, hit] of cases) {
    const waf = wafOf(rule)
    const digitsSent = ['4', '6', '7', '2', hit, '4', hit]
    const alerts = digitsSent.map((last) => alertsOf(send(waf, `GET /?s=${escape}${last};`)).length)
    const expected = digitsSent.map((last) => (last === hit ? 1 : 0))
    assert.deepEqual(alerts, expected, rule)
  }
})
