import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { entropyOf } from '#inspectors/ids/match/entropy.ts'
import { numbersHold } from '#inspectors/ids/match/number-list.ts'
import { calculate } from '#inspectors/ids/match/numbers.ts'
import { numbersMatch } from '#signatures/suricata/keywords/numbers.ts'
import { isWithin, numberRange } from '#signatures/suricata/number-range.ts'

describe('numbers of rules', () => {
  it('compares as the forms of a range say', () => {
    const rows: readonly (readonly [string, readonly number[], readonly number[]])[] = [
      ['19', [19], [18, 20]],
      ['=0x13', [19], [18]],
      ['!20', [19], [20]],
      ['<=20', [20], [21]],
      ['19-22', [20, 21], [19, 22]],
      ['!19-22', [19, 22], [20]],
      ['&0xc0=0x80', [0x80, 0xbf], [0xc0, 0x40]],
      ['&0x08!=0', [8, 15], [7]],
      ['>1kb', [1025], [1024]],
    ]
    for (const [text, inside, outside] of rows) {
      const range = numberRange(text, 65_535)
      for (const value of inside) assert.ok(isWithin(range, value), `${value} in ${text}`)
      for (const value of outside) assert.ok(!isWithin(range, value), `${value} not in ${text}`)
    }
  })

  it('asks lists by place, by number and whole', () => {
    const rows: readonly (readonly [string, readonly number[], boolean])[] = [
      ['5', [1, 5], true],
      ['5', [], false],
      ['5,or_absent', [], true],
      ['5,all', [5, 5], true],
      ['5,all', [], false],
      ['5,all_or_absent', [], true],
      ['5,all', [5, 1], false],
      ['5,-1', [1, 5], true],
      ['5,0', [1, 5], false],
      ['5,3', [1, 5], false],
      ['5,oob_or 3', [1, 5], true],
      ['>1,nb>1', [1, 5, 6], true],
      ['>1,nb 3', [1, 5, 6], false],
      ['5,all,1:-1', [1, 5, 1], true],
      ['count >2', [1, 2, 3], true],
      ['count 2', [1, 2, 3], false],
    ]
    for (const [text, list, wanted] of rows)
      assert.equal(numbersHold(numbersMatch(text, 100, null), list), wanted, text)
  })

  it('wraps a difference around', () => {
    assert.equal(calculate('-', 1, 3), -2)
    assert.equal(calculate('/', 7, 0), null)
    assert.equal(calculate('<<', 1, 64), 0)
    assert.equal(calculate('>>', 256, 4), 16)
  })

  it('measures entropy', () => {
    assert.equal(entropyOf('aaaa'), 0)
    assert.equal(entropyOf('ab'), 1)
    assert.equal(
      entropyOf(Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('')),
      8,
    )
  })
})
