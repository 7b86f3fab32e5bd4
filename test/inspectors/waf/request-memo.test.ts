import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import * as fc from 'fast-check'
import type { HttpExchangeHandler } from '#inspectors/http/exchange-handler.ts'
import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import type { Connection, ConnectionInspector, Inspector } from '#inspectors/inspector.ts'
import type { Waf } from '#inspectors/waf/waf.ts'
import { MAX_REQUESTS } from '#inspectors/waf/evaluate/request-memo.ts'
import { collectionNamed } from '#inspectors/waf/transaction/collections.ts'
import { exchange, TEST_CONNECTION } from '#test/conformance/crs/in-process.ts'
import { reflect } from '#test/conformance/crs/reflect.ts'
import { alertsOf, send, wafOf } from './waf-of.ts'

/** `portcullis test --long request-memo` tries more. */
const numRuns = process.env['PORTCULLIS_TEST_LONG'] === '1' ? 20_000 : 500

/** What a request may find: each line of its own, so that a set of them can be chosen. */
const FEATURES = [
  `SecRule REQUEST_HEADERS:X-Kind "@rx ^k(\\d)" "id:10,phase:1,pass,nolog,capture,setvar:tx.kind=%{tx.1}"`,
  `SecRule REQUEST_HEADERS:X-Kind "@streq k2" "id:11,phase:1,pass,nolog,chain"
     SecRule REQUEST_HEADERS:X-Token "@rx ^t" "setvar:tx.token=%{REQUEST_HEADERS.x-token}"`,
  `SecRule ARGS:a "@rx ^bad" "id:12,phase:1,pass,log,msg:'bad %{matched_var}'"`,
  `SecRule ARGS_GET "@endsWith ad1" "id:13,phase:2,pass,log,msg:'later %{matched_var}'"`,
  `SecRule REQUEST_COOKIES "@contains evil" "id:14,phase:2,deny,msg:'cookie'"`,
  `SecRule &ARGS "@gt 2" "id:15,phase:1,pass,nolog,setvar:tx.many=1"`,
  `SecRule REQUEST_METHOD "@streq GET" "id:16,phase:1,pass,nolog,setvar:tx.gets=+1,chain"
     SecRule ARGS:b "@rx ^\\d+$" "setvar:tx.number=1"`,
  `SecRule REQUEST_METHOD "@streq GET" "id:17,phase:1,pass,nolog,chain"
     SecRule REQUEST_URI|REQUEST_HEADERS:Cookie "@contains 7" "setvar:tx.seven=1"`,
  `SecRule ARGS:b "@streq %{tx.kind}" "id:18,phase:2,pass,nolog,setvar:tx.same=1"`,
  `SecRule REQUEST_FILENAME "@beginsWith /api" "id:19,phase:1,pass,nolog,ctl:ruleRemoveTargetById=12;ARGS:a"`,
  `SecRule REQUEST_FILENAME "@beginsWith /api" "id:20,phase:1,pass,nolog,ctl:ruleRemoveById=13,ctl:ruleEngine=DetectionOnly"`,
  `SecRule REQUEST_HEADERS:X-Token "@streq t9" "id:21,phase:2,deny,status:401"`,
  `SecRule REMOTE_PORT "@eq 7" "id:22,phase:1,pass,nolog,setvar:tx.port=1"`,
  `SecRule TX:kind "@eq 1" "id:23,phase:1,pass,nolog,chain"
     SecRule REMOTE_PORT "@gt 6" "setvar:tx.port=2"`,
  `SecRule REMOTE_ADDR "@streq 127.0.0.2" "id:24,phase:1,pass,nolog,setvar:tx.there=1"`,
  `SecRule RESPONSE_HEADERS:X-Kind "@streq k1" "id:25,phase:3,pass,nolog,setvar:tx.answer=%{RESPONSE_HEADERS.x-kind}"`,
  `SecRule RESPONSE_HEADERS "@contains evil" "id:26,phase:3,deny,status:502"`,
  `SecRule RESPONSE_STATUS "@streq 404" "id:27,phase:4,pass,nolog,setvar:tx.missing=+1,chain"
     SecRule REQUEST_HEADERS:X-Kind "@rx 1" "setvar:tx.missing=+1"`,
  `SecAction "id:28,phase:1,pass,nolog,initcol:ip=%{remote_addr},setvar:ip.count=+1,setvar:tx.seen=%{ip.count}"`,
  `SecRule ARGS_COMBINED_SIZE "@ge 9" "id:29,phase:1,pass,nolog,setvar:tx.size=1"`,
  `SecRule SERVER_NAME "@beginsWith b" "id:30,phase:1,pass,nolog,setvar:tx.server=%{server_name}"`,
  `SecRule REQUEST_HEADERS "@rx ^k2" "id:31,phase:2,pass,nolog,setvar:tx.which=%{matched_var_name}"`,
  `SecRule REQUEST_HEADERS:Content-Type "@rx json" "id:32,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"`,
  `SecRule REQBODY_PROCESSOR "@streq JSON" "id:33,phase:2,pass,nolog,setvar:tx.json=1"`,
  `SecRule ARGS:b "!@rx ^\\d*$" "id:34,phase:1,pass,nolog,setvar:tx.word=1"`,
  `SecRule QUERY_STRING "@rx b=7" "id:35,phase:2,pass,nolog,setvar:tx.query=1"`,
  `SecRule REQUEST_FILENAME "@streq /api" "id:38,phase:1,pass,nolog,setvar:tx.path=1"`,
  `SecRule REQUEST_HEADERS "@rx ^(k\\d)$" "id:39,phase:1,pass,nolog,capture,setvar:'tx.seen_%{tx.1}=/%{tx.1}/',chain"
     SecRule TX:/^seen_/ "@rx k2" "setvar:tx.listed=+1"`,
  `SecRule REQUEST_HEADERS:X-Token "@streq u" "id:40,phase:1,allow,nolog"`,
  `SecRule RESPONSE_STATUS "@streq 404" "id:41,phase:5,pass,nolog,setvar:tx.last=1"`,
  `SecRule REQUEST_METHOD "@streq GET" "id:42,phase:1,pass,nolog,chain"
     SecRule ARGS "@rx ^w|^1" "chain"
     SecRule ARGS:c "@streq never"`,
  `SecRule MATCHED_VARS "@rx w" "id:43,phase:1,pass,nolog,setvar:tx.matched=%{matched_var}"`,
  `SecRule RESPONSE_BODY "@contains secret" "id:44,phase:4,pass,log,msg:'secret'"`,
  `SecRule RESPONSE_STATUS "@streq 200" "id:45,phase:4,pass,nolog,chain"
     SecRule RESPONSE_BODY "@contains other" "setvar:tx.other=1"`,
  `SecRule RESPONSE_BODY "@contains fine" "id:46,phase:5,pass,nolog,setvar:tx.fine=1"`,
  `SecRule STREAM_OUTPUT_BODY "@streq other" "id:47,phase:4,pass,nolog,setvar:tx.stream=1"`,
  `SecRule URLENCODED_ERROR "@eq 1" "id:36,phase:1,pass,nolog,setvar:tx.broken=1"`,
  `SecRule REQUEST_COOKIES_NAMES|ARGS_NAMES "@streq x" "id:37,phase:1,pass,nolog,setvar:tx.named=+1"`,
]

