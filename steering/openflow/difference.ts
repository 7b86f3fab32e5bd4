import { type FlowText, flowKey } from './flow-text.ts'

/** A flow with its cookie: wanted, or (InstalledFlow) found in the switch. */
export interface DesiredFlow extends FlowText {
  readonly cookie: bigint
}

export interface Difference {
  /** Not in the switch, or there with other actions. */
  readonly missing: readonly DesiredFlow[]
  /** In the switch as wanted but with the cookie of another round or attachment. */
  readonly stale: readonly DesiredFlow[]
  /** In the switch, with our cookie, and not wanted. */
  readonly unexpected: readonly DesiredFlow[]
}

export const isEmpty = ({ missing, stale, unexpected }: Difference): boolean =>
  missing.length + stale.length + unexpected.length === 0

/** Compares by identity (table, priority, match); where two desired flows share one, the last counts. */
export function difference(
  desired: readonly DesiredFlow[],
  installed: readonly DesiredFlow[],
): Difference {
  const wanted = new Map(desired.map((flow) => [flowKey(flow), flow]))
  const unexpected: DesiredFlow[] = []
  const stale: DesiredFlow[] = []
  for (const flow of installed) {
    const key = flowKey(flow)
    const want = wanted.get(key)
    if (want === undefined) unexpected.push(flow)
    else if (want.actions === flow.actions) {
      wanted.delete(key)
      if (want.cookie !== flow.cookie) stale.push(want)
    }
  }
  return { missing: [...wanted.values()], stale, unexpected }
}

/**
 * The bundle that removes a difference, as `ovs-ofctl --bundle add-flows` reads it.
 *
 * Additions come first. A flow that is there under another cookie is added again: the switch replaces it
 * and keeps its counters. What is then left of a cookie that nobody wants any more goes with one command
 * (thousands of strict removals take minutes); single flows are removed strictly. Every removal names
 * a whole cookie of ours, so that nothing of anybody else's can be meant.
 *
 * @param desired  all that is wanted, of which `change` is the difference
 */
export function bundleText(desired: readonly DesiredFlow[], change: Difference): string {
  const wanted = new Set(desired.map((flow) => flow.cookie))
  const lines = [...change.missing, ...change.stale].map(
    (flow) =>
      `add cookie=${hex(flow.cookie)},table=${flow.table},${flow.match},actions=${flow.actions}`,
  )
  const gone = new Set<bigint>()
  for (const { cookie, table, match } of change.unexpected) {
    if (wanted.has(cookie))
      lines.push(`delete_strict cookie=${hex(cookie)}/-1,table=${table},${match}`)
    else if (!gone.has(cookie)) {
      gone.add(cookie)
      lines.push(`delete cookie=${hex(cookie)}/-1`)
    }
  }
  return `${lines.join('\n')}\n`
}

const hex = (value: bigint): string => `0x${value.toString(16)}`

/** For a message: how much differs, and one flow of it. */
export function describe({ missing, stale, unexpected }: Difference): string {
  const example = missing[0] ?? stale[0] ?? unexpected[0]
  const counts = `${missing.length} missing, ${stale.length} stale, ${unexpected.length} unexpected`
  return `${counts}; first: table=${example?.table},${example?.match}`
}
