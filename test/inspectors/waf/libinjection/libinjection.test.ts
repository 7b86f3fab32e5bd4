import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assert as check, constantFrom, property, string } from 'fast-check'
import { detectSqlInjection } from '#inspectors/waf/libinjection/sqli.ts'
import { detectXss } from '#inspectors/waf/libinjection/xss.ts'

test('attacks have their fingerprints', () => {
  for (const [value, fingerprint] of [
    ["1' or '1'='1", 's&sos'],
    ['1 UNION ALL SELECT 1,2', '1UE1'],
    ["x' AND SLEEP(5)#", 's&f(1'],
    ['1; DROP TABLE users', '1;Tnn'],
    ["1' or 1.e(1)=1", 's&(1)'],
    ['/*!50000 select*/', 'X'],
  ] as const) {
    assert.equal(detectSqlInjection(value), fingerprint, value)
  }
})

test('ordinary text is none', () => {
  for (const value of [
    '',
    'hello world',
    "O'Brien & Sons",
    'john.doe@example.com',
    'select the best option',
    '2026-11-22T12:00:00Z',
    '550e8400-e29b-41d4-a716-446655440000',
    'https://example.test/a?b=c&d=e',
    'sexy and 17',
  ]) {
    assert.equal(detectSqlInjection(value), null, value)
    assert.equal(detectXss(value), false, value)
  }
})

test('scripts are found in each context', () => {
  for (const value of [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '" onmouseover="alert(1)',
    "' onclick='x",
    '` onclick=`x',
    '<a href="&#x6a;ava\nscript:alert(1)">',
    '<!DOCTYPE x>',
    '<!--[if IE]>',
    '<svg/onload=x>',
    '<x xlink:href=1>',
  ]) {
    assert.equal(detectXss(value), true, value)
  }
})

test('letters and digits alone are never SQL injection: the gate of @detectSQLi', () => {
  const words = string({
    unit: constantFrom(...Array.from('0123456789xXbBeEdDfFuUnNqQ'), 'union', 'select', 'or'),
  })
  check(
    property(words, (value) => assert.equal(detectSqlInjection(value), null)),
    { numRuns: 3000 },
  )
})

test('any bytes are read to their end without an exception', () => {
  const bytes = string({
    unit: constantFrom(
      ...Array.from('\'"`\\/*-#;()[]{}<>=!@$%&|+,.0xqeNUu \n\0\xa0\xff'),
      'or',
      'select',
      '<!--',
      '$a$',
      "q'[",
    ),
    maxLength: 60,
  })
  check(
    property(bytes, (value) => {
      detectSqlInjection(value)
      detectXss(value)
    }),
    { numRuns: 3000 },
  )
})

test('time grows with the length of a hostile value, not with its square', () => {
  const hostile = [
    "'",
    '\\',
    "\\'",
    '/*',
    '*/',
    '$a',
    '$a$',
    '$$',
    "q'(",
    '[',
    '`',
    '--',
    '#',
    '1.e',
    '@',
    '{``',
    '((',
    '/',
    '</>',
    '<!--',
    '<%',
    '<a ',
    'a=',
    '-\0',
    '&#',
    '&#0',
    '\0',
    "x'0",
    "b'0",
    '<![CDATA[',
    'href=&#0',
  ]
  for (const piece of hostile) {
    const value = piece.repeat(Math.ceil(300_000 / piece.length))
    const startedAt = performance.now()
    detectSqlInjection(`1 ${value}`)
    detectSqlInjection(`'"${value}`)
    detectXss(`<a href=${value}`)
    detectXss(`<${value}`)
    const elapsedMs = performance.now() - startedAt
    assert.ok(elapsedMs < 3000, `${JSON.stringify(piece)} took ${elapsedMs.toFixed(0)} ms`)
  }
})
