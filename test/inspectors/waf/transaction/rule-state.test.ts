import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Connection } from '#inspectors/inspector.ts'
import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import { RuleState, isRepeatable } from '#inspectors/waf/transaction/rule-state.ts'
import { Transaction } from '#inspectors/waf/transaction/transaction.ts'
import { TxNames, TxStore } from '#inspectors/waf/transaction/tx-store.ts'

/** What rules may set, with a value that none has at the beginning. */
const SET_BY_RULES = {
  engine: 'off',
  requestBodyAccess: true,
  requestBodyLimit: 17,
  responseBodyAccess: true,
  responseBodyLimit: 18,
  processor: 'xml',
  forcesRequestBody: true,
  removedRules: new Int32Array([5]),
  removedTargets: [],
  allowed: 'request',
  auditEngine: 'on',
  auditParts: 'Z',
  highestSeverity: 2,
  matchedVariable: {},
}
/** What rules may leave so that their work is not repeated for another transaction, likewise. */
const NOT_REPEATED = {
  environment: new Map(),
  records: new Map(),
  interception: {},
  secrets: [],
  hits: [{}],
}
/** Follows from the traffic and the configuration, or lives while one rule runs. */
const OTHERS = `
  http connection configuration store nowMs tx lists target requestBody responseBodyLatin1
  isResponseInflated rawUri queryArguments bodyArguments files partHeaders multipart xml
  xmlValues bodyError hasInboundDataError hasOutboundDataError hasUrlencodedError
  matchedVariables currentPhase
`
  .trim()
  .split(/\s+/)

function transactionOf(): Transaction {
  const http = { startedAt: 0, request: { target: '/', headers: [] }, response: null }
  const configuration = { mode: 'block', audit: { engine: 'off', parts: 'AZ' } }
  return new Transaction(
    http as unknown as HttpTransaction,
    {} as Connection,
    configuration as unknown as Transaction['configuration'],
    {} as Transaction['store'],
    new TxStore(new TxNames(), []),
  )
}

describe('what rules made of a transaction', () => {
  test('every field is known to be set by rules, or not', () => {
    assert.deepEqual(
      Object.keys(transactionOf()).sort(),
      [...Object.keys(SET_BY_RULES), ...Object.keys(NOT_REPEATED), ...OTHERS].sort(),
      'rule-state.ts has to give a new field on, or to refuse to repeat; then name it here',
    )
  })

  for (const [field, value] of Object.entries(SET_BY_RULES))
    test(`${field} is given to another transaction`, () => {
      const from = transactionOf()
      assert.notDeepEqual(from[field as keyof Transaction], value)
      Object.assign(from, { [field]: value })
      const to = transactionOf()
      new RuleState(from).give(to)
      assert.deepEqual(to[field as keyof Transaction], value)
    })

  for (const [field, value] of Object.entries(NOT_REPEATED))
    test(`with ${field} nothing is repeated`, () => {
      const transaction = transactionOf()
      assert.ok(isRepeatable(transaction))
      Object.assign(transaction, { [field]: value })
      assert.ok(!isRepeatable(transaction))
    })

  test('TX variables are given, and those of each stay its own', () => {
    const names = new TxNames()
    const slot = names.slotOf('score')
    const [from, to] = [transactionOf(), transactionOf()].map((transaction) =>
      Object.assign(transaction, { tx: new TxStore(names, []) }),
    )
    from.tx.slots[slot] = '5'
    const state = new RuleState(from)
    from.tx.slots[slot] = '6'
    state.give(to)
    assert.equal(to.tx.slots[slot], '5')
    to.tx.slots[slot] = '7'
    const third = Object.assign(transactionOf(), { tx: new TxStore(names, []) })
    state.give(third)
    assert.equal(third.tx.slots[slot], '5')
  })
})
