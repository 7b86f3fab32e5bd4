import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditPolicy } from '#inspectors/waf/settings.ts'
import type { WafOptions } from '#inspectors/waf/waf.ts'
import { alertsOf, send, wafOf } from './waf-of.ts'

interface Logged {
  readonly format: string
  readonly entry: string
}

interface JsonTransaction {
  readonly request: { method: string; body: string; headers: Record<string, string> }
  readonly messages: readonly { details: Record<string, string> }[]
  readonly interception: unknown
}

/** What the audit log gets of one request. */
function logOf(
  rules: string,
  line: string,
  headers: string[] = [],
  body = '',
  options: Partial<WafOptions> & { defaultEngine?: AuditPolicy['engine'] } = {},
): Logged[] {
  const entries: Logged[] = []
  const { defaultEngine = 'off', ...rest } = options
  const waf = wafOf(rules, {
    ...rest,
    audit: { defaultEngine, write: (format, entry) => void entries.push({ format, entry }) },
  })
  send(waf, line, headers, body)
  return entries
}

/** Contents of the parts of a native entry by letter. */
function partsOf(entry: string): Map<string, string> {
  const boundary = /^--([0-9a-f]{8})-A--\n/.exec(entry)?.[1]
  assert.ok(boundary, entry)
  const pieces = entry.split(new RegExp(`^--${boundary}-([A-Z])--\n`, 'm')).slice(1)
  const parts = new Map<string, string>()
  for (let at = 0; at < pieces.length; at += 2) parts.set(pieces[at], pieces[at + 1].trimEnd())
  return parts
}

const FORM = 'Content-Type: application/x-www-form-urlencoded'
const DENY = `SecRule ARGS "@contains bad" "id:1,phase:2,deny,status:403,msg:'one %{MATCHED_VAR}',severity:CRITICAL,tag:t"\n`
const ON = 'SecAuditEngine On\n'
const RELEVANT = 'SecAuditEngine RelevantOnly\nSecAuditLogRelevantStatus "^(?:5|4(?!04))"\n'

test('nothing is logged unless rules, settings or who runs it ask for it', () => {
  assert.equal(logOf(DENY, 'GET /?a=bad').length, 0)
  assert.equal(logOf(ON, 'GET /').length, 1)
  assert.equal(logOf('', 'GET /', [], '', { settings: { auditEngine: 'on' } }).length, 1)
  assert.equal(logOf(ON, 'GET /', [], '', { settings: { auditEngine: 'off' } }).length, 0)
  assert.equal(logOf(DENY, 'GET /?a=bad', [], '', { defaultEngine: 'relevant-only' }).length, 1)
  assert.equal(logOf(DENY, 'GET /?a=good', [], '', { defaultEngine: 'relevant-only' }).length, 0)
})

test('relevant is what a rule with auditlog matched, or a status; ctl decides otherwise', () => {
  assert.equal(logOf(RELEVANT + DENY, 'GET /?a=bad').length, 1)
  assert.equal(logOf(RELEVANT + DENY, 'GET /?a=good').length, 0)
  const silent = `SecRule ARGS:a "@streq x" "id:2,phase:2,log,noauditlog,pass,msg:'two'"\n`
  assert.equal(logOf(RELEVANT + silent, 'GET /?a=x').length, 0)
  const quiet = `SecRule ARGS:a "@streq x" "id:2,phase:2,nolog,auditlog,pass,msg:'two'"\n`
  assert.equal(logOf(RELEVANT + quiet, 'GET /?a=x').length, 1)
  assert.deepEqual(alertsOf(send(wafOf(quiet), 'GET /?a=x')), [])
  const missing = `SecAction "id:3,phase:1,nolog,deny,status:404"\n`
  assert.equal(logOf(RELEVANT + missing, 'GET /').length, 0)
  assert.equal(logOf(RELEVANT + missing.replace('404', '405'), 'GET /').length, 1)
  const off = `SecRule ARGS:o "@streq 1" "id:4,phase:1,nolog,pass,ctl:auditEngine=Off"\n`
  assert.equal(logOf(off + ON, 'GET /?o=1').length, 0)
  assert.equal(logOf(off.replace('Off', 'On'), 'GET /?o=1').length, 1)
})

test('a native entry has the parts that were asked for, in their order', () => {
  const rules = `${ON}SecAuditLogParts ABCFHKZ\nSecComponentSignature "Mine/1"\n${DENY}`
  const [{ format, entry }] = logOf(rules, 'POST /p?q=1', [FORM], 'a=bad')
  assert.equal(format, 'native')
  const parts = partsOf(entry)
  assert.deepEqual([...parts.keys()].join(''), 'ABCHKZ')
  assert.match(
    parts.get('A') ?? '',
    /^\[\d\d\/[A-Z][a-z]{2}\/\d{4}:[\d:.]+ \+0000\] \S+ \S+ \d+ \S+ \d+$/,
  )
  assert.match(parts.get('B') ?? '', /^POST \/p\?q=1 HTTP\/1\.1\nHost: shop\.example\n/)
  assert.equal(parts.get('C'), 'a=bad')
  assert.match(
    parts.get('H') ?? '',
    /^Message: Access denied with code 403 \(phase 2\)\. .*\[id "1"\].*\[msg "one bad"\]/,
  )
  assert.match(parts.get('H') ?? '', /\nAction: Intercepted \(phase 2\)\n/)
  assert.match(parts.get('H') ?? '', /Producer: Portcullis; Mine\/1\.\nEngine-Mode: "ENABLED"$/)
  assert.match(parts.get('K') ?? '', /^ARGS:a .*\[severity "CRITICAL"\]/)
  const changed = `${rules}SecAction "id:9,phase:1,nolog,pass,ctl:auditLogParts=-CK"\n`
  const [less] = logOf(changed, 'POST /p?q=1', [FORM], 'a=bad')
  assert.equal([...partsOf(less.entry).keys()].join(''), 'ABHZ')
})

