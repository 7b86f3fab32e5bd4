import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Decisions } from '#steering/openflow/decisions.ts'
import type { BookedFlow } from '#steering/openflow/flow-book.ts'

const DOMAINS = [
  { key: 'a', ofport: 1 },
  { key: 'b', ofport: 2 },
  { key: 'c', ofport: 3 },
]
const made = (): Decisions => new Decisions(100, { owner: 0x9c15, round: 1 })

/** What a switch has, by identity. */
class FlowTable {
  readonly texts = new Map<string, string>()

  take(added: readonly BookedFlow[], removed: readonly BookedFlow[] = []): void {
    for (const { identity } of removed) this.texts.delete(identity)
    for (const { identity, text } of added) this.texts.set(identity, text)
  }
}

test('a domain that loses its workers is a change of two flows, one for each onFailure', () => {
  const decisions = made()
  decisions.listening = new Set(['a', 'b'])
  decisions.take(DOMAINS.slice(0, 2)).landed()
  assert.equal(decisions.change(), null)
  decisions.listening = new Set(['b'])
  const change = decisions.change()!
  assert.deepEqual(
    change.added.map(({ text }) => text),
    [
      'table=106,priority=40,reg4=0x10008/0xffff0008,actions=goto_table:107',
      'table=106,priority=40,reg4=0x10004/0xffff000c,actions=drop',
    ],
  )
  change.ended(true)
  assert.equal(decisions.change(), null)
})

test('a change that was not taken is sent again', () => {
  const decisions = made()
  decisions.take(DOMAINS).landed()
  decisions.listening = new Set(['a'])
  decisions.change()!.ended(false)
  assert.equal(decisions.change()?.added.length, 2)
})

const hasArrived = (one: { readonly isThere: boolean } | null): boolean => one?.isThere === true

type Step =
  | { readonly do: 'listen'; readonly keys: readonly string[] }
  | { readonly do: 'take'; readonly count: number }
  | { readonly do: 'land' | 'send' | 'sent' | 'lost' | 'reach-bundle' | 'reach-sent' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('listen' as const), keys: fc.subarray(['a', 'b', 'c']) }),
  fc.record({ do: fc.constant('take' as const), count: fc.nat({ max: 3 }) }),
  fc.record({
    do: fc.constantFrom('land', 'send', 'sent', 'lost', 'reach-bundle', 'reach-sent' as const),
  }),
)

/**
 * Bundles of the whole and decisions sent the short way reach the switch in whatever order, and we hear of
 * it in whatever order.
 */
test('whatever overtakes what, in the end the switch decides by who listens', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const decisions = made()
      const table = new FlowTable()
      let bundle: { change: ReturnType<Decisions['take']>; isThere: boolean } | null = null
      let sent: { change: NonNullable<ReturnType<Decisions['change']>>; isThere: boolean } | null =
        null
      let listening: readonly string[] = []
      let placed: typeof DOMAINS = []
      let taken: typeof DOMAINS = []
      const reach = {
        bundle: (): void => {
          if (bundle !== null && !bundle.isThere)
            table.take(bundle.change.added, bundle.change.removed)
          if (bundle !== null) bundle.isThere = true
        },
        sent: (): void => {
          if (sent !== null && !sent.isThere) table.take(sent.change.added)
          if (sent !== null) sent.isThere = true
        },
      }
      const land = (): void => {
        reach.bundle()
        bundle?.change.landed()
        if (bundle !== null) placed = taken
        bundle = null
      }
      const ended = (isTaken: boolean): void => {
        if (isTaken) reach.sent()
        sent?.change.ended(isTaken)
        sent = null
      }
      const send = (): void => {
        if (sent !== null) return
        const change = decisions.change()
        if (change !== null) sent = { change, isThere: false }
      }
      for (const one of steps) {
        switch (one.do) {
          case 'listen':
            listening = one.keys
            decisions.listening = new Set(one.keys)
            break
          case 'take':
            if (bundle === null) {
              taken = DOMAINS.slice(0, one.count)
              bundle = { change: decisions.take(taken), isThere: false }
            }
            break
          case 'reach-bundle':
            reach.bundle()
            break
          case 'reach-sent':
            reach.sent()
            break
          case 'land':
            land()
            break
          case 'send':
            send()
            break
          case 'sent':
            ended(true)
            break
          case 'lost':
            if (!hasArrived(sent)) ended(false)
        }
      }
      land()
      ended(true)
      for (let turn = 0; turn < 4; turn++) {
        send()
        ended(true)
      }
      assert.equal(decisions.change(), null)
      for (const { key, ofport } of placed) {
        const open = table.texts.get(
          `table=106,priority=40,reg4=0x${ofport.toString(16)}0008/0xffff0008`,
        )
        const isLed = open?.endsWith('goto_table:108') ?? false
        assert.equal(isLed, listening.includes(key), key)
      }
    }),
    { numRuns: 3000 },
  )
})
