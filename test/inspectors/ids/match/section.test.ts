import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { MatchBudget, matchSteps } from '#inspectors/ids/match/section.ts'
import { Subject } from '#inspectors/ids/match/subject.ts'
import { type ContentStep, compileSteps } from '#inspectors/ids/program/steps.ts'
import type { ContentMatch } from '#signatures/suricata/buffer-match.ts'

const NO_SETS = (): never => {
  throw new Error('no rule of this test has a set')
}

const PLAIN: ContentMatch = {
  kind: 'content',
  pattern: '',
  negated: false,
  nocase: false,
  startsWith: false,
  endsWith: false,
  offset: null,
  depth: null,
  distance: null,
  within: null,
  fastPattern: false,
  fastPatternChop: null,
}

/** The slow twin: every occurrence of each content is tried. */
function holds(matches: readonly ContentMatch[], text: string, at = 0, previous = 0): boolean {
  const match = matches.at(at)
  if (match === undefined) return true
  const low = at === 0 ? 0 : Math.max(0, previous + Number(match.distance ?? 0))
  const high =
    at === 0 || match.within === null
      ? text.length
      : Math.min(text.length, previous + Number(match.distance ?? 0) + Number(match.within))
  for (let begin = low; begin + match.pattern.length <= high; begin += 1)
    if (text.startsWith(match.pattern, begin))
      if (holds(matches, text, at + 1, begin + match.pattern.length)) return true
  return false
}

describe('the steps of a section', () => {
  const word = fc.constantFrom('ab', 'abc', 'cab', 'x')
  const follower = fc.record({
    pattern: word,
    distance: fc.integer({ min: -4, max: 700 }),
    within: fc.option(fc.integer({ min: 3, max: 2500 })),
  })
  const texts = fc
    .array(fc.record({ gap: fc.integer({ min: 0, max: 400 }), word }), { maxLength: 9 })
    .map((parts) => parts.map(({ gap, word: one }) => '.'.repeat(gap) + one).join(''))

  it('hold where a slow twin finds places for them, however long the way back is', () => {
    let held = 0
    fc.assert(
      fc.property(
        word,
        fc.array(follower, { minLength: 1, maxLength: 3 }),
        texts,
        (first, followers, text) => {
          const matches = [
            { ...PLAIN, pattern: first },
            ...followers.map((one) => ({ ...PLAIN, ...one })),
          ]
          const wanted = holds(matches, text)
          const steps = compileSteps(matches, NO_SETS)
          const budget = new MatchBudget()
          const subject = new Subject(text)
          for (let time = 0; time < 2; time += 1) {
            budget.reset()
            assert.equal(matchSteps(steps, subject, budget), wanted)
          }
          budget.reset()
          assert.equal(matchSteps(steps, new Subject(''), budget), false)
          if (wanted) held += 1
        },
      ),
      { numRuns: 2000 },
    )
    assert.ok(held > 100, `only ${held} texts held`)
  })

  it('read no stretch again that was found to lack a content', () => {
    const steps = compileSteps(
      [
        { ...PLAIN, pattern: 'a' },
        { ...PLAIN, pattern: 'b', distance: 0 },
        { ...PLAIN, pattern: 'missing', distance: 0 },
      ],
      NO_SETS,
    )
    const text = 'ab'.repeat(5000)
    const budget = new MatchBudget()
    assert.equal(matchSteps(steps, new Subject(text), budget), false)
    const { search } = steps[2] as ContentStep
    assert.deepEqual([search?.from, search?.next], [2, -1])
  })
})
