import { globSync } from 'node:fs'
import { createWaf, type Waf } from '#inspectors/waf/waf.ts'
import type { RuleHit } from '#inspectors/waf/transaction/rule-hit.ts'
import { nodeRuleFiles, type RuleFiles } from '#signatures/seclang/rule-files.ts'
import { type FtwOutput, type FtwTest, readFtwFile } from './ftw-test.ts'
import { exchange } from './in-process.ts'
import { requestBytes } from './request-bytes.ts'

/**
 * Runs CRS's regression tests inside this process: the real parser and the WAF, no sockets. The setup is
 * the one CRS describes for other engines: detection only, paranoia 4, limits low enough for the tests.
 */

const SETUP_PATH = '/crs-test-setup.conf'
const SETUP = `
SecResponseBodyMimeType text/plain text/html text/xml application/json
SecAction "id:900005,phase:1,nolog,pass,ctl:ruleEngine=DetectionOnly,\\
  setvar:tx.blocking_paranoia_level=4,setvar:tx.crs_validate_utf8_encoding=1,\\
  setvar:tx.arg_name_length=100,setvar:tx.arg_length=400,setvar:tx.total_arg_length=64000,\\
  setvar:tx.max_num_args=255,setvar:tx.max_file_size=64100,setvar:tx.combined_file_sizes=65535"
`

export interface SuiteFailure {
  readonly test: string
  readonly expected: string
  readonly got: string
}

export interface SuiteResult {
  readonly passed: number
  readonly failed: number
  readonly failures: readonly SuiteFailure[]
}

/** @param crs folder with `rules`, `crs-setup.conf.example` and the tests */
export function runSuite(crs: string, pattern = '**/*.y*ml'): SuiteResult {
  const hits: RuleHit[] = []
  const waf = createWaf({
    mode: 'detect',
    setupPaths: [`${crs}/crs-setup.conf.example`, SETUP_PATH],
    rulePaths: [`${crs}/rules`],
    files: withSetup(nodeRuleFiles([crs])),
    onHit: (_transaction, hit) => hits.push(hit),
  })
  const failures: SuiteFailure[] = []
  let passed = 0
  for (const file of globSync(`${crs}/tests/regression/tests/${pattern}`).sort()) {
    for (const test of readFtwFile(file)) {
      const failure = runTest(waf, hits, test)
      if (failure === null) passed += 1
      else failures.push(failure)
    }
  }
  return { passed, failed: failures.length, failures }
}

function runTest(waf: Waf, hits: RuleHit[], test: FtwTest): SuiteFailure | null {
  for (const { input, output } of test.stages) {
    hits.length = 0
    const { status } = exchange(waf, requestBytes(input))
    const failure = check(output, status, hits)
    if (failure !== null) return { test: test.name, ...failure }
  }
  return null
}

function check(
  output: FtwOutput,
  status: number | null,
  hits: readonly RuleHit[],
): Omit<SuiteFailure, 'test'> | null {
  const logged = hits.filter((hit) => hit.rule.log)
  const ids = new Set(logged.map((hit) => hit.rule.id))
  const got = `status ${status}, rules ${[...ids].join(' ')}`
  const log = output.log ?? {}
  for (const id of log.expect_ids ?? []) if (!ids.has(id)) return { expected: `rule ${id}`, got }
  for (const id of log.no_expect_ids ?? []) if (ids.has(id)) return { expected: `no ${id}`, got }
  const text = logged.map(logLine).join('\n')
  if (log.match_regex !== undefined && !new RegExp(log.match_regex).test(text)) {
    return { expected: `log like ${log.match_regex}`, got: text }
  }
  if (log.no_match_regex !== undefined && new RegExp(log.no_match_regex).test(text)) {
    return { expected: `no log like ${log.no_match_regex}`, got: text }
  }
  if (output.status !== undefined && output.status !== status) {
    return { expected: `status ${output.status}`, got }
  }
  if (output.expect_error === true && status !== null) return { expected: 'no answer', got }
  return null
}

/** One line as ModSecurity's error log has it, bytes outside printable ASCII escaped. */
function logLine(hit: RuleHit): string {
  const line = `[id "${hit.rule.id}"] [msg "${hit.msg}"] [data "${hit.logdata}"]`
  return line.replaceAll(
    /[^\x20-\x7e]/g,
    (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

function withSetup(files: RuleFiles): RuleFiles {
  return {
    ...files,
    read: (path) => (path === SETUP_PATH ? { ok: true, textLatin1: SETUP } : files.read(path)),
    kind: (path) => (path === SETUP_PATH ? 'file' : files.kind(path)),
  }
}
