import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createWaf, type Waf } from '#inspectors/waf/waf.ts'
import { exchange } from '#test/conformance/crs/in-process.ts'
import { alertsOf } from './waf-of.ts'

/**
 * The fast paths against their obvious twins: the gate against trying every rule, specialised against
 * whole programs, and one chunk against many.
 */

const CRS = `${import.meta.dirname}/../../../../shared/data/crs`
const skip = existsSync(CRS) ? false : `${CRS} is not on this machine`

function load(twin: { gate?: 'off'; specialize?: 'off' }): Waf {
  return createWaf({
    mode: 'detect',
    rulePaths: [`${CRS}/rules`],
    setupPaths: [`${CRS}/crs-setup.conf.example`],
    settings: { paranoia: 4 },
    ...twin,
  })
}

const FRAGMENTS = [
  "' or 1=1 -- ",
  'union select',
  '<script>',
  'alert(1)',
  '../../etc/passwd',
  ';cat /etc/passwd',
  '$(id)',
  '%{(#a=1)}',
  '${jndi:ldap://x}',
  'php://input',
  'javascript:',
  'onerror=',
  '%00',
  '%u0061',
  '&lt;',
  '\\x41',
  '\\u0041',
  '%252e%252e',
  'http://10.0.0.1/',
  'hello world',
  'john@example.com',
  '0x31',
  'base64_decode(',
  '\xc0\xae',
  '\r\nSet-Cookie: a=b',
]

const text = fc
  .array(
    fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ unit: 'binary-ascii', maxLength: 8 })),
    {
      maxLength: 4,
    },
  )
  .map((parts) => parts.join(''))

const encoded = text.map((value) =>
  Array.from(Buffer.from(value, 'latin1'), (byte) =>
    /[A-Za-z0-9/.()<>'=;*$-]/.test(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).padStart(2, '0')}`,
  ).join(''),
)

const header = text.map((value) => value.replaceAll(/[^\x20-\x7e]/g, ''))

const request = fc
  .record({
    path: encoded,
    args: fc.array(fc.tuple(encoded, encoded), { maxLength: 3 }),
    agent: header,
    cookie: header,
    body: fc.option(
      fc.oneof(
        fc.record({ type: fc.constant('application/x-www-form-urlencoded'), text: encoded }),
        fc.record({
          type: fc.constant('application/json'),
          text: fc.dictionary(text, text, { maxKeys: 3 }).map((value) => JSON.stringify(value)),
        }),
        fc.record({
          type: fc.constant('text/xml'),
          text: header.map((value) => `<a b="${value.replaceAll(/["<&]/g, '')}">x</a>`),
        }),
      ),
    ),
  })
  .map(({ path, args, agent, cookie, body }) => {
    const query = args.map(([name, value]) => `${name}=${value}`).join('&')
    const bytes = Buffer.from(body?.text ?? '', 'utf8')
    const lines = [
      `${body === null ? 'GET' : 'POST'} /${path}?${query} HTTP/1.1`,
      'Host: shop.example',
      `User-Agent: ${agent}`,
      `Cookie: a=${cookie}`,
      ...(body === null ? [] : [`Content-Type: ${body.type}`, `Content-Length: ${bytes.length}`]),
      '',
      '',
    ]
    return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), bytes])
  })

/** What an outside observer can tell apart. */
function outcome(waf: Waf, bytes: Buffer, cut?: number): unknown {
  const result = exchange(waf, bytes, undefined, cut)
  return {
    status: result.status,
    alerts: alertsOf(result).map((alert) => [
      alert.signatureId,
      alert.message,
      alert.logdata,
      alert.score,
      alert.matches,
      alert.decisive,
    ]),
  }
}

test(
  'gated, specialised and cut requests are judged like ungated, whole and uncut ones',
  { skip },
  () => {
    const fast = load({})
    const ungated = load({ gate: 'off' })
    const whole = load({ specialize: 'off' })
    let alerts = 0
    fc.assert(
      fc.property(request, fc.integer({ min: 1, max: 200 }), (bytes, cut) => {
        const expected = outcome(ungated, bytes)
        assert.deepEqual(outcome(fast, bytes), expected)
        assert.deepEqual(outcome(whole, bytes), expected)
        assert.deepEqual(outcome(fast, bytes, cut), expected)
        alerts += (expected as { alerts: unknown[] }).alerts.length
      }),
      { numRuns: process.argv.includes('--long') ? 100_000 : 200 },
    )
    assert.ok(
      alerts > 200,
      `only ${alerts} alerts: the requests are too tame to tell the paths apart`,
    )
  },
)
