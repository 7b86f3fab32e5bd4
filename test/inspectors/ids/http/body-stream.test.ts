import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { BodyStream } from '#inspectors/ids/http/body-stream.ts'
import { CandidateList } from '#inspectors/ids/program/candidate-list.ts'
import { compileProgram } from '#inspectors/ids/program/compile.ts'
import { RuleVariables } from '#inspectors/ids/program/variables.ts'
import { parseRules } from '#signatures/suricata/parse-rules.ts'

const parsed = parseRules(
  'alert http any any -> any any (flow:to_client; file.data; content:"needle"; sid:1;)\n',
  'test.rules',
)
const { program } = compileProgram([...parsed.rules], new RuleVariables())
const group = program.applications.http.response
const { slot } = program.rules[0].sections[0]

describe('body of a message', () => {
  it('is the same whether its chunks stay as they are or not, looked at early or late', () => {
    const bodies = fc.record({
      text: fc.constantFrom('', 'x', 'a needle in it', 'needle'.repeat(30), 'plain '.repeat(400)),
      isZipped: fc.boolean(),
      cuts: fc.array(fc.nat(300), { maxLength: 5 }),
      isHeld: fc.boolean(),
      isLookedAt: fc.boolean(),
      isEndedAlone: fc.boolean(),
      depth: fc.constantFrom(20, 4000),
    })
    fc.assert(
      fc.property(bodies, ({ text, isZipped, cuts, isHeld, isLookedAt, isEndedAlone, depth }) => {
        const bytes = isZipped ? gzipSync(text) : Buffer.from(text)
        const body = new BodyStream(depth, isZipped ? 'gzip' : null)
        const candidates = new CandidateList(1)
        candidates.clear()
        const ends = [...cuts.filter((cut) => cut < bytes.length), bytes.length]
        let from = 0
        for (const [index, to] of ends.toSorted((one, other) => one - other).entries()) {
          const chunk = Buffer.from(bytes.subarray(from, to))
          from = to
          const isLast = !isEndedAlone && index === ends.length - 1
          body.push(chunk, isLast, isHeld, group, candidates)
          if (!isHeld) chunk.fill(0x21)
          if (isLookedAt) body.subject(slot)
        }
        if (isEndedAlone) body.finish(group, candidates)
        const wanted = text.slice(0, depth)
        assert.equal(body.bytes, wanted.length)
        assert.equal(body.subject(slot).text, wanted)
        assert.equal(body.subject(slot).final, true)
        assert.equal(candidates.rules.length > 0, wanted.includes('needle'))
      }),
      { numRuns: 300 },
    )
  })
})
