import type { RunCommand } from './command.ts'
import { DomainError } from './errors.ts'

/**
 * A domain's port in the bridge, through `ovs-vsctl`.
 *
 * It is an access port of VLAN 4095, which no frame can carry: whatever the flows say or fail to say, a
 * bridge that switches by learning floods nothing into the port and takes nothing from it. Our flows
 * reach it by number, past its VLAN. `external_ids` say whose it is, so that a later run finds it.
 */
export interface SwitchLocation {
  /** OVSDB address as ovs-vsctl takes it: `unix:/var/run/openvswitch/db.sock`. */
  readonly ovsdb: string
  readonly bridge: string
}

/** Keys of the Port's `external_ids`. */
export const OWNER_KEY = 'portcullis-instance'
export const DOMAIN_KEY = 'portcullis-domain'

const DEAD_VLAN = 4095
const VSCTL_TIMEOUT_SECONDS = 10

/** A port of ours, as `external_ids` tell of it. */
export interface OwnPort {
  readonly name: string
  readonly instance: string
  readonly domain: string
}

/**
 * Adds the port, or takes over the one that is there, and waits until the switch has it.
 *
 * @returns its OpenFlow port number
 * @throws DomainError `COMMAND_FAILED` when the switch cannot open the interface or does not answer
 */
export async function addSwitchPort(
  run: RunCommand,
  location: SwitchLocation,
  port: OwnPort,
): Promise<number> {
  await run([...vsctl(location), ...additionOf(location, port)])
  return switchPortNumber(run, location, port.name)
}

/** What makes ovs-vsctl add a port of ours, as a part of one transaction. */
export const additionOf = (
  { bridge }: SwitchLocation,
  { name, instance, domain }: OwnPort,
): string[] => [
  '--',
  '--may-exist',
  'add-port',
  bridge,
  name,
  '--',
  'set',
  'Port',
  name,
  `tag=${DEAD_VLAN}`,
  'vlan_mode=access',
  `external_ids:${OWNER_KEY}=${instance}`,
  `external_ids:${DOMAIN_KEY}="${domain}"`,
]

/**
 * Waits until the switch has a port.
 *
 * @returns its OpenFlow port number
 * @throws DomainError `COMMAND_FAILED` when the switch cannot open the interface or does not answer
 */
export async function switchPortNumber(
  run: RunCommand,
  location: SwitchLocation,
  name: string,
): Promise<number> {
  await run([...vsctl(location), 'wait-until', 'Interface', name, 'ofport!=[]'])
  const output = await run([...vsctl(location), 'get', 'Interface', name, 'ofport'])
  const ofport = Number(output.trim())
  if (!Number.isInteger(ofport) || ofport < 1)
    throw new DomainError('COMMAND_FAILED', `the switch could not open ${name}: ofport ${ofport}`)
  return ofport
}

/** Removes ports by name; those that are gone already are no error. */
export async function removeSwitchPorts(
  run: RunCommand,
  location: SwitchLocation,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return
  const removals = names.flatMap((name) => ['--', '--if-exists', 'del-port', name])
  await run([...vsctl(location), ...removals])
}

/** Names of the ports that an agent instance has in the switch, in whatever bridge. */
export async function listOwnSwitchPorts(
  run: RunCommand,
  location: SwitchLocation,
  instance: string,
): Promise<string[]> {
  const query = `external_ids:${OWNER_KEY}=${instance}`
  const output = await run([...vsctl(location), '--bare', '--columns=name', 'find', 'Port', query])
  return output.split('\n').filter((line) => line !== '')
}

/**
 * @returns false where the bridge's datapath is userspace (`netdev`) and frames must leave with whole
 *   checksums
 * @throws DomainError `COMMAND_FAILED` when there is no such bridge
 */
export async function hasKernelDatapath(
  run: RunCommand,
  location: SwitchLocation,
): Promise<boolean> {
  const output = await run([...vsctl(location), 'get', 'Bridge', location.bridge, 'datapath_type'])
  return !['netdev', 'dummy'].includes(output.trim().replaceAll('"', ''))
}

/** ovs-vsctl with what every call of ours has. */
export function vsctl(location: SwitchLocation): readonly [string, ...string[]] {
  return ['ovs-vsctl', `--db=${location.ovsdb}`, `--timeout=${VSCTL_TIMEOUT_SECONDS}`]
}
