import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EveRecord } from '#inspectors/ids/capture/eve/recorder.ts'
import { replayFile } from '#inspectors/ids/capture/replay-files.ts'
import { IdsLoadError } from '#inspectors/ids/errors.ts'
import { eventMatches, valueAt } from './event-match.ts'
import { type IndexEntry, type TestCase, readTestCase } from './test-case.ts'

/**
 * Runs the tests of a suricata-verify folder: rules over a capture, judged by the EVE records that the replay
 * writes. Tests that need options, keywords or protocols that are not there are `notEvaluated`, each with
 * its reason; none of them counts as passed.
 */
export interface SuricataReport {
  readonly passed: number
  readonly failed: number
  readonly notEvaluated: number
  /** The same by tier. */
  readonly tiers: Readonly<
    Record<string, Readonly<Record<'passed' | 'failed' | 'notEvaluated', number>>>
  >
  readonly failures: readonly {
    readonly test: string
    readonly wanted: string
    readonly got: number
  }[]
  readonly reasons: Readonly<Record<string, number>>
}

type Failure = SuricataReport['failures'][number]

/** @param root folder with `index.json` and `tests/` */
export function runSuricataVerify(root: string, tier: number | null): SuricataReport {
  const index = JSON.parse(readFileSync(join(root, 'index.json'), 'utf8')) as readonly IndexEntry[]
  const reasons = new Map<string, number>()
  const failures: Failure[] = []
  const total = { passed: 0, failed: 0, notEvaluated: 0 }
  const tiers: Record<string, typeof total> = {}
  for (const entry of index) {
    if (tier !== null && entry.tier !== tier) continue
    const outcome = evaluate(root, entry)
    if (typeof outcome === 'string') reasons.set(outcome, (reasons.get(outcome) ?? 0) + 1)
    else failures.push(...outcome)
    const result =
      typeof outcome === 'string' ? 'notEvaluated' : outcome.length === 0 ? 'passed' : 'failed'
    const ofTier = (tiers[entry.tier] ??= { passed: 0, failed: 0, notEvaluated: 0 })
    ofTier[result] += 1
    total[result] += 1
  }
  return {
    ...total,
    tiers,
    failures,
    reasons: Object.fromEntries([...reasons].sort((left, right) => right[1] - left[1])),
  }
}

/** Reason why the test is not evaluated, or what it wanted and did not get. */
function evaluate(root: string, entry: IndexEntry): string | Failure[] {
  const read = readTestCase(root, entry)
  if (read.kind === 'unevaluated') return read.reason
  const events = replay(root, read.test)
  if (typeof events === 'string') return events
  const failures: Failure[] = []
  for (const { count, filter, text } of read.test.checks) {
    const got = events.filter((event) => eventMatches(event, filter)).length
    if (filter.isLoose ? got >= count : got === count) continue
    failures.push({ test: entry.name, wanted: `${count} of ${text}`, got })
  }
  const last = events.findLast((event) => event.event_type === 'stats')
  for (const { path, value } of read.test.stats) {
    const got = valueAt(last, `stats.${path}`)
    if (got !== value)
      failures.push({ test: entry.name, wanted: `${path} ${String(value)}`, got: Number(got) })
  }
  return failures
}

function replay(root: string, test: TestCase): readonly EveRecord[] | string {
  const events: EveRecord[] = []
  try {
    const { ids } = replayFile({
      rulePaths: [join(root, test.entry.rules)],
      capture: join(root, test.entry.pcap),
      classificationFile: join(root, 'etc', 'classification.config'),
      settings: test.settings,
      isSilent: false,
      write: (record) => events.push(record),
    })
    const [rejected] = ids.warnings
    if (rejected !== undefined) return `rule: ${rejected.keyword ?? rejected.code}`
    const [inapplicable] = ids.inapplicable.keys()
    return inapplicable === undefined ? events : `not in force: ${inapplicable}`
  } catch (error) {
    if (error instanceof IdsLoadError) return `rule: ${error.diagnostics[0]?.keyword ?? error.code}`
    throw error
  }
}
