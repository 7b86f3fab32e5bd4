import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { compile } from '#steering/flows/compile.ts'
import { renderFlow } from '#steering/flows/render.ts'
import type { SteeredState } from '#steering/flows/steered.ts'
import { flowUnits } from '#steering/flows/units.ts'
import { type BookedFlow, FlowBook, changeText } from '#steering/openflow/flow-book.ts'
import { arbitraryState } from '../flows/arbitrary-state.ts'

const BASE = { owner: 0x9c15, round: 1 }

/** What a switch has after bundles, by identity: cookie and text. */
class FlowTable {
  readonly #flows = new Map<string, readonly [cookie: string, text: string]>()

  apply(bundle: string): void {
    for (const line of bundle.split('\n').filter((one) => one !== '')) {
      const [, command, cookie, rest] = /^(\w+) cookie=(0x[0-9a-f]+)(?:\/-1)?,?(.*)$/.exec(line)!
      if (command === 'add')
        this.#flows.set(rest.slice(0, rest.indexOf(',actions=')), [cookie, rest])
      else
        for (const [identity, flow] of this.#flows)
          if (flow[0] === cookie && (command === 'delete' || identity === rest))
            this.#flows.delete(identity)
    }
  }

  get texts(): string[] {
    return [...this.#flows.values()].map((flow) => flow.join(' ')).sort()
  }
}

async function enact(book: FlowBook, table: FlowTable, state: SteeredState): Promise<void> {
  const change = await book.plan(flowUnits(state), BASE)
  table.apply(changeText(change.added, change.removed, book.keepsCookie(change)))
  book.commit(change)
}

/** What a table has that never had anything else. */
async function anew(state: SteeredState): Promise<string[]> {
  const table = new FlowTable()
  await enact(new FlowBook(), table, state)
  return table.texts
}

/** A state that differs from another in some of its attachments. */
const neighbour = fc
  .tuple(arbitraryState, fc.array(fc.nat({ max: 7 }), { maxLength: 3 }), fc.boolean())
  .map(([state, dropped, isDraining]): [SteeredState, SteeredState] => [
    state,
    {
      ...state,
      attachments: state.attachments
        .filter((_, index) => !dropped.includes(index))
        .map((one, index) => (index === 0 ? { ...one, isDraining } : one)),
    },
  ])

test('a change from any state to another leaves what the other gives anew', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.tuple(arbitraryState, arbitraryState), neighbour),
      async ([before, after]) => {
        const [book, table] = [new FlowBook(), new FlowTable()]
        for (const state of [before, after, before]) {
          await enact(book, table, state)
          assert.deepEqual(table.texts, await anew(state))
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('units of one signature have the same flows, and all units are the whole state', () => {
  fc.assert(
    fc.property(neighbour, ([one, other]) => {
      const texts = new Map(
        flowUnits(one).map((unit) => [unit.signature, unit.flows().map(renderFlow)]),
      )
      for (const { signature, flows } of flowUnits(other)) {
        const known = texts.get(signature)
        if (known !== undefined) assert.deepEqual(flows().map(renderFlow), known)
      }
      const all = new Set(compile(one).map(renderFlow))
      for (const text of [...texts.values()].flat()) assert.ok(all.has(text))
      assert.ok(all.size - new Set([...texts.values()].flat()).size <= 2 * one.domains.length)
    }),
  )
})

test('where two units claim one flow the later counts, and the earlier has it back', async () => {
  const [book, table] = [new FlowBook(), new FlowTable()]
  const unit = (name: number, output: number) => ({
    signature: `${name} ${output}`,
    flows: () => [
      {
        table: 100,
        priority: 1,
        cookie: name,
        match: [],
        actions: [{ do: 'output' as const, port: output }],
      },
    ],
  })
  const put = async (...units: ReturnType<typeof unit>[]): Promise<BookedFlow[]> => {
    const change = await book.plan(units, BASE)
    table.apply(changeText(change.added, change.removed, book.keepsCookie(change)))
    book.commit(change)
    return [...change.added]
  }
  await put(unit(1, 1))
  await put(unit(1, 1), unit(2, 2))
  assert.match(table.texts.join(), /output:2$/)
  assert.deepEqual(await put(unit(3, 3), unit(1, 1), unit(2, 2)), [], 'earlier ones change nothing')
  await put(unit(3, 3), unit(1, 1))
  assert.match(table.texts.join(), /output:1$/)
  await put()
  assert.deepEqual(table.texts, [])
})
