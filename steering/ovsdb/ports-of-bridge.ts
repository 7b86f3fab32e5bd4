import { type OvsdbRow, type Replica, mapOf, setOf, uuidOf } from './replica.ts'
import type { SwitchPort } from './switch-port.ts'

/** OpenFlow ports above this are reserved (OFPP_MAX). */
const MAX_OFPORT = 0xfeff
const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i

/**
 * The ports of one bridge as the replica has them, by name. Interfaces without an OpenFlow port yet (or
 * with -1: could not be opened) are left out; members of a bond appear each with the bond's VLAN.
 *
 * @returns null when the bridge does not exist
 */
export function portsOfBridge(replica: Replica, bridge: string): SwitchPort[] | null {
  const row = [...replica.rows('Bridge').values()].find((one) => one.get('name') === bridge)
  if (row === undefined) return null
  const ports = replica.rows('Port')
  const interfaces = replica.rows('Interface')
  const found: SwitchPort[] = []
  for (const reference of setOf(row.get('ports'))) {
    const port = ports.get(uuidOf(reference) ?? '')
    if (port === undefined) continue
    for (const member of setOf(port.get('interfaces'))) {
      const device = interfaces.get(uuidOf(member) ?? '')
      const described = device === undefined ? null : describe(port, device)
      if (described !== null) found.push(described)
    }
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function describe(port: OvsdbRow, device: OvsdbRow): SwitchPort | null {
  const name = device.get('name')
  const ofport = setOf(device.get('ofport'))[0]
  if (typeof name !== 'string' || typeof ofport !== 'number') return null
  if (ofport < 1 || ofport > MAX_OFPORT) return null
  const ids = mapOf(device.get('external_ids'))
  const tag = setOf(port.get('tag'))[0]
  const vlan = typeof tag === 'number' ? tag : null
  const mode = setOf(port.get('vlan_mode'))[0]
  const mac = [ids.get('attached-mac'), setOf(device.get('mac_in_use'))[0]].find(isMac)
  return {
    interfaceId: ids.get('iface-id') ?? null,
    name,
    ofport,
    mac: mac?.toLowerCase() ?? '00:00:00:00:00:00',
    vlan,
    trunk: mode === undefined ? vlan === null : mode !== 'access' && mode !== 'dot1q-tunnel',
    linkUp: setOf(device.get('link_state'))[0] === 'up',
  }
}

function isMac(value: unknown): value is string {
  return typeof value === 'string' && MAC.test(value)
}
