import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WafRulesError } from '#inspectors/waf/errors.ts'
import { alertsOf, idsOf, memoryFiles, send, wafOf } from './waf-of.ts'

test('denies with the status of the rule and says what matched, where and after what', () => {
  const waf = wafOf(`SecRule ARGS:id "@rx union\\s+select" \\
    "id:1,phase:2,deny,status:406,t:none,t:urlDecodeUni,t:lowercase,\\
    msg:'SQL in %{MATCHED_VAR_NAME}',logdata:'%{TX.0}',capture,severity:CRITICAL,tag:'attack-sqli'"`)
  const result = send(waf, 'GET /?id=1+UNION++SELECT+2')
  assert.equal(result.status, 406)
  const [alert] = alertsOf(result)
  assert.equal(alert.message, 'SQL in ARGS:id')
  assert.equal(alert.logdata, 'union  select')
  assert.equal(alert.severity, 1)
  assert.equal(alert.category, 'attack-sqli')
  assert.equal(alert.decisive, true)
  assert.equal(alert.source, '/rules/test.conf:1')
  assert.deepEqual(alert.matches[0], {
    variable: 'ARGS:id',
    valueLatin1: 'union  select',
    offset: 2,
    transformations: ['urlDecodeUni', 'lowercase'],
  })
  assert.equal(send(waf, 'GET /?id=union').status, 200)
})

test('mode detect says what it would block and goes on', () => {
  const waf = wafOf(
    `SecRule ARGS "@contains a" "id:1,phase:1,deny,msg:'one'"
     SecRule ARGS "@contains a" "id:2,phase:2,deny,msg:'two'"`,
    { mode: 'detect' },
  )
  const result = send(waf, 'GET /?x=a')
  assert.equal(result.status, 200)
  assert.deepEqual(idsOf(result), [1, 2])
  assert.deepEqual(
    alertsOf(result).map((alert) => alert.decisive),
    [true, false],
  )
})

test('a chain matches as a whole; effects of its first rules happen all the same', () => {
  const waf = wafOf(`
    SecRule ARGS:a "@streq 1" "id:1,phase:2,deny,chain,setvar:tx.seen=1,msg:'both'"
      SecRule ARGS:b "@streq 2" "setvar:tx.both=1"
    SecRule TX:seen "@eq 1" "id:2,phase:2,pass,msg:'seen'"
    SecRule TX:both "@eq 1" "id:3,phase:2,pass,msg:'both seen'"`)
  assert.deepEqual(idsOf(send(waf, 'GET /?a=1&b=3')), [2])
  assert.deepEqual(idsOf(send(waf, 'GET /?a=1&b=2')), [1])
  assert.deepEqual(idsOf(send(waf, 'GET /?a=0&b=2')), [])
})

test('setvar counts once for each matching variable', () => {
  const waf = wafOf(`
    SecRule ARGS "@contains x" "id:1,phase:2,pass,nolog,setvar:tx.score=+5"
    SecRule TX:score "@ge 10" "id:2,phase:2,deny,msg:'score %{tx.score}'"`)
  assert.equal(send(waf, 'GET /?a=x&b=y').status, 200)
  const result = send(waf, 'GET /?a=x&b=x')
  assert.equal(result.status, 403)
  assert.equal(alertsOf(result)[0].message, 'score 10')
})

test('skipAfter, skip and markers lead on in each phase by itself', () => {
  const waf = wafOf(`
    SecRule ARGS:go "@streq far" "id:1,phase:2,pass,nolog,skipAfter:END"
    SecRule ARGS:go "@streq near" "id:2,phase:2,pass,nolog,skip:1"
    SecRule ARGS "@unconditionalMatch" "id:3,phase:2,pass,msg:'three'"
    SecRule ARGS "@unconditionalMatch" "id:4,phase:2,pass,msg:'four'"
    SecMarker END
    SecRule ARGS "@unconditionalMatch" "id:5,phase:2,pass,msg:'five'"`)
  assert.deepEqual(idsOf(send(waf, 'GET /?go=no')), [3, 4, 5])
  assert.deepEqual(idsOf(send(waf, 'GET /?go=near')), [4, 5])
  assert.deepEqual(idsOf(send(waf, 'GET /?go=far')), [5])
})

