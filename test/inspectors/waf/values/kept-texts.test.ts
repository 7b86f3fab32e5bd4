import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  KeptBound,
  KeptTexts,
  MAX_KEPT_BYTES,
  MAX_KEPT_TEXT_BYTES,
} from '#inspectors/waf/values/kept-texts.ts'

const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36'

test('a text is kept from the second time on, whatever comes between', () => {
  const kept = new KeptTexts(new KeptBound())
  const first = kept.of(CHROME)
  const second = kept.of(CHROME)
  assert.notEqual(second, first)
  assert.equal(kept.of(CHROME), second)
  for (let index = 0; index < 20_000; index += 1) kept.of(`token-${index}-${index * 7}`)
  assert.equal(kept.of(CHROME), second)
  assert.equal(kept.of(`${CHROME.slice(0, -1)}7`).text, `${CHROME.slice(0, -1)}7`)
})

test('long texts are not kept', () => {
  const kept = new KeptTexts(new KeptBound())
  const text = 'x'.repeat(MAX_KEPT_TEXT_BYTES + 1)
  kept.of(text)
  assert.notEqual(kept.of(text), kept.of(text))
})

test('the bound holds for all stores of a rule set together', () => {
  const bound = new KeptBound()
  const stores = [new KeptTexts(bound), new KeptTexts(bound)]
  stores[0].of(CHROME)
  const facts = stores[0].of(CHROME)
  assert.equal(stores[0].of(CHROME), facts)
  bound.take(MAX_KEPT_BYTES, 0)
  assert.notEqual(stores[0].of(CHROME), facts)
})
