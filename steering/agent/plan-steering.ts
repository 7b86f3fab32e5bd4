import { scopedKey } from '#chain/model/desired.ts'
import type {
  AttachmentMode,
  DesiredAttachment,
  DesiredDomain,
  DesiredPort,
  DesiredSteering,
} from '#steering/flows/desired.ts'
import type { SwitchPort } from '#steering/ovsdb/switch-port.ts'
import { domainId } from '../domain/names.ts'
import type { InForce } from './in-force.ts'

/** Highest OpenFlow port number of a real port. */
const MAX_OFPORT = 65_279

/** A domain as the flows need it. */
export interface DomainForFlows {
  /** Name of its port in the switch, and the MAC behind it. */
  readonly portName: string
  readonly mac: string
  /** A worker accepts connections now. */
  readonly isInspecting: boolean
}

export interface SteeringPlan {
  readonly desired: DesiredSteering
  /** Domains in which a worker listens and whose port the switch has. */
  readonly listening: ReadonlySet<string>
  /** By `tenant/id`: mode of each attachment that gets flows. */
  readonly modes: ReadonlyMap<string, AttachmentMode>
  /** What it was made from. */
  readonly inForce: InForce
  /** By `tenant/id`: attachments whose guest's port the switch does not have. */
  readonly absent: ReadonlyMap<string, string>
}

/**
 * Flows for what is in force and whose port is on the switch. Pure.
 *
 * A domain whose own port is missing (it is being built again) gets a number that no port has: then
 * inspected connections end there, and new ones follow `onFailure` like those of any domain in which
 * nobody listens.
 *
 * @param domains by domain id
 */
export function planSteering(
  generation: number,
  inForce: InForce,
  switchPorts: readonly SwitchPort[],
  domains: ReadonlyMap<string, DomainForFlows>,
): SteeringPlan {
  const listening = listeningDomains(switchPorts, domains)
  const byInterface = new Map(switchPorts.map((port) => [port.interfaceId, port]))
  const byName = new Map(switchPorts.map((port) => [port.name, port]))
  const desiredDomains = new Map<string, DesiredDomain>()
  const ports = new Map<string, DesiredPort>()
  const attachments: DesiredAttachment[] = []
  const modes = new Map<string, AttachmentMode>()
  const absent = new Map<string, string>()

  for (const [key, { attachment, port, chain, detachedAt }] of inForce) {
    const id = domainId(port)
    const domain = domains.get(id)
    const seen = byInterface.get(port.interfaceId)
    if (seen === undefined || domain === undefined) {
      const reason = `no port with iface-id ${port.interfaceId} in the switch of this host`
      absent.set(key, seen === undefined ? reason : `inspection domain ${id} is not up`)
      continue
    }
    const domainPort = byName.get(domain.portName)
    if (!desiredDomains.has(id)) {
      const ofport = domainPort?.ofport ?? MAX_OFPORT - desiredDomains.size
      desiredDomains.set(id, { key: id, ofport, mac: domain.mac })
    }
    const portKey = scopedKey(port.tenant, port.id)
    ports.set(portKey, {
      key: portKey,
      ofport: seen.ofport,
      mac: seen.mac,
      vlan: seen.vlan,
      addresses: port.addresses,
      domain: id,
    })
    const { onFailure } = chain.chain
    const isDraining = detachedAt !== null
    modes.set(key, modeOf(listening.has(id), onFailure, isDraining))
    const { direction, classifiers, priority, onAttach } = attachment
    const wanted = { direction, classifiers, priority, onAttach, onFailure, isDraining }
    attachments.push({ key, port: portKey, ...wanted })
  }
  const desired = {
    generation,
    domains: [...desiredDomains.values()],
    ports: [...ports.values()],
    attachments,
    switchPorts,
  }
  return { desired, listening, modes, inForce: new Map(inForce), absent }
}

/** Ids of the domains to which new connections may be led. Cheap: asked at every change of health. */
export function listeningDomains(
  switchPorts: readonly SwitchPort[],
  domains: ReadonlyMap<string, DomainForFlows>,
): Set<string> {
  const inspecting = [...domains].filter(([, domain]) => domain.isInspecting)
  return new Set(
    inspecting
      .filter(([, { portName }]) => switchPorts.some((port) => port.name === portName))
      .map(([id]) => id),
  )
}

function modeOf(
  isInspecting: boolean,
  onFailure: 'open' | 'closed',
  isDetached: boolean,
): AttachmentMode {
  if (isDetached) return 'draining'
  if (isInspecting) return 'listening'
  return onFailure === 'open' ? 'bypass' : 'closed'
}