const TOLD = (
  'kind token many gets number seven same port there answer missing seen size server which json ' +
  'word query broken named path'
).split(' ')
/** What became of TX is told where an argument asks for it: other requests leave nothing that could be seen. */
const TELL = [2, 5].map(
  (phase) =>
    `SecRule ARGS:tell "@streq ${phase}" "id:9${phase},phase:${phase},pass,log,` +
    `msg:'${phase} ${TOLD.map((name) => `%{tx.${name}}`).join('|')}'"`,
)

/** Parts of a request and of its answer; '' leaves one out. */
const sent = fc.record({
  method: fc.constantFrom('GET', 'GET', 'PUT'),
  path: fc.constantFrom('/', '/api'),
  a: fc.constantFrom('', 'a=1', 'a=good', 'a=bad1', 'a=%'),
  b: fc.constantFrom('', 'b=1', 'b=7', 'b=w', 'x=1'),
  c: fc.constantFrom('', 'c=3'),
  tell: fc.constantFrom('', 'tell=2', 'tell=5', 'tell=5'),
  host: fc.constantFrom('Host: a', 'Host: b'),
  kind: fc.constantFrom('', 'X-Kind: k1', 'X-Kind: k2', 'X-Kind: z'),
  token: fc.constantFrom('', 'X-Token: t1', 'X-Token: t9', 'X-Token: u'),
  cookie: fc.constantFrom(
    '',
    'Cookie: s=1',
    'Cookie: s=7; x=2',
    'Cookie: s=8; t=2',
    'Cookie: s=evil',
  ),
  type: fc.constantFrom('', 'Content-Type: application/json', 'Content-Type: text/xml'),
  body: fc.constantFrom('', 'a=bad1', '{"b":"7"}'),
  status: fc.constantFrom('200 OK', '404 None', ''),
  answer: fc.constantFrom('', 'X-Kind: k1', 'X-Kind: k2', 'X-Kind: evil'),
  page: fc.constantFrom('', 'fine', 'other', 'a secret', 'x'.repeat(2049)),
  port: fc.constantFrom(5, 7),
  address: fc.constantFrom('127.0.0.1', '127.0.0.2'),
})
type Sent = typeof sent extends fc.Arbitrary<infer Value> ? Value : never
const PARTS: readonly (keyof Sent)[] = [
  'method',
  'path',
  'a',
  'b',
  'c',
  'tell',
  'host',
  'kind',
  'token',
  'cookie',
  'type',
  'body',
  'status',
  'answer',
  'page',
  'port',
  'address',
]

