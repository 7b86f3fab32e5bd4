import { tablesFrom } from './build.ts'
import { decisionFlows } from './decision-flows.ts'
import type { Flow } from './flow.ts'
import type { SteeredState } from './steered.ts'
import { flowUnits } from './units.ts'

/**
 * All flows that put a state in force. Pure and deterministic: the same state gives the same flows in
 * the same order. A state without attached ports gives none.
 *
 * What a packet meets, by table (the numbers are in layout.ts):
 *
 *   frame of an attached guest ─ near zone ─┬─ inspected ──────────────► inspector
 *                                           └─ pass zone ─ classify ─┬─► inspector (commits near, book)
 *                                                                    └─► go on: it may be for one, too
 *   frame to an attached guest ─ far zone ──┬─ inspected ──────────────► inspector
 *                                           └─ pass zone ─ classify ─┬─► inspector (commits far, book)
 *                                                                    └─► hand back
 *   frame of an inspector ─ to a guest: near zone, or a SYN that its book knows ─► the guest, as if
 *                           the far side had sent it
 *                         ─ from a guest: far zone, or a SYN that its book knows ─► the far side, as
 *                           if the guest had sent it; another domain's attachments see it
 *                         ─ else: dropped
 *
 * `hand back` enters table 0 again with the registers cleared and `handled` set: the bridge's other
 * flows then apply to the frame as if ours were not there.
 */
export function compile(state: SteeredState): Flow[] {
  if (state.ports.length === 0) return []
  const tables = tablesFrom(state.firstTable)
  return [
    ...flowUnits(state).flatMap((unit) => unit.flows()),
    ...state.domains.flatMap((domain) => decisionFlows(tables, domain)),
  ]
}
