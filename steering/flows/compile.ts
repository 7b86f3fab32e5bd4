import { attachmentFlows } from './attachment-flows.ts'
import { tablesFrom } from './build.ts'
import type { Flow } from './flow.ts'
import { pipelineFlows } from './pipeline-flows.ts'
import { domainFlows, portFlows, vlanFlows } from './port-flows.ts'
import type { SteeredState } from './steered.ts'

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
  const { entryPriority } = state
  const domains = new Map(state.domains.map((domain) => [domain.ofport, domain]))
  return [
    ...pipelineFlows(tables, { generation: state.generation, entryPriority }),
    ...vlanFlows(
      tables,
      state.switchPorts.filter((port) => !domains.has(port.ofport)),
    ),
    ...state.domains.flatMap((domain) => domainFlows(tables, entryPriority, domain, state.ports)),
    ...state.ports.flatMap((port) => portFlows(tables, entryPriority, port)),
    ...state.attachments.flatMap((attachment) => {
      const domain = domains.get(attachment.port.inspector)
      return domain === undefined ? [] : attachmentFlows(tables, attachment, domain)
    }),
  ]
}