test('targets are excluded by rule text, by update and by ctl', () => {
  const waf = wafOf(`
    SecRule REQUEST_FILENAME "@beginsWith /free" \\
      "id:1,phase:1,pass,nolog,ctl:ruleRemoveTargetById=2;ARGS:/^no/,ctl:ruleRemoveTargetByTag=t3;ARGS"
    SecRule ARGS|!ARGS:never "@contains x" "id:2,phase:2,pass,msg:'two'"
    SecRule ARGS "@contains x" "id:3,phase:2,pass,tag:'t3',msg:'three'"
    SecRuleUpdateTargetById 2 "!ARGS:update"`)
  assert.deepEqual(idsOf(send(waf, 'GET /?never=x')), [3])
  assert.deepEqual(idsOf(send(waf, 'GET /?update=x')), [3])
  assert.deepEqual(idsOf(send(waf, 'GET /?other=x')), [2, 3])
  assert.deepEqual(idsOf(send(waf, 'GET /free?nope=x')), [])
  assert.deepEqual(idsOf(send(waf, 'GET /free?other=x')), [2])
})

test('ctl removes rules by id range, tag and message for one transaction', () => {
  const waf = wafOf(`
    SecRule ARGS:drop "@streq id" "id:1,phase:1,pass,nolog,ctl:ruleRemoveById=10-11"
    SecRule ARGS:drop "@streq tag" "id:2,phase:1,pass,nolog,ctl:ruleRemoveByTag=blue"
    SecRule ARGS:drop "@streq msg" "id:3,phase:1,pass,nolog,ctl:ruleRemoveByMsg=thr.e"
    SecRule ARGS:drop "@streq off" "id:4,phase:1,pass,nolog,ctl:ruleEngine=Off"
    SecAction "id:10,phase:2,pass,msg:'one',log,tag:'blue'"
    SecAction "id:11,phase:2,pass,msg:'two',log"
    SecAction "id:12,phase:2,pass,msg:'three',log,tag:'dark/blue'"`)
  assert.deepEqual(idsOf(send(waf, 'GET /')), [10, 11, 12])
  assert.deepEqual(idsOf(send(waf, 'GET /?drop=id')), [12])
  assert.deepEqual(idsOf(send(waf, 'GET /?drop=tag')), [11])
  assert.deepEqual(idsOf(send(waf, 'GET /?drop=msg')), [10, 11])
  assert.deepEqual(idsOf(send(waf, 'GET /?drop=off')), [])
})

test('ctl:ruleEngine=DetectionOnly keeps a blocking chain from blocking, and alerts go on', () => {
  const waf = wafOf(`
    SecRule REQUEST_URI "@beginsWith /watched" "id:1,phase:1,pass,nolog,ctl:ruleEngine=DetectionOnly"
    SecRule ARGS "@contains a" "id:2,phase:1,deny,msg:'one'"
    SecRule ARGS "@contains a" "id:3,phase:2,deny,msg:'two'"`)
  assert.equal(send(waf, 'GET /?x=a').status, 403)
  const watched = send(waf, 'GET /watched?x=a')
  assert.equal(watched.status, 200)
  assert.deepEqual(idsOf(watched), [2, 3])
})

test('allow ends the phase, the request phases or all but the logging phase', () => {
  const rules = (scope: string): string => `
    SecRule ARGS:ok "@streq 1" "id:1,phase:1,allow${scope},nolog"
    SecAction "id:2,phase:1,pass,log,msg:'one'"
    SecAction "id:3,phase:2,pass,log,msg:'two'"
    SecAction "id:4,phase:3,pass,log,msg:'three'"`
  assert.deepEqual(idsOf(send(wafOf(rules(':phase')), 'GET /?ok=1')), [3, 4])
  assert.deepEqual(idsOf(send(wafOf(rules(':request')), 'GET /?ok=1')), [4])
  assert.deepEqual(idsOf(send(wafOf(rules('')), 'GET /?ok=1')), [])
  assert.deepEqual(idsOf(send(wafOf(rules('')), 'GET /?ok=2')), [2, 3, 4])
})

