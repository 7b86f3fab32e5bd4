import { globSync } from 'node:fs'
import { createWaf, type Waf } from '#inspectors/waf/waf.ts'
import type { RuleHit } from '#inspectors/waf/transaction/rule-hit.ts'
import { nodeRuleFiles, type RuleFiles } from '#signatures/seclang/rule-files.ts'
import { mismatch } from './expectation.ts'
import { type FtwTest, readFtwFile } from './ftw-test.ts'
import { exchange } from './in-process.ts'
import { requestBytes } from './request-bytes.ts'
import { TEST_SETUP } from './test-setup.ts'

/**
 * Runs CRS's regression tests inside this process: the real parser and the WAF, no sockets. The setup is
 * the one CRS describes for other engines: detection only, paranoia 4, limits low enough for the tests.
 */

const SETUP_PATH = '/crs-test-setup.conf'

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
    const logLines = hits.filter((hit) => hit.rule.log).map(logLine)
    const failure = mismatch(output, { status, answer: '', logLines })
    if (failure !== null) return { test: test.name, ...failure }
  }
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
    read: (path) => (path === SETUP_PATH ? { ok: true, textLatin1: TEST_SETUP } : files.read(path)),
    kind: (path) => (path === SETUP_PATH ? 'file' : files.kind(path)),
  }
}
