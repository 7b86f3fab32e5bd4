import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { AlertRecord } from '#chain/model/eve.ts'
import { MAX_RECORD_BYTES } from '#chain/model/eve-values.ts'
import type { AlertEvent } from '#inspectors/chain/hop.ts'
import { alertRecord, recordLine } from '#inspectors/eve/alert-record.ts'
import { communityId } from '#inspectors/eve/community-id.ts'
import { errorLogLine } from '#inspectors/eve/error-log.ts'
import { flowIds } from '#inspectors/eve/flow-id.ts'
import { shortLine } from '#inspectors/eve/short-line.ts'
import { testAlert, testConnection } from '../chain/scripted-inspector.ts'
import { testResponse, testTransaction } from '../chain/test-transaction.ts'

const header = (name: string, value: string) => ({ name, nameLower: name.toLowerCase(), value })

const transaction = testTransaction({
  id: 'tx-9',
  index: 2,
  request: {
    method: 'POST',
    target: '/a?b=\u001b]0;x\u0007"\\',
    headers: [
      header('Host', 'shop.example:8080'),
      header('User-Agent', 'curl'),
      header('Cookie', 'session=secret'),
      header('Authorization', 'Basic c2VjcmV0'),
    ],
  },
  response: testResponse({
    status: 302,
    reason: 'Found',
    headers: [header('Location', '/b'), header('Set-Cookie', 'session=secret')],
  }),
  responseBodyBytes: 12,
})

const event: AlertEvent = {
  context: {
    tenant: 't',
    network: 'n',
    port: 'p',
    attachment: 'a',
    chain: 'c',
    inspector: 'waf',
    mode: 'block',
    ruleSet: 'crs@1',
  },
  connection: testConnection,
  transaction,
  alert: {
    ...testAlert(942_100),
    logdata: 'found 1\u001b[31m within ARGS:id',
    tags: ['attack-sqli'],
    phase: 2,
    score: 5,
    matches: [
      {
        variable: 'ARGS:id',
        valueLatin1: "1' or \u00ff",
        offset: 2,
        transformations: ['urlDecodeUni'],
      },
    ],
  },
  verdict: 'blocked',
  flow: 'to_server',
}

const options = { host: 'hv-1', nextId: () => 'record-1', now: () => 1_783_479_247_123.456 }

test('the record is the schema’s and says who, what and why', () => {
  const record = alertRecord(event, options)
  assert.ok(Value.Check(AlertRecord, record), JSON.stringify(Value.Errors(AlertRecord, record)))
  assert.match(record.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0000$/)
  assert.equal(record.alert.action, 'blocked')
  assert.deepEqual([record.src_ip, record.dest_port, record.tx_id], ['10.0.0.1', 80, 2])
  assert.equal(record.portcullis.request_id, 'tx-9')
  assert.equal(record.portcullis.id, 'record-1')
  assert.equal(record.portcullis.rule_set, 'crs@1')
  assert.deepEqual(record.portcullis.matches?.[0]?.value, "1' or \u00ff")
  assert.equal(record.http?.hostname, 'shop.example')
  assert.equal(record.http?.http_port, 8080)
  assert.equal(record.http?.status, 302)
  assert.equal(record.http?.redirect, '/b')
})

test('credentials stay out of the record', () => {
  const text = recordLine(alertRecord(event, options))
  assert.ok(!text.includes('secret') && !text.includes('c2VjcmV0'))
  assert.ok(text.includes('(withheld)'))
})

test('a record is bounded however large its parts', () => {
  const huge = 'x\u00ff'.repeat(100_000)
  const many = <T>(value: T): T[] => Array.from({ length: 1000 }, () => value)
  const record = alertRecord(
    {
      ...event,
      alert: {
        ...event.alert,
        message: huge,
        logdata: huge,
        tags: many(huge),
        references: many(huge),
        metadata: Object.fromEntries(many(huge).map((value, i) => [`k${i}`, [value]])),
        matches: many({ variable: huge, valueLatin1: huge, offset: 0, transformations: ['a'] }),
      },
      transaction: {
        ...transaction,
        request: { ...transaction.request, target: huge, headers: many(header(huge, huge)) },
      },
    },
    options,
  )
  const line = recordLine(record)
  assert.ok(Buffer.byteLength(line) < MAX_RECORD_BYTES, `${Buffer.byteLength(line)} bytes`)
  const parsed = JSON.parse(line) as AlertRecord
  assert.equal(parsed.portcullis.request_id, 'tx-9')
  assert.equal(parsed.alert.signature_id, 942_100)
})

test('what is not blocked was allowed', () => {
  for (const verdict of ['passed', 'would-block', 'bypassed'] as const) {
    assert.equal(alertRecord({ ...event, verdict }, options).alert.action, 'allowed')
  }
})

