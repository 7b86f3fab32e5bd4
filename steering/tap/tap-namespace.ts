import type { Command, RunCommand } from '../domain/command.ts'
import type { DomainNames } from '../domain/names.ts'
import { inNamespace, removeNamespace } from '../domain/namespace.ts'

/** Name of the veth's end inside the namespace. */
export const TAP_INTERFACE = 'tap0'

/**
 * A namespace with nothing in it but the end of a veth pair that copies come to. Neither end has an address or says
 * anything. What was there under these names goes first.
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
  await run([...inNamespace(namespace), ...withoutIpv6(TAP_INTERFACE)])
  await run(withoutIpv6(portName))
  await run(['ip', '-n', namespace, 'link', 'set', TAP_INTERFACE, 'arp', 'off', 'up'])
  await run(['ip', 'link', 'set', portName, 'up'])
}

/** An address of its own would have it speak. Where the kernel has no IPv6 there is nothing to set. */
function withoutIpv6(device: string): Command {
  const setting = `/proc/sys/net/ipv6/conf/${device}/disable_ipv6`
  return ['sh', '-c', `[ ! -e ${setting} ] || echo 1 >${setting}`]
}
