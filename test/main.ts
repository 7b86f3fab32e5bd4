import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { run } from 'node:test'
import { Command } from 'commander'
import { missingForEndToEnd } from './requirements.ts'

/**
 * `portcullis test`: check, unit tests, end-to-end tests, in that order, with one closing line
 * `N passed, N failed, N skipped`. Ends non-zero when anything failed or nothing ran.
 */

const ROOT = dirname(import.meta.dirname)
/** A file that is not done by then hangs. The slowest takes about a minute on two cores. */
const UNIT_FILE_TIMEOUT_MS = 300_000
/** The same under `--long`. */
const LONG_FILE_TIMEOUT_MS = 7_200_000
const END_TO_END_FILE_TIMEOUT_MS = 900_000

/** Exit code after Ctrl-C. */
const INTERRUPTED = 130
/** The files that run take down what they have started; the others are not begun. */
const interrupted = new AbortController()

interface Tally {
  passed: number
  failed: number
  skipped: number
  readonly failures: string[]
}

const CHECKS: readonly { readonly name: string; readonly script: string }[] = [
  { name: 'format', script: 'check:format' },
  { name: 'lint', script: 'check:lint' },
  { name: 'types', script: 'check:types' },
]

function runChecks(tally: Tally): void {
  for (const check of CHECKS) {
    const startedAt = performance.now()
    const result = spawnSync('npm', ['run', '--silent', check.script], {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    if (result.status === 0) {
      tally.passed++
      console.log(`ok    check ${check.name} (${seconds} s)`)
    } else {
      tally.failed++
      tally.failures.push(`check ${check.name}`)
      console.log(`FAIL  check ${check.name} (${seconds} s)\n${result.stdout}${result.stderr}`)
    }
  }
}

async function runFiles(
  stage: string,
  files: readonly string[],
  options: { readonly concurrency: number; readonly timeoutMs: number },
  tally: Tally,
): Promise<void> {
  if (files.length === 0) return
  console.log(`      ${stage}: ${files.length} files`)
  const stream = run({
    cwd: ROOT,
    signal: interrupted.signal,
    files: [...files],
    concurrency: options.concurrency,
    timeout: options.timeoutMs,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const startedAt = performance.now()
  const finished = { files: 0 }
  const failedFiles = new Set<string>()
  for await (const event of stream) {
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { data } = event
      const isFile = data.nesting === 0 && data.name === data.file
      if (data.details.type === 'suite') continue
      if (data.skip !== undefined || data.todo !== undefined) {
        tally.skipped++
        const reason = data.skip ?? data.todo
        const why = typeof reason === 'string' ? reason : ''
        console.log(`skip  ${shorten(data.file)}: ${data.name}${why === '' ? '' : ` (${why})`}`)
      } else if (event.type === 'test:pass') {
        if (!isFile) tally.passed++
      } else {
        tally.failed++
        tally.failures.push(`${shorten(data.file)}: ${data.name}`)
        failedFiles.add(data.file ?? data.name)
        const cause = event.data.details.error.cause
        const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
        console.log(`FAIL  ${shorten(data.file)}: ${data.name}\n${indent(text)}`)
      }
    } else if (event.type === 'test:stdout' || event.type === 'test:stderr') {
      const text = event.data.message
      if (text.startsWith('# ') || text.trim() === '') continue
      process.stdout.write(indent(text))
    } else if (event.type === 'test:summary' && event.data.file !== undefined) {
      finished.files++
      const state = failedFiles.has(event.data.file) ? 'FAIL' : 'ok  '
      const seconds = (event.data.duration_ms / 1000).toFixed(1)
      const place = `${finished.files}/${files.length}`
      console.log(`${state}  ${shorten(event.data.file)} (${seconds} s, ${place})`)
    }
  }
  console.log(`      ${stage}: ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
}

const shorten = (file: string | undefined): string => (file ?? '?').replace(`${ROOT}/`, '')

const indent = (text: string): string => `${text.trimEnd().replaceAll(/^/gm, '      ')}\n`

function filesOf(pattern: string, filters: readonly string[]): string[] {
  return globSync(pattern, { cwd: ROOT })
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort()
    .map((file) => join(ROOT, file))
}

async function main(): Promise<void> {
  const command = new Command('portcullis test')
    .description('check, unit tests and end-to-end tests')
    .argument('[filter...]', 'only test files whose path contains one of these')
    .option('--only <stage>', 'check, unit or e2e')
    .option('--long', 'fuzz for minutes in place of seconds')
    .parse()
  const { only, long } = command.opts<{ only?: string; long?: boolean }>()
  const filters = command.args
  // Test files read it; the processes of the product never do.
  if (long === true) process.env['PORTCULLIS_TEST_LONG'] = '1'
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => interrupted.abort())
  const tally: Tally = { passed: 0, failed: 0, skipped: 0, failures: [] }
  const wants = (stage: string): boolean => only === undefined || only === stage

  if (wants('check') && filters.length === 0) runChecks(tally)
  if (wants('unit')) {
    const files = filesOf('test/**/*.test.ts', filters)
    const concurrency = Math.max(1, availableParallelism())
    const timeoutMs = long === true ? LONG_FILE_TIMEOUT_MS : UNIT_FILE_TIMEOUT_MS
    await runFiles('unit', files, { concurrency, timeoutMs }, tally)
  }
  if (wants('e2e')) {
    const files = filesOf('test/**/*.e2e.ts', filters)
    const missing = missingForEndToEnd()
    if (missing !== null && files.length > 0) {
      console.log(`skip  ${files.length} end-to-end test files: ${missing}`)
      tally.skipped += files.length
    } else {
      await runFiles('e2e', files, { concurrency: 1, timeoutMs: END_TO_END_FILE_TIMEOUT_MS }, tally)
    }
  }

  if (tally.failures.length > 0) {
    console.log('\nfailed:')
    for (const failure of tally.failures) console.log(`  ${failure}`)
  }
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''
  console.log(`\n${tally.passed} passed, ${tally.failed} failed${skipped}`)
  process.exitCode = tally.failed > 0 || tally.passed === 0 ? 1 : 0
  if (interrupted.signal.aborted) process.exitCode = INTERRUPTED
}

await main()