/** Requests that are the same but for some parts. */
const requests = fc
  .tuple(
    sent.map((one): Sent => ({ ...one, body: '' })),
    fc.subarray([...PARTS], { minLength: 1, maxLength: 3 }),
    fc.array(sent, { minLength: 3, maxLength: 9 }),
  )
  .map(([first, parts, others]) => [
    first,
    ...others.map((other) =>
      parts.reduce<Sent>((made, part) => ({ ...made, [part]: other[part] }), first),
    ),
  ])

function outcome(waf: Waf, one: Sent): unknown {
  const { method, path, a, b, c, tell, body, port, address } = one
  const query = [a, b, c, tell].filter((pair) => pair !== '').join('&')
  const fields: string[] = [one.host, one.kind, one.token, one.cookie, one.type].filter(
    (line) => line !== '',
  )
  if (body !== '') fields.push(`Content-Length: ${body.length}`)
  const request = [`${method} ${path}?${query} HTTP/1.1`, ...fields, '', body].join('\r\n')
  const at = (connection: Connection): Connection => ({
    ...connection,
    clientPort: port,
    clientAddress: address,
  })
  const inspector: Inspector = { ...waf, open: (connection) => waf.open(at(connection)) }
  const head = [
    `HTTP/1.1 ${one.status}`,
    'Content-Type: text/html',
    `Content-Length: ${one.page.length}`,
    one.answer,
  ].filter((line) => line !== '')
  const answer = Buffer.from(one.status === '' ? '' : `${head.join('\r\n')}\r\n\r\n${one.page}`)
  const result = exchange(inspector, Buffer.from(request, 'latin1'), () => answer)
  return [result.status, alertsOf(result).map(({ message, signatureId }) => [signatureId, message])]
}

