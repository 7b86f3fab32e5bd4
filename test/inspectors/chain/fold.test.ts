import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROCEED } from '#inspectors/chain/decision.ts'
import { ChainFold } from '#inspectors/chain/fold.ts'
import { EVENT_BUDGET_MS, InspectionClock } from '#inspectors/chain/inspection-clock.ts'
import type { Hop } from '#inspectors/chain/hop.ts'
import { RateLimit } from '#inspectors/chain/rate-limit.ts'
import { PASS, type Verdict } from '#inspectors/inspector.ts'
import { CollectingSink, scriptedHop, testAlert, testConnection } from './scripted-inspector.ts'
import { testTransaction } from './test-transaction.ts'

const transaction = testTransaction()

const chunk = Buffer.from('x')
const alertOf = (id: number): Verdict => ({ kind: 'alert', alerts: [testAlert(id)] })
const blockOf = (id: number): Verdict => ({ kind: 'block', status: 403, alerts: [testAlert(id)] })
const dropOf = (id: number): Verdict => ({ kind: 'drop', alerts: [testAlert(id)] })

/** @param workedMs what the thread did so far; by default as much as time has passed */
function foldOf(hops: readonly Hop[], now?: () => number, workedMs = now) {
  const sink = new CollectingSink()
  const options = { sink, failureAlerts: new RateLimit(60_000, () => 0) }
  const fold = new ChainFold(
    hops,
    testConnection,
    now === undefined ? options : { ...options, clock: new InspectionClock(now, workedMs) },
  )
  return { fold, sink }
}

test('asks hops in order and collects their alerts in order', () => {
  const { fold, sink } = foldOf([
    scriptedHop({ requestHead: () => alertOf(1) }),
    scriptedHop({ requestHead: () => PASS }),
    scriptedHop({ requestHead: () => alertOf(3) }, { type: 'ids' }),
  ])
  assert.equal(fold.requestHead(transaction), PROCEED)
  fold.commitAlerts()
  assert.deepEqual(sink.summary, ['passed:1', 'passed:3'])
  assert.equal(sink.events[1]?.context.inspector, 'ids')
  assert.equal(sink.events[0]?.transaction, transaction)
})

test('the first block wins and later hops are not asked', () => {
  let asked = 0
  const hops = [
    scriptedHop({ requestHead: () => alertOf(1) }),
    scriptedHop({
      requestHead: () => ({ kind: 'block', status: 302, location: '/x', alerts: [testAlert(2)] }),
    }),
    scriptedHop({
      requestHead: () => {
        asked++
        return dropOf(3)
      },
    }),
  ]
  const { fold, sink } = foldOf(hops)
  assert.deepEqual(fold.requestHead(transaction), { kind: 'block', status: 302, location: '/x' })
  assert.deepEqual(sink.summary, ['blocked:1', 'blocked:2'], 'both are about what was stopped')
  assert.equal(asked, 0)
  assert.equal(hops[1].counters.blocked, 1)
})

test('a drop resets and its alerts say so', () => {
  const { fold, sink } = foldOf([scriptedHop({ bytes: () => dropOf(9) })])
  assert.equal(fold.bytes('to_server', chunk).kind, 'drop')
  assert.deepEqual(sink.summary, ['dropped:9'])
})

test('mode detect turns block and drop into would-block and goes on', () => {
  const detect = scriptedHop(
    { requestHead: () => blockOf(1), bytes: () => dropOf(2) },
    { mode: 'detect' },
  )
  const { fold, sink } = foldOf([detect, scriptedHop({ requestHead: () => alertOf(3) })])
  assert.equal(fold.requestHead(transaction), PROCEED)
  assert.equal(fold.bytes('to_client', chunk), PROCEED)
  fold.commitAlerts()
  assert.deepEqual(sink.summary, ['would-block:1', 'passed:3', 'would-block:2'])
  assert.equal(detect.counters.wouldBlock, 2)
})

test('bypass takes the hop out of the flow and tells its alerts', () => {
  let asked = 0
  const hop = scriptedHop({
    bytes: () => {
      asked++
      return { kind: 'bypass', reason: 'pass-rule', alerts: [testAlert(5)] }
    },
  })
  const { fold, sink } = foldOf([hop])
  assert.equal(fold.live, 1)
  assert.equal(fold.bytes('to_server', chunk), PROCEED)
  assert.equal(fold.bytes('to_server', chunk), PROCEED)
  assert.equal(asked, 1)
  assert.equal(fold.live, 0)
  fold.commitAlerts()
  assert.deepEqual(sink.summary, ['passed:5'])
  assert.equal(hop.counters.bypassed, 1)
})

