import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { knownName, knownValue } from '#inspectors/ids/capture/http/head-words.ts'

const nameOf = fc.oneof(
  fc.constantFrom('Host', 'HOST', 'Accept', 'aCCept', 'Server', 'X-A', 'X-B'),
  fc.string({ minLength: 1, maxLength: 80 }).map((text) => Buffer.from(text).toString('latin1')),
)
const valueOf = fc.oneof(
  fc.constantFrom('a', 'b', 'ab', 'ba', 'acb', 'abc', 'gzip, deflate', 'gzip, deflatE'),
  fc.string({ maxLength: 300 }).map((text) => Buffer.from(text).toString('latin1')),
)

describe('words of heads', () => {
  it('are what stands in the head, whatever was seen before', () => {
    fc.assert(
      fc.property(nameOf, valueOf, (name, value) => {
        const raw = `x\r\n${name}: ${value}\r\n`
        const known = knownName(raw, 3, 3 + name.length)
        assert.equal(known.name, name)
        assert.equal(known.lower, name.toLowerCase())
        const from = 5 + name.length
        assert.equal(knownValue(known, raw, from, from + value.length), value)
      }),
      { numRuns: 5000 },
    )
  })
})