test('block stands for the default action; redirect and drop are verdicts of their own', () => {
  const block = wafOf(`SecDefaultAction "phase:2,deny,status:418,log"
    SecRule ARGS "@streq a" "id:1,phase:2,block,msg:'a'"`)
  assert.equal(send(block, 'GET /?x=a').status, 418)
  const redirect = wafOf(`SecRule ARGS "@streq a" "id:1,phase:2,redirect:https://sorry.example/"`)
  const verdict = send(redirect, 'GET /?x=a').verdicts.find((one) => one.kind === 'block')
  assert.deepEqual(verdict?.kind === 'block' ? [verdict.status, verdict.location] : null, [
    302,
    'https://sorry.example/',
  ])
  const drop = wafOf(`SecRule ARGS "@streq a" "id:1,phase:2,drop"`)
  assert.ok(send(drop, 'GET /?x=a').verdicts.some((one) => one.kind === 'drop'))
})

test('counts, regular expressions as selectors and negated operators', () => {
  const waf = wafOf(`
    SecRule &ARGS:id "@gt 1" "id:1,phase:1,pass,msg:'twice'"
    SecRule ARGS:/^F_/ "@contains x" "id:2,phase:1,pass,msg:'f'"
    SecRule REQUEST_METHOD "!@within GET HEAD" "id:3,phase:1,pass,msg:'method'"
    SecRule &REQUEST_HEADERS:X-Needed "@eq 0" "id:4,phase:1,pass,msg:'missing'"`)
  assert.deepEqual(idsOf(send(waf, 'GET /?id=1&id=2', ['X-Needed: 1'])), [1])
  assert.deepEqual(idsOf(send(waf, 'GET /?f_a=x&g_a=x', ['x-needed: 1'])), [2])
  assert.deepEqual(idsOf(send(waf, 'DELETE /')), [3, 4])
})

test('multiMatch looks at the value after each transformation', () => {
  const rules = (multi: string): string => `SecRule ARGS "@rx A|<b>" \\
    "id:1,phase:2,pass,msg:'m',t:none,t:lowercase,t:htmlEntityDecode${multi}"`
  assert.deepEqual(idsOf(send(wafOf(rules('')), 'GET /?x=A')), [])
  assert.deepEqual(idsOf(send(wafOf(rules(',multiMatch')), 'GET /?x=A')), [1])
  assert.deepEqual(idsOf(send(wafOf(rules(',multiMatch')), 'GET /?x=%26LT;B%3E')), [1])
})

test('persistent collections outlive the transaction, count and expire', () => {
  const waf = wafOf(`
    SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}"
    SecRule ARGS:hit "@streq 1" "id:2,phase:1,pass,nolog,setvar:ip.count=+1,expirevar:ip.count=60"
    SecRule IP:count "@ge 2" "id:3,phase:1,deny,status:429,msg:'too many'"`)
  assert.equal(send(waf, 'GET /?hit=1').status, 200)
  assert.equal(send(waf, 'GET /').status, 200)
  assert.equal(send(waf, 'GET /?hit=1').status, 429)
})

test('response rules see status, headers and bodies of the listed types', () => {
  const waf = wafOf(`
    SecRule RESPONSE_STATUS "@streq 500" "id:1,phase:3,pass,msg:'five hundred'"
    SecRule RESPONSE_BODY "@contains secret" "id:2,phase:4,deny,status:502,msg:'leak'"`)
  const reflect = (body: object) =>
    send(waf, 'POST /reflect', ['Content-Type: application/json'], JSON.stringify(body))
  assert.deepEqual(idsOf(reflect({ status: 500, body: 'x' })), [1])
  assert.equal(reflect({ body: 'a secret' }).status, 502)
  const image = { body: 'a secret', headers: { 'Content-Type': 'image/png' } }
  assert.equal(reflect(image).status, 200)
})

test('chain settings leave rules out and win over rules that set the same variables', () => {
  const text = `
    SecAction "id:1,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=1"
    SecRule TX:blocking_paranoia_level "@ge 3" "id:2,phase:1,pass,msg:'three'"
    SecAction "id:3,phase:1,pass,log,msg:'out'"
    SecAction "id:4,phase:1,pass,log,msg:'out',tag:'noise'"`
  const settings = { paranoia: 3, excludeRules: ['3'], excludeTags: ['noise'] }
  assert.deepEqual(idsOf(send(wafOf(text, { settings }), 'GET /')), [2])
  assert.deepEqual(idsOf(send(wafOf(text), 'GET /')), [3, 4])
})

