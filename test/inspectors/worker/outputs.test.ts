import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AlertRecord } from '#chain/model/eve.ts'
import type { AlertEvent } from '#inspectors/chain/hop.ts'
import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import { MAX_DEFERRED_RECORDS } from '#inspectors/worker/deferred-records.ts'
import { AlertOutputs } from '#inspectors/worker/outputs.ts'
import { testAlert, testConnection } from '../chain/scripted-inspector.ts'
import { testTransaction } from '../chain/test-transaction.ts'

const context = { tenant: 't', port: 'p', attachment: 'a', chain: 'c', inspector: 'waf' }

const eventOf = (signatureId: number, transaction: HttpTransaction | null): AlertEvent => ({
  context,
  connection: testConnection,
  transaction,
  alert: testAlert(signatureId),
  verdict: 'passed',
  flow: 'to_server',
})

/** Shows outputs to `use`, closes them, and reads both places that take records. */
function told(use: (outputs: AlertOutputs, setNow: (epochMs: number) => void) => void): {
  eve: AlertRecord[]
  spool: AlertRecord[]
} {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-outputs-'))
  let now = 0
  try {
    const spoolFolder = join(folder, 'spool')
    const eveFile = join(folder, 'eve.json')
    const records = { host: 'h', nextId: () => 'id', now: () => now }
    const outputs = new AlertOutputs({ spoolFolder, eveFile }, records, 1, () => {})
    use(outputs, (epochMs) => (now = epochMs))
    outputs.close()
    const spool = readdirSync(spoolFolder).map((name) => readFileSync(join(spoolFolder, name)))
    return { eve: parsed(readFileSync(eveFile)), spool: parsed(Buffer.concat(spool)) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const parsed = (bytes: Buffer): AlertRecord[] =>
  bytes
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AlertRecord)

test('a record says what was known when its alert was raised', () => {
  const { eve } = told((outputs, setNow) => {
    const transaction = testTransaction()
    setNow(1000)
    outputs.alert(eventOf(1, transaction))
    const { request } = transaction
    transaction.response = { ...request, status: 404, reason: '', protocol: 'HTTP/1.1' }
    transaction.responseBodyBytes = 7
    setNow(2000)
    outputs.alert(eventOf(2, transaction))
    setNow(9000)
    outputs.flush()
  })
  assert.deepEqual(
    eve.map(({ timestamp, http }) => [timestamp, http?.status, http?.length]),
    [
      ['1970-01-01T00:00:01.000000+0000', undefined, 0],
      ['1970-01-01T00:00:02.000000+0000', 404, 7],
    ],
  )
})

test('more alerts than are kept waiting come to every output, in their order', () => {
  const count = MAX_DEFERRED_RECORDS + 3
  const ids = Array.from({ length: count }, (_, at) => at + 1)
  const { eve, spool } = told((outputs) => {
    for (const id of ids) outputs.alert(eventOf(id, null))
    assert.ok(outputs.isPending)
    outputs.flush()
    assert.ok(!outputs.isPending)
  })
  const idsOf = (records: AlertRecord[]): number[] => records.map(({ alert }) => alert.signature_id)
  assert.deepEqual([idsOf(eve), idsOf(spool)], [ids, ids])
})
