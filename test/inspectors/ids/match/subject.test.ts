import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Subject } from '#inspectors/ids/match/subject.ts'

const latin1 = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 20 })
  .map((codes) => String.fromCharCode(...codes))

describe('subject', () => {
  it('grows into what it would be if it were made at once, whenever it is folded', () => {
    fc.assert(
      fc.property(latin1, fc.array(fc.tuple(latin1, fc.boolean())), (begin, parts) => {
        let text = begin
        const subject = new Subject(text, 0, false, false)
        for (const [part, isAsked] of parts) {
          if (isAsked) assert.equal(subject.folded, text.toLowerCase())
          text += part
          subject.grow(text, false, false)
          assert.equal(subject.text, text)
        }
        assert.equal(subject.folded, new Subject(text).folded)
      }),
    )
  })

  it('has nothing of the stretch before when another is put in place', () => {
    const subject = new Subject('ABC')
    assert.equal(subject.folded, 'abc')
    subject.set('XYZ', 3, true, true)
    assert.equal(subject.folded, 'xyz')
  })
})
