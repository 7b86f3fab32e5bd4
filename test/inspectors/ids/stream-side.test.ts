import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { STREAM_HISTORY } from '#inspectors/ids/limits.ts'
import { CandidateList } from '#inspectors/ids/program/candidate-list.ts'
import { GroupDraft } from '#inspectors/ids/program/rule-group.ts'
import { StreamSide } from '#inspectors/ids/stream-side.ts'

const NO_RULES = new GroupDraft(() => true, false).finish()

describe('the window of a stream', () => {
  const pushes = fc.array(
    fc.record({
      bytes: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 30_000 })),
      times: fc.integer({ min: 1, max: 150 }),
      isLookedAt: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  )

  it('is the same whether chunks wait to be joined or are joined as they come', () => {
    fc.assert(
      fc.property(pushes, (parts) => {
        const [held, joined] = [new StreamSide(), new StreamSide()]
        const candidates = new CandidateList(0)
        let whole = ''
        for (const { bytes, times, isLookedAt } of parts) {
          for (let time = 0; time < (bytes > 40 ? 2 : times); time += 1) {
            const chunk = Buffer.alloc(bytes, String.fromCharCode(97 + ((bytes + time) % 26)))
            whole += chunk.toString('latin1')
            held.push(chunk, NO_RULES, candidates, true)
            joined.push(Buffer.from(chunk), NO_RULES, candidates)
          }
          if (!isLookedAt) continue
          assert.equal(held.window.text, joined.window.text)
          assert.equal(held.window.base, joined.window.base)
        }
        assert.equal(held.window.text, joined.window.text)
        assert.ok(whole.endsWith(held.window.text))
        assert.ok(held.window.text.length >= Math.min(whole.length, STREAM_HISTORY))
        assert.equal(held.window.base + held.window.text.length, whole.length)
        assert.equal(held.chunk.text, joined.chunk.text)
      }),
      { numRuns: 200 },
    )
  })

  it('shows of a message what it still holds, counted from its first byte', () => {
    const side = new StreamSide()
    const candidates = new CandidateList(0)
    side.push(Buffer.from('first.second.third'), NO_RULES, candidates, true)
    const second = side.message(6, 12, true)
    assert.deepEqual([second.text, second.base, second.final], ['second', 0, true])
    side.push(Buffer.alloc(60_000, 'x'), NO_RULES, candidates, true)
    side.push(Buffer.from('end'), NO_RULES, candidates, true)
    const third = side.message(13, side.total, false)
    assert.equal(third.final, false)
    assert.ok(third.text.endsWith('xend'))
    assert.equal(third.base + third.text.length, side.total - 13)
    assert.equal(side.message(6, 12, true).text, '')
  })
})
