import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseJson } from '#inspectors/waf/body/json.ts'

const LIMITS = { depth: 8, arguments: 100 }

function pairs(text: string): [string, string][] {
  return parseJson(text, LIMITS).args.map((entry) => [entry.name, entry.value])
}

test('every scalar is an argument named by its path, repeated keys are all kept', () => {
  assert.deepEqual(pairs('{"a":{"b":1,"b":"two"},"c":[true,null,{"d":-1.5e3}],"e":{}}'), [
    ['a.b', '1'],
    ['a.b', 'two'],
    ['c.c', 'true'],
    ['c.c', ''],
    ['c.c.d', '-1.5e3'],
    ['e', ''],
  ])
  assert.deepEqual(pairs('["x",["y"]]'), [
    ['array.array', 'x'],
    ['array.array.array', 'y'],
  ])
  assert.deepEqual(pairs('"bare"'), [['json', 'bare']])
})

test('a key cannot hide behind another path of the same name', () => {
  assert.deepEqual(pairs('{"a.b":"first","a":{"b":"second"}}'), [
    ['a.b', 'first'],
    ['a.b', 'second'],
  ])
})

test('escapes become UTF-8 bytes', () => {
  const [[name, value]] = pairs(String.raw`{"\u0061\n":"\u00e9\ud83d\ude00\/\"\\"}`)
  assert.equal(name, 'a\n')
  assert.equal(Buffer.from(value, 'latin1').toString('utf8'), 'é😀/"\\')
})

test('what is not JSON is an error that names the byte, and what came before it is kept', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /value is expected at byte 0/],
    ['{"a":1', /"," or "}" is expected at byte 6/],
    ['{"a":1}x', /text after the document at byte 7/],
    ['{"a":1,}', /a key is expected/],
    ["{'a':1}", /a key is expected/],
    ['[1,2,]', /a value is expected/],
    ['{"a":01}', /"," or "}" is expected/],
    ['{"a":"\n"}', /control character/],
    [String.raw`{"a":"\x41"}`, /unknown escape/],
    ['{"a":"b', /string is not closed/],
    ['\xef\xbb\xbf{"a":1}', /byte order mark/],
    ['[[[[[[[[[1]]]]]]]]]', /more than 8 nested levels/],
    [`[${Array(101).fill(1).join()}]`, /more than 100 values/],
  ]
  for (const [text, error] of cases) assert.match(parseJson(text, LIMITS).error ?? '', error, text)
  assert.deepEqual(pairs('{"a":1,"b":}'), [['a', '1']])
})

test('agrees with JSON.parse about what is JSON, whatever the text', () => {
  const limits = { depth: 1000, arguments: 10_000 }
  const nearly = fc
    .tuple(fc.json({ maxDepth: 4 }), fc.nat(), fc.constantFrom('', '"', '{', ']', ',', '\\', '1'))
    .map(([text, at, insert]) => {
      const latin1 = Buffer.from(text, 'utf8').toString('latin1')
      const place = at % (latin1.length + 1)
      return latin1.slice(0, place) + insert + latin1.slice(place)
    })
  fc.assert(
    fc.property(nearly, (text) => {
      let isJson = true
      try {
        JSON.parse(text)
      } catch {
        isJson = false
      }
      assert.equal(parseJson(text, limits).error === null, isJson, text)
    }),
    { numRuns: 2000 },
  )
})
