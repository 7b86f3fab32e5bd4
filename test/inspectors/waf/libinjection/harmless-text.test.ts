import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHarmlessText } from '#inspectors/waf/libinjection/harmless-text.ts'
import { readSqlInjection } from '#inspectors/waf/libinjection/sqli.ts'
import { KEYWORDS } from '#inspectors/waf/libinjection/tables.ts'

const PIECES = (
  'some more by the back door john A x n e u q b d f 1 0 42 1.5 0x1f 1e 1.e 1e5 0b1 1d 2f .5 _ 1_ 3u ' +
  ', . : - / + = -- :: := /='
)
  .split(' ')
  .concat(' ', ' ', ' ', ' ', '\t', '\n')
const WORDS = [...KEYWORDS.keys()].flatMap((keyword) => [keyword, keyword.split(' ')[0]])

test('text that is taken for harmless is no injection for the tokenizer', () => {
  let state = 942_100
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % limit
  }
  let harmless = 0
  let withKeyword = 0
  for (let round = 0; round < 200_000; round += 1) {
    let value = ''
    for (let count = below(9); count >= 0; count -= 1) {
      const isKeyword = below(12) === 0
      value += isKeyword ? WORDS[below(WORDS.length)].toLowerCase() : PIECES[below(PIECES.length)]
    }
    if (readSqlInjection(value) !== null) withKeyword += 1
    if (!isHarmlessText(value)) continue
    harmless += 1
    assert.equal(readSqlInjection(value), null, JSON.stringify(value))
  }
  assert.ok(harmless > 50_000 && withKeyword > 500, `${harmless} harmless, ${withKeyword} attacks`)
})

test('keywords that a number or a dot runs into are seen', () => {
  for (const value of ['1union select', '1.eunion', '1e+union', '1.dunion', 'x.union', 'a union']) {
    assert.equal(isHarmlessText(value), false, value)
  }
  for (const value of ['jane doe 4a52qv', 'A-7bzobq', '8f14e45f-ceea-167a', 'x=1, y: 2.5', '']) {
    assert.equal(isHarmlessText(value), true, value)
  }
})
