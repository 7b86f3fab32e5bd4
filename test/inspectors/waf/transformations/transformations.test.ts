import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assert as check, constantFrom, integer, oneof, property, string } from 'fast-check'
import { TRANSFORMATIONS } from '#inspectors/waf/transformations/registry.ts'
import { urlDecodeUniMapped } from '#inspectors/waf/transformations/url-decode-uni.ts'

function apply(name: string, value: string): string {
  const transformation = TRANSFORMATIONS.get(name.toLowerCase())
  assert.ok(transformation !== undefined, `there is no ${name}`)
  return transformation.apply(value)
}

const TEXT = oneof(
  string({ unit: integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) }),
  string({
    unit: constantFrom(
      ...Array.from('%u+0aAfF41x\\&#;/.*-<!> \t\n\0\xc3\xa9"\'^,([]'),
      'lt',
      '%41',
    ),
  }),
)

test('a value without trigger bytes comes back as it was, the same reference when unchanged', () => {
  check(
    property(TEXT, (value) => {
      for (const transformation of TRANSFORMATIONS.values()) {
        const { name, triggerBytes } = transformation
        const result = transformation.apply(value)
        assert.ok(!/[^\0-\xff]/.test(result), `${name} leaves latin1`)
        if (triggerBytes === null) continue
        const hasTrigger = Array.from(value).some((byte) => triggerBytes[byte.charCodeAt(0)] === 1)
        if (!hasTrigger) assert.equal(result, value, `${name} changes ${JSON.stringify(value)}`)
      }
    }),
    { numRuns: 1500 },
  )
})

/** What the vectors of others do not have. */
const EXAMPLES: readonly (readonly [string, string, string])[] = [
  ['cmdLine', 'C^OMMAND /C DIR', 'command/c dir'],
  ['cmdLine', '"cmd",;\t\r\n/c (x) \v', 'cmd/c(x) \v'],
  ['cmdLine', 'a\0B', 'a\0b'],
  ['compressWhitespace', ' a \t\xa0 b\n', ' a b '],
  ['lowercase', 'ABC\xc9', 'abc\xc9'],
  ['uppercase', 'abc\xe9', 'ABC\xe9'],
  ['normalizePath', '/a/./b/../../c//d/', '/c/d/'],
  ['normalizePath', 'a/../../b', '../b'],
  ['normalisePathWin', '\\a\\..\\b', '/b'],
  ['sqlHexDecode', '0x414243 0X4 0x4g', 'ABC 0X4 0x4g'],
  ['trim', ' \t a b \n', 'a b'],
  ['urlEncode', 'a b*/\xe9', 'a+b*%2f%e9'],
  ['removeNulls', 'a\0b\0', 'ab'],
  ['removeComments', 'a <!-- b --> c -- d', 'a  c '],
  ['removeComments', 'a # b', 'a '],
  ['removeCommentsChar', 'a/*b*/c--d#e<!--f-->g', 'abcdefg'],
  ['htmlEntityDecode', '&#x3C;&#60&LT;&lt&#99999999999999999999;&nope;', '<<<<\xff&nope;'],
  ['base64DecodeExt', 'VGVz\0dENh', 'Tes'],
  ['jsDecode', '\\u0041\\uff21\\x41\\101\\777\\q\\', 'AAAA?7q\\'],
  ['cssDecode', '\\41 \\000041b\\ff21\\00ff21', 'AAbAA'],
  ['escapeSeqDecode', '\\X41\\x4g', 'Ax4g'],
  ['utf8toUnicode', 'a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xff', 'a%u00e9%u20ac%u1f600\xff'],
  ['utf8toUnicode', '\xc0\xaf', '%u002f\xc0'],
  ['base64Decode', 'PHNjcmlwdD4=', '<script>'],
  ['length', 'abc', '3'],
  ['none', 'a', 'a'],
]

test('examples', () => {
  for (const [name, value, expected] of EXAMPLES) {
    assert.equal(apply(name, value), expected, `${name} of ${JSON.stringify(value)}`)
  }
})

test('with code page 20127 code points become their best fit', () => {
  assert.equal(urlDecodeUniMapped.apply('%u00c1%u0131%u2032%uff1c%u3002%u4141'), "Ai'<.A")
  assert.equal(apply('urlDecodeUni', '%u00c1%uff1c%u4141%u41'), '\xc1<A%u41')
})

test('digests are raw bytes', () => {
  assert.equal(apply('hexEncode', apply('sha1', 'abc')), 'a9993e364706816aba3e25717850c26c9cd0d89d')
  assert.equal(apply('hexEncode', apply('md5', 'abc')), '900150983cd24fb0d6963f7d28e17f72')
})
