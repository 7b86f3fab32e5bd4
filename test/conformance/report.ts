/** Outcome of a suite of other people's vectors. */
export interface Report {
  passed: number
  failed: number
  /** Vectors that are not met on purpose, each with its reason. */
  readonly deviations: { readonly test: string; readonly reason: string }[]
  readonly failures: Failure[]
}

export interface Failure {
  readonly test: string
  readonly expected: string
  readonly got: string
}

export function emptyReport(): Report {
  return { passed: 0, failed: 0, deviations: [], failures: [] }
}

/** Counts a vector as passed when the two are the same, as failed otherwise. */
export function compare(report: Report, test: string, expected: string, got: string): void {
  if (expected === got) {
    report.passed += 1
    return
  }
  report.failed += 1
  report.failures.push({ test, expected, got })
}

/** One line a failure and a deviation, and a closing line. */
export function reportText(report: Report): string {
  const lines = [
    ...report.failures.map(
      ({ test, expected, got }) =>
        `FAIL ${test}\n     expected ${JSON.stringify(expected)}\n     got      ${JSON.stringify(got)}`,
    ),
    ...report.deviations.map(({ test, reason }) => `note ${test}: ${reason}`),
    `${report.passed} passed, ${report.failed} failed, ${report.deviations.length} deviations`,
  ]
  return lines.join('\n')
}
