import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Report } from '../report.ts'
import { DEVIATIONS } from './deviations.ts'
import { type FtwTest, mapOf, readFtwFile, readYaml } from './ftw-test.ts'
import { startInspectedServer, type RulePaths } from './inspected-server.ts'
import { forcedResult, holdsOverrides, readOverrides, withOverrides } from './overrides.ts'
import { StageRunner, type StageFailure } from './stage-runner.ts'

export interface CrsOptions extends RulePaths {
  /** Overrides files. */
  readonly overrides: readonly string[]
  /** Test files, and folders that are searched for them. */
  readonly paths: readonly string[]
  readonly onProgress: (done: number, total: number, failed: number) => void
  readonly note: (line: string) => void
  /** Stops the run; what it has started is ended. */
  readonly signal?: AbortSignal
}

export interface CrsReport extends Report {
  /** Tests that an override or their file leaves out. */
  ignored: number
}

/**
 * Runs tests of the OWASP CRS over sockets against `portcullis inspect`, as go-ftw does: each request on a
 * connection of its own, between two marked ones, judged by its answer and by the error log.
 *
 * @throws when a file cannot be read, or the pipeline does not start
 */
export async function verifyCrs(options: CrsOptions): Promise<CrsReport> {
  const files = filesOf(options.paths)
  const named = options.paths.filter((path) => files.overrides.includes(path))
  if (named.length > 0) options.note(`taken as overrides: ${named.join(' ')}`)
  const overrides = readOverrides([...options.overrides, ...named])
  const tests = files.tests.flatMap(readFtwFile)
  const report: CrsReport = { passed: 0, failed: 0, ignored: 0, deviations: [], failures: [] }
  const server = await startInspectedServer(options)
  const runner = new StageRunner(server)
  try {
    for (const [index, test] of tests.entries()) {
      options.signal?.throwIfAborted()
      const forced = test.isEnabled ? (forcedResult(overrides, test)?.result ?? null) : 'ignore'
      if (forced === 'ignore') report.ignored += 1
      else if (forced === 'forcepass') report.passed += 1
      else if (forced === 'forcefail') {
        count(report, test, { expected: 'nothing: it is forced to fail', got: '', logLines: [] })
      } else count(report, test, await runner.run(withOverrides(overrides, test)))
      options.onProgress(index + 1, tests.length, report.failed)
    }
  } finally {
    runner.close()
    await server.stop()
  }
  return report
}

function count(report: CrsReport, { name }: FtwTest, failure: StageFailure | null): void {
  if (failure === null) {
    report.passed += 1
    return
  }
  const deviation = DEVIATIONS.get(name)
  if (deviation !== undefined) {
    if (failure.logLines.some((line) => line.includes(`[id "${deviation.ruleId}"]`))) {
      report.deviations.push({ test: name, reason: deviation.reason })
      return
    }
  }
  report.failed += 1
  report.failures.push({ test: name, expected: failure.expected, got: failure.got })
}

interface Files {
  readonly tests: readonly string[]
  /** Files among them that hold overrides: no tests, and in a folder no wish to apply them. */
  readonly overrides: readonly string[]
}

function filesOf(paths: readonly string[]): Files {
  const all = paths.flatMap((path) =>
    statSync(path).isDirectory()
      ? globSync('**/*.y*ml', { cwd: path })
          .sort()
          .map((name) => join(path, name))
      : [path],
  )
  const overrides = all.filter((path) => /overrides|ftw/i.test(path) && isOverrides(path))
  return { tests: all.filter((path) => !overrides.includes(path)), overrides }
}

const isOverrides = (path: string): boolean => holdsOverrides(mapOf(readYaml(path)))