test('a request like an earlier one is judged as if all rules were run', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.subarray(FEATURES, { minLength: 2, maxLength: 8 }),
      requests,
      fc.constantFrom('detect' as const, 'block' as const),
      async (features, list, mode) => {
        // What rules took of memory outside of the heap is given back between turns alone.
        await setImmediate()
        const rules = [
          'SecRequestBodyAccess On',
          'SecResponseBodyAccess On',
          ...features,
          ...TELL,
        ].join('\n')
        const fast = wafOf(rules, { mode })
        const slow = wafOf(rules, { mode, specialize: 'off' })
        for (const one of [...list, ...list]) {
          assert.deepEqual(outcome(fast, one), outcome(slow, one))
        }
      },
    ),
    { numRuns },
  )
})

/** For each request, whether its rules were run: then somebody asked for the names of its fields. */
function runsOf(
  rules: string,
  lines: readonly string[],
  fields: readonly string[] = [],
): boolean[] {
  const names = collectionNamed('REQUEST_HEADERS_NAMES').id
  let isRun = false
  const waf = wafOf(`${rules}\nSecRule REQUEST_HEADERS_NAMES "@rx ^evil$" "id:99,phase:1,deny"`, {
    onPhase: (_program, { lists }) => void (isRun = lists[names] !== undefined),
  })
  return lines.map((line) => {
    send(waf, line, fields)
    return isRun
  })
}

test('rules are not run again where only values differ that none of them matches', () => {
  const rules = 'SecRule ARGS "@contains attack" "id:1,phase:2,deny"'
  const lines = ['GET /?a=1', 'GET /?a=2', 'GET /?a=attack', 'GET /?a=3', 'GET /?b=1', 'PUT /?a=1']
  assert.deepEqual(runsOf(rules, lines), [true, false, true, false, true, true])
  const others = lines.map((line) => line.replace('a=', 'c=1&a='))
  const again = [true, false, true, false, false, true]
  assert.deepEqual(runsOf(rules, [...lines, ...others, ...lines.slice(0, 2)]).slice(6), [
    ...again,
    false,
    false,
  ])
})

test('rules are run again where one of them looks at what differs each time', () => {
  const lines = ['GET /?a=1', 'GET /?a=2', 'GET /?a=3']
  for (const rule of [
    'SecRule DURATION "@lt 0" "id:1,phase:1,deny"',
    'SecRule TIME_HOUR "@gt 24" "id:1,phase:1,deny"',
    'SecRule UNIQUE_ID "@streq x" "id:1,phase:1,deny"',
    'SecRule REMOTE_PORT "@eq 1" "id:1,phase:1,deny"',
    'SecRule FULL_REQUEST "@contains evil" "id:1,phase:1,deny"',
    'SecRule ARGS_COMBINED_SIZE "@gt 100" "id:1,phase:1,deny"',
    'SecRule ARGS "@within %{request_headers.x-kind}" "id:1,phase:1,deny"',
    'SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{remote_addr}"',
    'SecAction "id:1,phase:1,pass,nolog,setvar:tx.uri=%{request_uri}"',
    'SecRule ENV:x "@eq 1" "id:1,phase:1,deny"\nSecAction "id:2,phase:1,pass,nolog,setenv:x=1"',
    'SecAction "id:1,phase:1,pass,log,msg:told"',
  ]) {
    assert.deepEqual(runsOf(rule, lines), [true, true, true], rule)
  }
})

test('what differs from a request that an attack was found in is not taken for it', () => {
  const waf = wafOf('SecRule REQUEST_COOKIES "@contains evil" "id:1,phase:2,pass,log,msg:evil"')
  const told = ['evil', '1', 'evil', '2', 'evil'].map((value) =>
    alertsOf(send(waf, 'GET /', [`Cookie: s=${value}`])).map(({ message }) => message),
  )
  assert.deepEqual(told, [['evil'], [], ['evil'], [], ['evil']])
})

