import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type CrsReport, verifyCrs } from './verify.ts'

const CRS = `${import.meta.dirname}/../../../../shared/data/crs`
const skip = existsSync(CRS) ? false : `${CRS} is not on this machine`

const folder = mkdtempSync(join(tmpdir(), 'portcullis-verify-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const SETUP = file('setup.conf', 'SecRequestBodyAccess On\nSecResponseBodyAccess On\n')
const RULES = file(
  'rules.conf',
  String.raw`
SecRule ARGS|REQUEST_COOKIES "@contains attack" "id:1001,phase:2,deny,status:403,log,msg:'an attack'"
SecRule ARGS "@contains twice" "id:1002,phase:2,pass,log,msg:'a second rule'"
SecRule ARGS "@rx ^x{50}$" "id:1003,phase:2,pass,log,msg:'fifty'"
SecRule RESPONSE_BODY "@contains secret" "id:1004,phase:4,pass,log,msg:'a leak'"
SecRule REQUEST_URI "@contains /moved" "id:1005,phase:1,pass,log,msg:'it moved'"
SecRule ARGS "@contains attack" "id:1006,phase:5,pass,log"
`,
)

async function run(
  paths: readonly string[],
  overrides: readonly string[] = [],
): Promise<CrsReport> {
  return verifyCrs({
    mode: 'detect',
    rules: RULES,
    setup: SETUP,
    paths,
    overrides,
    note: () => {},
    onProgress: () => {},
  })
}

const stage = (input: string, output: string): string =>
  `      - input: {headers: {Host: localhost}, ${input}}\n        output: {${output}}\n`

const suite = (...tests: readonly string[]): string =>
  `rule_id: 7\ntests:\n${tests.map((stages) => `  - stages:\n${stages}`).join('')}`

test('all fields of the format', async () => {
  const tests = file(
    'passing.yaml',
    suite(
      stage('uri: "/?q=attack"', 'log: {expect_ids: [1001, 1006]}, status: 200'),
      stage('uri: "/?q=attack"', 'isolated: false, log: {match_regex: "an att(?:ac)k"}'),
      stage('uri: "/?q=quiet"', 'log: {no_expect_ids: [1001], no_match_regex: "\\\\[id "}'),
      stage('uri: "/?q=attack"', 'log_contains: \'id "1001"\''),
      stage('uri: "/"', 'no_log_contains: \'id "1001"\''),
      stage('uri: "/?q=twice"', 'isolated: true, log: {expect_ids: [1002]}'),
      stage('method: POST, data: "q=an attack"', 'log: {expect_ids: [1001]}'),
      stage(`method: POST, data: 'q={{ "x" | repeat 50 }}'`, 'log: {expect_ids: [1003]}'),
      stage(
        'method: POST, encoded_data: "cT1hdHRhY2s=", stop_magic: false',
        'log: {expect_ids: [1001]}',
      ),
      stage(
        `encoded_request: "${Buffer.from('GET /?q=attack HTTP/1.1\r\nHost: x\r\n\r\n').toString('base64')}"`,
        'log: {expect_ids: [1001]}',
      ),
      stage('uris: ["/?q=attack", "/?p=attack"]', 'log: {expect_ids: [1001]}'),
      stage('uri: "/", version: ""', 'status: 200'),
      stage(
        `encoded_request: "${Buffer.from('GET /\r\n\r\n').toString('base64')}"`,
        'expect_error: true',
      ),
      stage(
        'uri: "/", response: {status: 201, headers: {X-A: b}, body: "a secret"}',
        'status: 201, response_contains: "X-A: b(?s:.*)secret", log: {expect_ids: [1004]}',
      ),
      stage(
        'uri: "/", response: {headers: {Set-Cookie: "id=attack; Path=/"}}, save_cookie: true',
        '',
      ) + stage('uri: "/"', 'log: {expect_ids: [1001]}'),
      stage(
        'uri: "/a/b", response: {status: 302, headers: {Location: "../moved?x=1"}}',
        'status: 302',
      ) + stage('follow_redirect: true', 'log: {expect_ids: [1005]}'),
    ),
  )
  const report = await run([tests])
  assert.deepEqual(report.failures, [])
  assert.equal(report.passed, 16)
})

test('what is not so fails, and says what was expected and what came', async () => {
  const tests = file(
    'failing.yaml',
    suite(
      stage('uri: "/?q=quiet"', 'log: {expect_ids: [1001]}'),
      stage('uri: "/?q=attack"', 'log: {no_expect_ids: [1001]}'),
      stage('uri: "/?q=attack"', 'status: 403'),
      stage('uri: "/?q=attack-twice"', 'isolated: true, log: {expect_ids: [1002]}'),
      stage('uri: "/"', 'expect_error: true'),
      stage('follow_redirect: true', 'status: 200'),
      stage('protocol: https', 'status: 200'),
    ),
  )
  const { passed, failed, failures } = await run([tests])
  assert.deepEqual({ passed, failed }, { passed: 0, failed: 7 })
  assert.deepEqual(failures[0], {
    test: '7-1',
    expected: 'rules 1001',
    got: 'status 200, rules none',
  })
})

test('overrides replace what a test expects, and leave tests out', async () => {
  const tests = file(
    'tests.yaml',
    suite(
      stage('uri: "/?q=quiet"', 'log: {expect_ids: [1001]}'),
      stage('uri: "/?q=quiet"', 'log: {expect_ids: [1001]}'),
      stage('uri: "/?q=quiet"', 'log: {expect_ids: [1001]}'),
    ),
  )
  const overrides = file(
    'platform-overrides.yaml',
    'test_overrides:\n  - {rule_id: 7, test_ids: [1], reason: r, output: {status: 200}}\n',
  )
  const ignore = file('.ftw.yaml', "testoverride:\n  ignore: {'^7-2$': 'not here'}\n")
  const { passed, failed, ignored } = await run([tests], [overrides, ignore])
  assert.deepEqual({ passed, failed, ignored }, { passed: 1, failed: 1, ignored: 1 })
})

for (const mode of ['detect', 'block'] as const) {
  test(
    `a sample of CRS over sockets, chain in mode ${mode}`,
    { skip, timeout: 120_000 },
    async () => {
      const tests = `${CRS}/tests/regression/tests`
      const report = await verifyCrs({
        mode,
        rules: `${CRS}/rules`,
        setup: `${CRS}/crs-setup.conf.example`,
        overrides: [],
        paths: [
          `${tests}/REQUEST-920-PROTOCOL-ENFORCEMENT`,
          `${tests}/REQUEST-943-APPLICATION-ATTACK-SESSION-FIXATION`,
          `${tests}/RESPONSE-959-BLOCKING-EVALUATION`,
          `${tests}/RESPONSE-980-CORRELATION`,
        ],
        note: () => {},
        onProgress: () => {},
      })
      assert.deepEqual(report.failures, [])
      assert.equal(report.ignored, 0)
      assert.ok(report.passed > 100, `only ${report.passed} tests were found`)
    },
  )
}