test('a JSON entry is one line of the shape of ModSecurity 3', () => {
  const [{ format, entry }] = logOf(
    `${ON}SecAuditLogFormat JSON\n${DENY}`,
    'POST /',
    [FORM],
    'a=bad\xff',
  )
  assert.equal(format, 'json')
  assert.match(entry, /^[\x20-\x7e]*\n$/)
  const { transaction } = JSON.parse(entry) as { transaction: JsonTransaction }
  assert.equal(transaction.request.method, 'POST')
  assert.equal(transaction.request.body, 'a=bad\xff')
  assert.equal(transaction.request.headers.Host, 'shop.example')
  assert.equal(transaction.messages[0].details.ruleId, '1')
  assert.equal(transaction.messages[0].details.severity, '2')
  assert.deepEqual(transaction.interception, { phase: 2, http_code: 403 })
})

test('no traffic can write lines, boundaries or orders to a terminal', () => {
  const body = 'a=bad%0a--00000000-Z--\r\n\r\n--00000000-A--\n\x1b[2J\\x'
  const [{ entry }] = logOf(
    `${ON}SecAuditLogParts ABCHKZ\n${DENY}`,
    'POST /',
    [FORM, 'X-A: \x9b31m'],
    body,
  )
  assert.match(entry, /^[\x20-\x7e\n]*$/)
  assert.equal(entry.match(/^--/gm)?.length, 6)
  assert.ok(entry.includes(String.raw`\x0d\x0a\x0d\x0a--00000000-A--\x0a\x1b[2J\\x`), entry)
  assert.ok(entry.includes(String.raw`X-A: \x9b31m`), entry)
})

test('sanitised arguments, fields and matches are masked wherever they stand', () => {
  const rules = `${ON}SecAuditLogParts ABCHKZ
    SecAction "id:2,phase:5,nolog,pass,sanitiseArg:password,sanitiseRequestHeader:Authorization"
    SecRule ARGS:password "@contains bad" "id:3,phase:2,pass,log,msg:'saw %{MATCHED_VAR}',logdata:'in %{MATCHED_VAR_NAME}: %{MATCHED_VAR}'"`
  const [{ entry }] = logOf(
    rules,
    'POST /?password=bad1&b=2',
    [FORM, 'Authorization: Basic c2VjcmV0', 'Referer: http://x/?p=bad1'],
    'user=jo&pass%77ord=bad%32&x=bad3',
  )
  assert.ok(!/bad1|bad2|bad%32|c2VjcmV0/.test(entry), entry)
  const parts = partsOf(entry)
  assert.match(parts.get('B') ?? '', /^POST \/\?password=\*{4}&b=2 /)
  assert.match(parts.get('B') ?? '', /Authorization: \*{14}\n/)
  assert.equal(parts.get('C'), 'user=jo&pass%77ord=******&x=bad3')
  assert.match(parts.get('H') ?? '', /\[data "in ARGS:password: \*{4}"\]/)
})

test('what matched is masked but for the bytes that may stay; other bodies are withheld', () => {
  const card = `${ON}SecAuditLogParts ABCHZ\nSecRule ARGS "@rx \\d{13,16}" "id:2,phase:2,pass,log,capture,msg:'card',sanitiseMatchedBytes:1/4"`
  const [form] = logOf(card, 'POST /', [FORM], 'n=4012888888881881 x&o=1')
  assert.equal(partsOf(form.entry).get('C'), 'n=4***********1881 x&o=1')
  const [query] = logOf(card, 'GET /?n=%34012888888881881')
  assert.ok(!query.entry.includes('012888888881881'), query.entry)
  const json = 'Content-Type: application/json'
  const [other] = logOf(card, 'POST /', [json], '{"n":"4012888888881881"}')
  assert.equal(partsOf(other.entry).get('C'), '(masked)')
  const matched = `${ON}SecAuditLogParts ABHZ\nSecRule REQUEST_COOKIES "@contains s3" "id:2,phase:1,pass,log,msg:'c',sanitiseMatched"`
  const [cookie] = logOf(matched, 'GET /', ['Cookie: a=1; b=s3cret'])
  assert.ok(!cookie.entry.includes('s3cret'), cookie.entry)
})

test('a rule set names no file: such directives are left out with a warning', () => {
  const waf = wafOf(
    'SecAuditLog /etc/passwd\nSecAuditLogStorageDir /tmp\nSecAuditLogType Concurrent',
  )
  assert.deepEqual(
    waf.warnings.map(({ code, line, column }) => [code, line, column]),
    [1, 2, 3].map((line) => ['SECLANG_IGNORED_DIRECTIVE', line, 1]),
  )
})

test('a status that is no pattern, and parts that are none, are refused with their place', () => {
  assert.throws(() => wafOf('SecAuditLogRelevantStatus "^(5"'), /test\.conf:1:\d+: error/)
  assert.throws(() => wafOf('SecAuditLogParts BCZ'), /test\.conf:1:18: error/)
  assert.throws(() => wafOf('SecAction "id:1,sanitiseArg"'), /test\.conf:1:17: error/)
})