for (const onFailure of ['open', 'closed'] as const) {
  test(`an exception follows onFailure ${onFailure}`, () => {
    let asked = 0
    const failing = scriptedHop(
      {
        requestHead: () => {
          asked++
          throw new Error('boom\u001b[31m\nsecret')
        },
      },
      { onFailure },
    )
    const { fold, sink } = foldOf([failing, scriptedHop({ requestHead: () => alertOf(2) })])
    const decision = fold.requestHead(transaction)
    fold.commitAlerts()
    assert.equal(decision.kind, onFailure === 'open' ? 'proceed' : 'drop')
    assert.equal(failing.counters.failedException, 1)
    assert.equal(failing.counters[onFailure === 'open' ? 'failedOpen' : 'failedClosed'], 1)
    const [failure] = sink.events
    assert.equal(failure?.verdict, onFailure === 'open' ? 'bypassed' : 'dropped')
    assert.equal(failure?.context.inspector, 'portcullis')
    assert.equal(failure?.alert.message, 'waf failed: exception: boom?[31m')
    if (onFailure === 'open') {
      fold.requestHead(transaction)
      assert.equal(asked, 1, 'the hop is skipped for the rest of the flow')
    }
  })

  test(`a blown time budget follows onFailure ${onFailure}`, () => {
    let now = 0
    const slow = scriptedHop(
      {
        requestEnd: () => {
          now += EVENT_BUDGET_MS + 1
          return PASS
        },
      },
      { onFailure },
    )
    const { fold } = foldOf([slow], () => now)
    assert.equal(fold.requestEnd(transaction).kind, onFailure === 'open' ? 'proceed' : 'drop')
    assert.equal(slow.counters.failedTimeBudget, 1)
    assert.equal(fold.live, 0)
  })

  test(`an inspector that cannot open follows onFailure ${onFailure}`, () => {
    const hop = scriptedHop(
      {
        onOpen: () => {
          throw new Error('no memory')
        },
      },
      { onFailure },
    )
    const { fold } = foldOf([hop])
    assert.equal(fold.openDecision.kind, onFailure === 'open' ? 'proceed' : 'drop')
    assert.equal(fold.live, 0)
  })

  test(`a buffer overrun follows onFailure ${onFailure} for the hops that hold`, () => {
    const holding = scriptedHop({ holdsRequestBody: () => true }, { onFailure })
    const other = scriptedHop({})
    const { fold } = foldOf([holding, other])
    assert.equal(fold.holdsBody('to_server', transaction), 'hold')
    assert.equal(fold.overrun('to_server').kind, onFailure === 'open' ? 'proceed' : 'drop')
    assert.equal(holding.counters.failedBufferOverrun, 1)
    assert.equal(other.counters.failedBufferOverrun, 0)
    assert.equal(fold.live, 1)
  })
}

test('a machine that stands still during an event is no failure of the inspector', () => {
  let now = 0
  let workedMs = 0
  const stalled = scriptedHop({
    requestHead: () => {
      now += 60_000
      workedMs += 2
      return PASS
    },
    requestEnd: () => {
      now += 60_000
      workedMs += EVENT_BUDGET_MS + 1
      return PASS
    },
  })
  const { fold } = foldOf(
    [stalled],
    () => now,
    () => workedMs,
  )
  assert.equal(fold.requestHead(transaction), PROCEED)
  assert.equal(stalled.counters.failedTimeBudget, 0)
  fold.requestEnd(transaction)
  assert.equal(stalled.counters.failedTimeBudget, 1)
})

test('the clock of a process counts what its thread does, and no time asleep', () => {
  const clock = new InspectionClock()
  const asleep = clock.begin()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, EVENT_BUDGET_MS + 100)
  assert.equal(clock.isOverBudget(clock.now() - asleep), false)
  const atWork = clock.begin()
  const before = process.threadCpuUsage()
  const workedMs = (): number => {
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1000
  }
  while (workedMs() <= EVENT_BUDGET_MS + 1);
  assert.equal(clock.isOverBudget(clock.now() - atWork), true)
})

test('a block that comes late is still a block', () => {
  let now = 0
  const slow = scriptedHop(
    {
      requestEnd: () => {
        now += EVENT_BUDGET_MS + 1
        return blockOf(1)
      },
    },
    { onFailure: 'open' },
  )
  const { fold } = foldOf([slow], () => now)
  assert.equal(fold.requestEnd(transaction).kind, 'block')
})

test('hops in mode detect never hold', () => {
  const { fold } = foldOf([scriptedHop({ holdsRequestBody: () => true }, { mode: 'detect' })])
  assert.equal(fold.holdsBody('to_server', transaction), 'stream')
})

