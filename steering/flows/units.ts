import { attachmentFlows } from './attachment-flows.ts'
import { type Tables, tablesFrom } from './build.ts'
import type { Flow } from './flow.ts'
import { captureFlows, pipelineFlows } from './pipeline-flows.ts'
import {
  addressCandidates,
  addressFlows,
  domainFlows,
  portFlows,
  prefixKey,
  vlanFlows,
} from './port-flows.ts'
import type { SteeredAttachment, SteeredDomain, SteeredPort, SteeredState } from './steered.ts'

/** Flows that change together. */
export interface FlowUnit {
  /**
   * Everything the flows are made from: units of one signature have the same flows, so that what was
   * made once need not be made, compared or sent again.
   */
  readonly signature: string
  readonly flows: () => Flow[]
}

/**
 * The flows of a state in units, all but those that say whether a domain listens (decision-flows.ts). A
 * change of one attachment changes a handful of units, whatever the size of the state.
 */
export function flowUnits(state: SteeredState): FlowUnit[] {
  if (state.ports.length === 0) return []
  const { entryPriority, firstTable, generation } = state
  const tables = tablesFrom(firstTable)
  const place = `${firstTable} ${entryPriority}`
  const domains = new Map(state.domains.map((domain) => [domain.ofport, domain]))
  const guestPorts = state.switchPorts.filter((port) => !domains.has(port.ofport))
  return [
    { signature: `pipeline ${place}`, flows: () => pipelineFlows(tables, entryPriority) },
    {
      signature: `capture ${place} ${generation}`,
      flows: () => captureFlows(tables, generation),
    },
    ...guestPorts.map((port) => ({
      signature: `vlan ${place} ${port.ofport} ${port.vlan} ${port.trunk}`,
      flows: () => vlanFlows(tables, [port]),
    })),
    ...state.domains.flatMap(({ ofport, mac }) => [
      {
        signature: `domain ${place} ${ofport} ${mac}`,
        flows: () => domainFlows(tables, entryPriority, { ofport, mac }),
      },
      ...addressUnits(tables, place, ofport, state.ports),
    ]),
    ...state.ports.map((port) => ({
      signature: `port ${place} ${portSignature(port)}`,
      flows: () => portFlows(tables, entryPriority, port),
    })),
    ...state.attachments.flatMap((attachment) => {
      const domain = domains.get(attachment.port.inspector)
      return domain === undefined ? [] : [attachmentUnit(tables, place, attachment, domain)]
    }),
  ]
}

function addressUnits(
  tables: Tables,
  place: string,
  inspector: number,
  ports: readonly SteeredPort[],
): FlowUnit[] {
  const own = ports.filter((port) => port.inspector === inspector)
  return addressCandidates(own).map((shared) => {
    const candidates = shared.candidates.map(({ firstZone, ofport, mac }) =>
      [firstZone, ofport, mac].join(' '),
    )
    return {
      signature: `address ${place} ${inspector} ${prefixKey(shared.prefix)} ${candidates.join()}`,
      flows: () => addressFlows(tables, inspector, shared),
    }
  })
}

function attachmentUnit(
  tables: Tables,
  place: string,
  attachment: SteeredAttachment,
  domain: SteeredDomain,
): FlowUnit {
  const { number, port, direction, classifiers, priority } = attachment
  const { onFailure, isDraining, isLearning } = attachment
  const wanted = classifiers.map(({ protocol, destinationPorts, remote }) => [
    protocol,
    destinationPorts,
    remote === null ? null : prefixKey(remote),
  ])
  const what = JSON.stringify([direction, priority, onFailure, isDraining, isLearning, wanted])
  return {
    signature: `attachment ${place} ${number} ${portSignature(port)} ${domain.mac} ${what}`,
    flows: () => attachmentFlows(tables, attachment, domain),
  }
}

function portSignature({
  firstZone,
  ofport,
  mac,
  vlan,
  addresses,
  inspector,
  hasDatagrams,
}: SteeredPort): string {
  return [firstZone, ofport, mac, vlan, inspector, hasDatagrams, ...addresses.map(prefixKey)].join(
    ' ',
  )
}
