import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MAX_RECORD_BYTES } from '#chain/model/eve-values.ts'
import type { AlertEvent, HopContext } from '#inspectors/chain/hop.ts'
import { alertRecord, recordLine } from '#inspectors/eve/alert-record.ts'
import { MAX_QUOTED_HEADERS } from '#inspectors/eve/http-fields.ts'
import { RecordWriter } from '#inspectors/eve/record-writer.ts'
import type { Alert, Connection } from '#inspectors/inspector.ts'
import { testAlert, testConnection } from '../chain/scripted-inspector.ts'
import { testResponse, testTransaction } from '../chain/test-transaction.ts'

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', '"\\\u2028\ud800', '\u00ff\u0000', 'x'.repeat(1025), '__proto__'),
)
const texts = fc.array(text, { maxLength: 3 })

const connections = fc.record({
  id: text,
  flowId: fc.nat(),
  clientAddress: fc.constantFrom('10.0.0.1', 'fd00::1', 'none'),
  clientPort: fc.nat(65_535),
  serverAddress: fc.constantFrom('10.0.0.2', 'fd00::2'),
  serverPort: fc.nat(65_535),
  openedAt: fc.nat(),
})

const contexts = fc.record(
  {
    tenant: text,
    network: text,
    port: text,
    attachment: text,
    chain: text,
    inspector: fc.constantFrom('waf', 'portcullis'),
    mode: fc.constantFrom('block' as const, 'detect' as const),
    ruleSet: text,
  },
  { requiredKeys: ['tenant', 'port', 'attachment', 'chain', 'inspector'] },
)

const alerts = fc
  .record(
    {
      message: text,
      category: text,
      metadata: fc.dictionary(text, texts, { maxKeys: 3 }),
      references: texts,
      matches: fc.array(
        fc.record({
          variable: text,
          valueLatin1: text,
          offset: fc.integer({ min: -1 }),
          transformations: fc.array(fc.constantFrom('lowercase', 'urlDecodeUni')),
        }),
        { maxLength: 20 },
      ),
      score: fc.nat(),
      phase: fc.nat(5),
      logdata: text,
      tags: texts,
      source: text,
      decisive: fc.boolean(),
    },
    {
      requiredKeys: [
        'message',
        'category',
        'metadata',
        'references',
        'matches',
        'source',
        'decisive',
      ],
    },
  )
  .map((fields): Alert => ({ ...testAlert(942_100), ...fields }))

const header = fc
  .tuple(
    fc.constantFrom('Host', 'Cookie', 'X-Odd', 'Referer', 'User-Agent', 'X-Forwarded-For'),
    fc.oneof(text, fc.constantFrom('a:80', 'a:', ':1', '[::1]:8', 'a:123456', 'a:1\n')),
  )
  .map(([name, value]) => ({ name, nameLower: name.toLowerCase(), value }))

const transactions = fc
  .record({
    id: text,
    index: fc.nat(),
    target: text,
    headers: fc.oneof(
      { weight: 4, arbitrary: fc.array(header) },
      // More than a record quotes.
      header.map((one) => Array.from({ length: MAX_QUOTED_HEADERS + 1 }, () => one)),
    ),
    status: fc.nat(599),
  })
  .map(({ id, index, target, headers, status }) =>
    testTransaction({
      id,
      index,
      request: { target, headers },
      response: status < 100 ? null : testResponse({ status, headers }),
    }),
  )

const pick = <T>(from: readonly T[], index: number): T => from[index % from.length]

test('lines are those of the plain way, whatever was written before', () => {
  const options = { host: 'hv-1', nextId: () => 'id', now: () => 0 }
  fc.assert(
    fc.property(
      fc.array(connections, { minLength: 1, maxLength: 2 }),
      fc.array(contexts, { minLength: 1, maxLength: 2 }),
      fc.array(alerts, { minLength: 1, maxLength: 3 }),
      fc.array(fc.option(transactions), { minLength: 1, maxLength: 2 }),
      fc.array(
        fc.record({
          turn: fc.nat(11),
          now: fc.double({ min: 0, max: 4e12, noNaN: true }),
          verdict: fc.constantFrom('passed', 'blocked', 'dropped', 'would-block', 'bypassed'),
          received: fc.nat(2),
        }),
        { minLength: 1, maxLength: 12 },
      ),
      (flows: Connection[], hops: HopContext[], found, exchanges, steps) => {
        let now = 0
        const timed = { ...options, now: () => now }
        const writer = new RecordWriter(timed)
        // Metadata that two rules share must not make one of them look like the other.
        const told = found.map((alert, at) =>
          at === 1 ? { ...alert, metadata: found[0].metadata, rev: 7 } : alert,
        )
        for (const { turn, verdict, received, ...step } of steps) {
          ;({ now } = step)
          const transaction = pick(exchanges, turn)
          if (transaction !== null) transaction.responseBodyBytes += received
          const event: AlertEvent = {
            connection: pick(flows, turn),
            context: pick(hops, turn),
            alert: pick(told, turn),
            transaction,
            verdict,
            flow: turn % 2 === 0 ? 'to_server' : 'to_client',
          }
          assert.equal(writer.line(event).toString(), recordLine(alertRecord(event, timed)))
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('a record that is too long is cut as the plain way cuts it', () => {
  const options = { host: 'hv-1', nextId: () => 'id', now: () => 0 }
  const huge = 'x\u00ff'.repeat(5_000)
  const event: AlertEvent = {
    connection: testConnection,
    context: { tenant: 't', port: 'p', attachment: 'a', chain: 'c', inspector: 'waf' },
    alert: {
      ...testAlert(1),
      tags: Array.from({ length: 100 }, () => huge),
      matches: Array.from({ length: 100 }, () => ({
        variable: huge,
        valueLatin1: huge,
        offset: 0,
        transformations: [],
      })),
    },
    transaction: null,
    verdict: 'passed',
    flow: 'to_server',
  }
  const line = new RecordWriter(options).line(event).toString()
  assert.ok(Buffer.byteLength(line) < MAX_RECORD_BYTES)
  assert.equal(line, recordLine(alertRecord(event, options)))
})
