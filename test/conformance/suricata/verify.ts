import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCapture } from '#inspectors/ids/capture/pcap-file.ts'
import { type ReplayedAlert, replayCapture } from '#inspectors/ids/capture/replay.ts'
import { IdsLoadError } from '#inspectors/ids/errors.ts'
import { createIds } from '#inspectors/ids/ids.ts'
import { type AlertCheck, type IndexEntry, type TestCase, readTestCase } from './test-case.ts'

/**
 * Runs the tests of a suricata-verify folder that the inline engine can be asked: rules over TCP connections of
 * a capture, checked by their alerts. Tests that need packets, UDP or keywords that are not enforced are
 * `notEvaluated`, each with its reason; none of them counts as passed.
 */
export interface SuricataReport {
  readonly passed: number
  readonly failed: number
  readonly notEvaluated: number
  readonly failures: readonly {
    readonly test: string
    readonly wanted: string
    readonly got: number
  }[]
  readonly reasons: Readonly<Record<string, number>>
}

/** @param root folder with `index.json` and `tests/` */
export function runSuricataVerify(root: string, tier: number | null): SuricataReport {
  const index = JSON.parse(readFileSync(join(root, 'index.json'), 'utf8')) as readonly IndexEntry[]
  const reasons = new Map<string, number>()
  const failures: { test: string; wanted: string; got: number }[] = []
  let passed = 0
  let failed = 0
  for (const entry of index) {
    if (tier !== null && entry.tier !== tier) continue
    const outcome = evaluate(root, entry)
    if (typeof outcome === 'string') reasons.set(outcome, (reasons.get(outcome) ?? 0) + 1)
    else if (outcome.length === 0) passed += 1
    else {
      failed += 1
      failures.push(...outcome)
    }
  }
  return {
    passed,
    failed,
    notEvaluated: [...reasons.values()].reduce((sum, count) => sum + count, 0),
    failures,
    reasons: Object.fromEntries([...reasons].sort((left, right) => right[1] - left[1])),
  }
}

/** Reason why the test is not evaluated, or what it wanted and did not get. */
function evaluate(
  root: string,
  entry: IndexEntry,
): string | { test: string; wanted: string; got: number }[] {
  const read = readTestCase(root, entry)
  if (read.kind === 'unevaluated') return read.reason
  const alerts = replay(root, read.test)
  if (typeof alerts === 'string') return alerts
  return read.test.checks.flatMap((check) => {
    const got = alerts.filter((alert) => isMatch(alert, check)).length
    if (got === check.count) return []
    const wanted = `${check.count} of ${JSON.stringify(Object.fromEntries(check.fields))}`
    return [{ test: entry.name, wanted, got }]
  })
}

function replay(root: string, test: TestCase): readonly ReplayedAlert[] | string {
  const capture = readCapture(readFileSync(join(root, test.entry.pcap)))
  if (!capture.ok) return 'capture format'
  try {
    const ids = createIds({
      mode: 'detect',
      rulePaths: [join(root, test.entry.rules)],
      now: () => 0,
    })
    const [rejected] = ids.warnings
    if (rejected !== undefined) return `rule: ${rejected.keyword ?? rejected.code}`
    const [inapplicable] = ids.inapplicable.keys()
    if (inapplicable !== undefined) return `not inline: ${inapplicable}`
    return replayCapture(capture.packets, ids, { midstream: test.midstream })
  } catch (error) {
    if (error instanceof IdsLoadError) return `rule: ${error.diagnostics[0]?.keyword ?? error.code}`
    throw error
  }
}

function isMatch({ alert, connection, flow }: ReplayedAlert, check: AlertCheck): boolean {
  const [source, destination] =
    flow === 'to_server'
      ? [
          [connection.clientAddress, connection.clientPort],
          [connection.serverAddress, connection.serverPort],
        ]
      : [
          [connection.serverAddress, connection.serverPort],
          [connection.clientAddress, connection.clientPort],
        ]
  const values: Readonly<Record<string, unknown>> = {
    event_type: 'alert',
    'alert.signature_id': alert.signatureId,
    'alert.signature': alert.message,
    'alert.gid': alert.gid,
    'alert.rev': alert.rev,
    src_ip: source[0],
    src_port: source[1],
    dest_ip: destination[0],
    dest_port: destination[1],
    proto: 'TCP',
  }
  for (const [field, wanted] of check.fields) if (values[field] !== wanted) return false
  return true
}