test('what the logging phase finds is only alerted', () => {
  const { fold, sink } = foldOf([
    scriptedHop({ transactionEnd: () => blockOf(1), close: () => dropOf(2) }),
  ])
  fold.transactionEnd(transaction)
  fold.close()
  fold.close()
  assert.deepEqual(sink.summary, ['passed:1', 'passed:2'])
})

test('alerts about what is held wait, and say what became of it', () => {
  const holding = scriptedHop({
    requestHead: () => alertOf(1),
    holdsRequestBody: () => true,
    requestBody: () => alertOf(2),
    requestEnd: ({ request }) => (request.target === '/attack' ? blockOf(3) : PASS),
    transactionEnd: () => alertOf(4),
  })
  const detect = scriptedHop({ bytes: () => dropOf(5) }, { type: 'ids', mode: 'detect' })
  const walk = (target: string) => {
    const { fold, sink } = foldOf([holding, detect])
    const request = { ...transaction, request: { ...transaction.request, target } }
    fold.bytes('to_server', chunk)
    fold.requestHead(request)
    assert.equal(fold.holdsBody('to_server', request), 'hold')
    fold.requestBody(request, chunk)
    fold.commitAlerts()
    assert.deepEqual(sink.summary, [], 'nothing is told before it is known')
    const decision = fold.requestEnd(request)
    const told = [...sink.summary]
    fold.transactionEnd(request)
    const answers = new Set(sink.events.map(({ status }) => status))
    return { decision, told, last: sink.summary.at(-1), answers: [...answers] }
  }
  assert.deepEqual(walk('/'), {
    decision: PROCEED,
    told: ['would-block:5', 'passed:1', 'passed:2'],
    last: 'passed:4',
    answers: [undefined],
  })
  assert.deepEqual(walk('/attack'), {
    decision: { kind: 'block', status: 403 },
    told: ['blocked:5', 'blocked:1', 'blocked:2', 'blocked:3'],
    last: 'blocked:4',
    answers: [403],
  })
})

test('a block leaves alerts of other transactions as they are', () => {
  const other = { ...transaction, id: 'tx-2', index: 1 }
  const hop = scriptedHop({
    requestHead: (asked) => (asked === other ? blockOf(2) : PASS),
    responseHead: () => alertOf(1),
    holdsResponseBody: () => true,
  })
  const { fold, sink } = foldOf([hop])
  fold.requestHead(transaction)
  fold.holdsBody('to_server', transaction)
  fold.requestEnd(transaction)
  fold.responseHead(transaction)
  fold.holdsBody('to_client', transaction)
  fold.requestHead(other)
  assert.deepEqual(sink.summary, ['blocked:2'])
  fold.responseEnd(transaction)
  assert.deepEqual(sink.summary, ['blocked:2', 'passed:1'])
})

test('a block without alerts gets one, so that the id finds something', () => {
  const { fold, sink } = foldOf([
    scriptedHop({ requestHead: () => ({ kind: 'block', status: 403, alerts: [] }) }),
  ])
  fold.requestHead(transaction)
  assert.equal(sink.events.length, 1)
  assert.equal(sink.events[0]?.verdict, 'blocked')
})

test('failure alerts of a hop are limited and the withheld are counted', () => {
  let now = 0
  const sink = new CollectingSink()
  const failureAlerts = new RateLimit(60_000, () => now)
  const hop = scriptedHop(
    {
      bytes: () => {
        throw new Error('x')
      },
    },
    { onFailure: 'open' },
  )
  const once = () => {
    const fold = new ChainFold([hop], testConnection, { sink, failureAlerts })
    fold.bytes('to_server', chunk)
    fold.commitAlerts()
  }
  for (let flow = 0; flow < 5; flow++) once()
  assert.equal(sink.events.length, 1)
  now = 60_001
  once()
  assert.equal(sink.events.length, 2)
  assert.match(sink.events[1]?.alert.message ?? '', /4 more since/)
  assert.equal(hop.counters.failedException, 6)
})

test('inspection time is observed once per transaction', () => {
  let now = 0
  const hop = scriptedHop({
    requestHead: () => {
      now += 0.2
      return PASS
    },
    responseEnd: () => {
      now += 0.2
      return PASS
    },
  })
  const { fold } = foldOf([hop], () => now)
  fold.requestHead(transaction)
  fold.responseEnd(transaction)
  fold.transactionEnd(transaction)
  fold.close()
  assert.equal(hop.counters.inspectionCount, 1)
  assert.equal(hop.counters.inspectionBuckets[3], 1)
  assert.ok(Math.abs(hop.counters.inspectionMs - 0.4) < 1e-9)
})