test('a phase that one request did not get to is not repeated for it', () => {
  const waf = wafOf('SecRule ARGS "@contains evil" "id:1,phase:5,pass,log,msg:evil"')
  const [unanswered, answered] = [() => Buffer.alloc(0), reflect]
  const told = [
    ['a=evil', unanswered] as const,
    ['a=1', answered] as const,
    ['a=evil', answered] as const,
  ].map(([query, back]) => {
    const bytes = Buffer.from(`GET /?${query} HTTP/1.1\r\nHost: a\r\n\r\n`)
    return alertsOf(exchange(waf, bytes, back)).map(({ message }) => message)
  })
  assert.deepEqual(told, [['evil'], [], ['evil']])
})

test('what is found out while a request is under way holds for it too', () => {
  const waf = wafOf(`
    SecRule REQUEST_METHOD "@streq GET" "id:1,phase:5,pass,log,msg:'evil',chain"
      SecRule ARGS:a "@streq evil"`)
  const told: string[] = []
  const [first, second] = ['1', 'evil'].map((value) => {
    const inspector = waf.open(TEST_CONNECTION)
    const parser = new HttpExchangeParser(handlerOf(inspector, told), {
      nextId: () => value,
      now: () => 0,
    })
    parser.pushClient(Buffer.from(`GET /?a=${value} HTTP/1.1\r\nHost: a\r\n\r\n`))
    return parser
  })
  const answer = Buffer.from('HTTP/1.1 204 None\r\n\r\n')
  first.pushServer(answer)
  assert.deepEqual(told, [])
  second.pushServer(answer)
  assert.deepEqual(told, ['evil'])
})

function handlerOf(inspector: ConnectionInspector, told: string[]): HttpExchangeHandler {
  return {
    requestHead: (transaction) => void inspector.requestHead(transaction),
    requestBody: () => {},
    requestEnd: (transaction) => void inspector.requestEnd(transaction),
    interimResponse: () => {},
    responseHead: (transaction) => void inspector.responseHead(transaction),
    responseBody: () => {},
    responseEnd: (transaction) => {
      inspector.responseEnd(transaction)
      const verdict = inspector.transactionEnd(transaction)
      if (verdict.kind === 'alert') told.push(...verdict.alerts.map(({ message }) => message))
    },
    tunnel: () => {},
    error: (error) => assert.fail(error.code),
  }
}

test('what rules looked at is known also where they were not run each time', () => {
  const messages = (rules: string): string[][] => {
    const waf = wafOf(rules)
    return ['GET a', 'PUT a', 'PUT b', 'PUT a'].map((one) => {
      const [method, kind] = one.split(' ')
      return alertsOf(send(waf, `${method} /`, [`X-Kind: ${kind}`])).map(({ message }) => message)
    })
  }
  // Not tried again with what it did not match the time before.
  const steady = `
    SecAction "id:1,phase:1,pass,nolog,setvar:tx.kind=b"
    SecRule REQUEST_HEADERS:X-Kind "@streq %{tx.kind}" "id:2,phase:1,pass,log,msg:'b'"`
  assert.deepEqual(messages(steady), [[], [], ['b'], []])
  // A row that does what it did the time before.
  const row = `
    SecRule REQUEST_HEADERS "@rx ^(a)$" "id:1,phase:1,pass,nolog,capture,setvar:'tx.seen_%{tx.1}=1',chain"
      SecRule TX:/^seen_/ "@streq 1" "setvar:tx.rows=+1"
    SecRule TX:rows "@ge 1" "id:2,phase:5,pass,log,msg:'a'"`
  assert.deepEqual(messages(row), [['a'], ['a'], [], ['a']])
})

test('requests that are not met again give way to others', () => {
  const paths = Array.from({ length: MAX_REQUESTS + 1 }, (_, at) => `GET /${at}`)
  const twice = paths.flatMap((path) => [path, path])
  assert.deepEqual(runsOf('', [...twice.slice(0, -2), paths[0]]).slice(-1), [false])
  assert.deepEqual(runsOf('', [...twice, paths[0], paths[2]]).slice(-2), [true, false])
})
