import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { percentDecode } from '#inspectors/ids/http/percent-decode.ts'

/** As the grammar says it. */
function decodeByPattern(text: string): string {
  return text.replaceAll(
    /%(?:u([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))/g,
    (_all, wide: string | undefined, narrow: string) => {
      const code = Number.parseInt(wide ?? narrow, 16)
      const isFullWidth = code >= 0xff01 && code <= 0xff5e
      return String.fromCharCode(code <= 0xff ? code : isFullWidth ? code - 0xfee0 : 0x3f)
    },
  )
}

describe('percent decoding', () => {
  it('does what its grammar says', () => {
    const PARTS = '%|%u|%25|%u00|%uff21|%uFF5F|0|9|a|F|g|G|@|`|/|\x80|\xe6|u|%2|%zz'.split('|')
    const part = fc.constantFrom(...PARTS)
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = parts.join('')
        assert.equal(percentDecode(text), decodeByPattern(text))
      }),
      { numRuns: 5000 },
    )
  })
})
