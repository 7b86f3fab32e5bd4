import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AlertEvent } from '#inspectors/chain/hop.ts'
import { errorLogLine } from '#inspectors/eve/error-log.ts'
import { RecordWriter } from '#inspectors/eve/record-writer.ts'
import { shortLine } from '#inspectors/eve/short-line.ts'
import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import { TEST_CONNECTION } from '#test/conformance/crs/in-process.ts'
import { wafOf } from './waf-of.ts'

/** Everything that is written about the alerts of one request. */
function written(rules: string, request: string): string {
  const connection = wafOf(rules).open(TEST_CONNECTION)
  const context = { tenant: 't', port: 'p', attachment: 'a', chain: 'c', inspector: 'waf' }
  const records = new RecordWriter({ host: 'h', nextId: () => 'id', now: () => 0 })
  const lines: string[] = []
  const ignore = (): void => {}
  const tell = (transaction: HttpTransaction): void => {
    const verdict = connection.requestHead(transaction)
    assert.equal(verdict.kind, 'block')
    for (const alert of verdict.kind === 'block' ? verdict.alerts : []) {
      const event: AlertEvent = {
        context,
        connection: TEST_CONNECTION,
        transaction,
        alert,
        verdict: 'blocked',
        flow: 'to_server',
      }
      lines.push(records.line(event).toString(), errorLogLine(event, 0, 1), shortLine(event))
    }
  }
  const parser = new HttpExchangeParser(
    {
      requestHead: tell,
      requestBody: ignore,
      requestEnd: ignore,
      responseHead: ignore,
      responseBody: ignore,
      responseEnd: ignore,
      interimResponse: ignore,
      tunnel: ignore,
      error: (error) => assert.fail(error.message),
    },
    { nextId: () => 'tx', now: () => 0 },
  )
  parser.pushClient(Buffer.from(request, 'latin1'))
  return lines.join('\n')
}

const REQUEST =
  'GET /login?user=jo&password=s3cret HTTP/1.1\r\nHost: a\r\nX-Token: t0ken\r\nReferer: /?p=s3cret\r\n\r\n'
const DENY =
  'SecRule ARGS:password "@contains s3" "id:2,phase:1,deny,log,msg:\'saw %{MATCHED_VAR}\',logdata:\'in %{MATCHED_VAR}\'"'

test('what rules withhold from the audit log is not in alerts either', () => {
  const plain = written(DENY, REQUEST)
  for (const secret of ['saw s3cret', 'password=s3cret', 't0ken', '?p=s3cret']) {
    assert.ok(plain.includes(secret), secret)
  }
  const masked = written(
    `SecAction "id:1,phase:1,nolog,pass,sanitiseArg:password,sanitiseRequestHeader:X-Token"\n${DENY}`,
    REQUEST,
  )
  assert.ok(!/s3cret|t0ken/.test(masked), masked)
  assert.ok(masked.includes('user=jo&password=******'), masked)
  assert.ok(masked.includes('saw ******'), masked)
})
