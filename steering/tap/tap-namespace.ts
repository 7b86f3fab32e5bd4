import type { RunCommand } from '../domain/command.ts'
import type { DomainNames } from '../domain/names.ts'
import { inNamespace, removeNamespace } from '../domain/namespace.ts'

/** Name of the veth's end inside the namespace. */
export const TAP_INTERFACE = 'tap0'

/**
 * A namespace with nothing in it but the end of a veth pair that copies come to. It has no address and says
 * nothing. What was there under these names goes first.
 */
export async function buildTapNamespace(
  run: RunCommand,
  names: DomainNames,
  mtu: number,
): Promise<void> {
  const { namespace, portName, mac } = names
  await removeNamespace(run, names)
  await run(['ip', 'netns', 'add', namespace])
  const peer = ['peer', 'name', TAP_INTERFACE, 'netns', namespace, 'address', mac, 'mtu', `${mtu}`]
  await run(['ip', 'link', 'add', portName, 'mtu', `${mtu}`, 'type', 'veth', ...peer])
  const path = `/proc/sys/net/ipv6/conf/${TAP_INTERFACE}/disable_ipv6`
  await run([...inNamespace(namespace), 'sh', '-c', `echo 1 >${path}`])
  await run(['ip', '-n', namespace, 'link', 'set', TAP_INTERFACE, 'arp', 'off', 'up'])
  await run(['ip', 'link', 'set', portName, 'up'])
}
