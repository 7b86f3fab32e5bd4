import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { TRANSFORMATIONS } from '#inspectors/waf/transformations/registry.ts'
import type { GateView } from '#inspectors/waf/values/gate-index.ts'
import { type LaneState, LaneStates } from '#inspectors/waf/values/lane-states.ts'
import { pathTo, PipelineTree, transformThrough } from '#inspectors/waf/values/pipeline.ts'
import { TRIGGERS_OF_ALL, TRIGGERS_OF_BYTE } from '#inspectors/waf/values/trigger-masks.ts'

const NAMES = [
  'urlDecodeUni',
  'htmlEntityDecode',
  'jsDecode',
  'lowercase',
  'removeWhitespace',
  'base64Decode',
  'length',
]
const VIEW = {} as GateView
const REMADE_VIEW = {} as GateView

const text = fc
  .array(fc.constantFrom('a', 'Q', '%41', '&amp;', '&lt;', '\\x41', '+', ' ', 'PGE=', '%', '&'), {
    maxLength: 6,
  })
  .map((parts) => parts.join(''))
const lanes = fc.array(
  fc.record({
    names: fc.array(fc.constantFrom(...NAMES), { maxLength: 4 }),
    isMulti: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
)

function triggersOf(value: string): number {
  let triggers = TRIGGERS_OF_ALL
  for (const byte of Buffer.from(value, 'latin1')) triggers |= TRIGGERS_OF_BYTE[byte]
  return triggers
}

/** `GROUP TEXT` for each group and text that it is to look at. */
function looks(value: string, state: LaneState, into: Set<string>): void {
  const { groups, moves } = state.planOf(triggersOf(value))
  for (const [word, bits] of (groups ?? []).entries()) {
    for (let bit = 0; bit < 32; bit += 1) {
      if ((bits & (1 << bit)) !== 0) into.add(`${word * 32 + bit} ${value}`)
    }
  }
  for (const { transformation, next } of moves) looks(transformation.apply(value), next, into)
}

test('each group looks at what its pipelines make of a text, and at nothing else', () => {
  fc.assert(
    fc.property(lanes, fc.array(text, { minLength: 1, maxLength: 4 }), (drafts, values) => {
      const tree = new PipelineTree()
      const groups = drafts.map(({ names, isMulti }, index) => {
        const pipeline = tree.node(names.map((name) => TRANSFORMATIONS.get(name.toLowerCase())!))
        return { index, pipelines: isMulti ? pathTo(pipeline) : [pipeline] }
      })
      const width = Math.ceil(groups.length / 32)
      const { start } = new LaneStates(groups, width, VIEW, REMADE_VIEW)
      for (const value of values) {
        const expected = groups.flatMap(({ index, pipelines }) =>
          pipelines.map((pipeline) => `${index} ${transformThrough(value, pipeline)}`),
        )
        const seen = new Set<string>()
        looks(value, start, seen)
        assert.deepEqual([...seen].sort(), [...new Set(expected)].sort())
      }
    }),
    { numRuns: 500 },
  )
})

test('texts that only decoding leads to are gated for those alone who decode', () => {
  const tree = new PipelineTree()
  const [decode, lower] = ['base64Decode', 'lowercase'].map((name) =>
    TRANSFORMATIONS.get(name.toLowerCase())!,
  )
  const groups = [
    { index: 0, pipelines: [tree.node([decode, lower])] },
    { index: 1, pipelines: [tree.node([lower])] },
  ]
  const { start } = new LaneStates(groups, 1, VIEW, REMADE_VIEW)
  assert.equal(start.view, VIEW)
  const views = start
    .planOf(triggersOf('ABC'))
    .moves.map(({ transformation, next }) => [transformation.name, next.view === REMADE_VIEW])
  assert.deepEqual(views, [
    ['base64Decode', true],
    ['lowercase', false],
  ])
})

test('more sets of triggers than are remembered are answered as well', () => {
  const tree = new PipelineTree()
  const pipelines = NAMES.slice(0, 5).map((name) =>
    tree.node([TRANSFORMATIONS.get(name.toLowerCase())!]),
  )
  const groups = pipelines.map((pipeline, index) => ({ index, pipelines: [pipeline] }))
  const { start } = new LaneStates(groups, 1, VIEW, REMADE_VIEW)
  const first = start.planOf(0)
  for (let triggers = 0; triggers < 2000; triggers += 1) start.planOf(triggers << 1)
  assert.deepEqual(start.planOf(0), first)
})