test('without a transaction the connection gives the request id', () => {
  const record = alertRecord({ ...event, transaction: null }, options)
  assert.equal(record.portcullis.request_id, 'connection-1')
  assert.equal(record.http, undefined)
})

test('lines for people hold no control characters of the peer', () => {
  for (const line of [shortLine(event), errorLogLine(event, 0, 1)]) {
    assert.match(line, /^[\x20-\x7e]+$/)
  }
  const line = errorLogLine(event, 0, 1)
  assert.match(line, /\[id "942100"\]/)
  assert.match(line, /\[msg "rule 942100"\]/)
  assert.match(line, /\[data "found 1\\x1b\[31m within ARGS:id"\]/)
  assert.match(line, /\[tag "attack-sqli"\]/)
  assert.match(line, /\[uri "\/a"\]/)
})

test('error lines are those of ModSecurity: what people have scripts for finds them', () => {
  const line = errorLogLine(
    {
      ...event,
      status: 403,
      alert: {
        ...event.alert,
        severity: 1,
        metadata: { ver: ['OWASP_CRS/4.0.0'] },
        matches: [{ variable: 'ARGS:id\u001b"]', valueLatin1: '', offset: 0, transformations: [] }],
      },
    },
    Date.UTC(2026, 10, 2, 3, 4, 5, 6),
    42,
  )
  assert.match(line, /^[\x20-\x7e]+$/)
  assert.match(
    line,
    /^\[Mon Nov 02 03:04:05\.006000 2026\] \[security2:error\] \[pid 42\] \[client 10\.0\.0\.1:40000\] ModSecurity: Access denied with code 403 \(phase 2\)\. Match at ARGS:id\\x1b\\"\]\. \[file "test\.rules"\] \[line "1"\] \[id "942100"\] \[rev "1"\] \[msg "rule 942100"\] \[data "[^"]+"\] \[severity "CRITICAL"\] \[ver "OWASP_CRS\/4\.0\.0"\] \[tag "attack-sqli"\] \[hostname "shop\.example:8080"\] \[uri "\/a"\] \[unique_id "tx-9"\]$/,
  )
  // go-ftw's own expression for the ids of a line.
  assert.deepEqual(
    [...line.matchAll(/\[(?:id |\\?"id\\?":)\\?"(\d+)\\?"\]/g)].map(([, id]) => id),
    ['942100'],
  )
  const outcomeOf = (fields: Partial<AlertEvent>): string | undefined =>
    / ModSecurity: (.*?)\. /.exec(errorLogLine({ ...event, ...fields }, 0, 1))?.[1]
  assert.equal(outcomeOf({ verdict: 'passed' }), 'Warning')
  assert.equal(
    outcomeOf({ verdict: 'blocked', status: 403, alert: { ...event.alert, decisive: false } }),
    'Warning',
  )
  assert.equal(outcomeOf({ verdict: 'dropped' }), 'Access denied with connection close (phase 2)')
})

test('community id is that of the published test vectors, the same from both ends', () => {
  // corelight/community-id-spec, baseline: tcp 128.232.110.120:34855 -> 66.35.250.204:80, seed 0.
  assert.equal(
    communityId('128.232.110.120', 34_855, '66.35.250.204', 80),
    '1:LQU9qZlK+B5F3KDmev6m5PMibrg=',
  )
  assert.equal(
    communityId('66.35.250.204', 80, '128.232.110.120', 34_855),
    '1:LQU9qZlK+B5F3KDmev6m5PMibrg=',
  )
  assert.equal(communityId('fd00::1', 1, 'fd00::2', 2), communityId('fd00::2', 2, 'fd00::1', 1))
  assert.equal(
    communityId('192.168.1.52', 54_585, '8.8.8.8', 53, 17),
    '1:d/FP5EW3wiY1vCndhwleRRKHowQ=',
  )
  assert.notEqual(
    communityId('192.168.1.52', 54_585, '8.8.8.8', 53, 'udp', 1),
    communityId('192.168.1.52', 54_585, '8.8.8.8', 53, 17),
  )
  assert.equal(communityId('10.0.0.1', 0, '10.0.0.2', 0, 1), undefined)
  assert.equal(communityId('fd00::1', 1, '10.0.0.1', 2), undefined)
})

test('flow ids are unique and fit 51 bits', () => {
  const next = flowIds(0.999_999_999)
  const ids = Array.from({ length: 1000 }, next)
  assert.equal(new Set(ids).size, 1000)
  for (const id of ids) assert.ok(Number.isInteger(id) && id >= 0 && id < 2 ** 51)
})

test('community id of a datagram is that of the published test vectors', () => {
  // corelight/community-id-spec, baseline: udp 192.168.1.52:54585 -> 8.8.8.8:53, seed 0.
  assert.equal(
    communityId('192.168.1.52', 54_585, '8.8.8.8', 53, 'udp'),
    '1:d/FP5EW3wiY1vCndhwleRRKHowQ=',
  )
})