test('a body that cannot be read is refused unless the rules have checks of their own', () => {
  const json = ['Content-Type: application/json']
  const waf = wafOf('SecAction "id:1,phase:1,pass,nolog"')
  assert.equal(send(waf, 'POST /', json, '{"a":1}').status, 200)
  const refused = send(waf, 'POST /', json, '{"a":1}}')
  assert.equal(refused.status, 400)
  assert.deepEqual(idsOf(refused), [200_002])
  const own = wafOf(`SecRule REQBODY_ERROR "!@eq 0" "id:200002,phase:2,pass,msg:'seen'"`)
  assert.equal(send(own, 'POST /', json, '{"a":1}}').status, 200)
})

test('a body over its limit is refused, one of files is not held to the limit of the others', () => {
  const settings = { requestBodyLimit: 4000, requestBodyNoFilesLimit: 100 }
  const waf = wafOf('SecAction "id:1,phase:1,pass,nolog"', { settings })
  const form = ['Content-Type: application/x-www-form-urlencoded']
  assert.equal(send(waf, 'POST /', form, `a=${'b'.repeat(50)}`).status, 200)
  assert.equal(send(waf, 'POST /', form, `a=${'b'.repeat(200)}`).status, 413)
  const part = (name: string, size: number): string =>
    `--B\r\nContent-Disposition: form-data; ${name}\r\n\r\n${'x'.repeat(size)}\r\n--B--\r\n`
  const multipart = ['Content-Type: multipart/form-data; boundary=B']
  assert.equal(send(waf, 'POST /', multipart, part('name="f"; filename="f"', 2000)).status, 200)
  assert.equal(send(waf, 'POST /', multipart, part('name="f"', 2000)).status, 413)
  assert.equal(send(waf, 'POST /', multipart, part('name="f"; filename="f"', 5000)).status, 413)
})

test('what a body has before its limit is inspected where the rest may pass', () => {
  const settings = { requestBodyLimit: 4000, requestBodyNoFilesLimit: 100 }
  const rules = [
    'SecRequestBodyLimitAction ProcessPartial',
    'SecRule REQUEST_HEADERS:Content-Type "@streq application/json" \\',
    '  "id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"',
    'SecRule ARGS "@streq bad" "id:1,phase:2,deny"',
  ]
  const waf = wafOf(rules.join('\n'), { settings })
  const form = ['Content-Type: application/x-www-form-urlencoded']
  assert.equal(send(waf, 'POST /', form, `a=bad&b=${'b'.repeat(200)}`).status, 403)
  assert.equal(send(waf, 'POST /', form, `b=${'b'.repeat(200)}&a=bad`).status, 200)
  const json = ['Content-Type: application/json']
  const cut = send(waf, 'POST /', json, `{"a":"good","b":"${'b'.repeat(200)}"}`)
  assert.deepEqual([cut.status, idsOf(cut)], [400, [200_002]])
})

test('rules with errors do not load, and the error names file, line and column', () => {
  const load = (): unknown => wafOf('SecAction "id:1"\nSecRule ARGS "@rx a(b" "id:2"')
  assert.throws(load, (error: unknown) => {
    assert.ok(error instanceof WafRulesError)
    assert.equal(error.code, 'WAF_RULES')
    const [diagnostic] = error.diagnostics
    assert.equal(diagnostic.code, 'SECLANG_PATTERN')
    assert.deepEqual([diagnostic.file, diagnostic.line], ['/rules/test.conf', 2])
    assert.ok(diagnostic.column >= 15 && diagnostic.column <= 22, `column ${diagnostic.column}`)
    return true
  })
})

test('data files are read beside the rule file', () => {
  const files = memoryFiles({
    '/rules/test.conf': 'SecRule ARGS "@pmFromFile words.data" "id:1,phase:2,deny"',
    '/rules/words.data': '# words\nfirst\nsecond\n',
  })
  assert.equal(send(wafOf('', { files }), 'GET /?a=SECOND').status, 403)
  assert.equal(send(wafOf('', { files }), 'GET /?a=third').status, 200)
})
