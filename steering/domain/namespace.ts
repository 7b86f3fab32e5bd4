import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { RunCommand } from './command.ts'
import { type DomainNames, NAMESPACE_PREFIX, PORT_PREFIX } from './names.ts'

/** TCP port of the one transparent socket. No packet carries it: the redirection is by socket. */
export const TRANSPARENT_PORT = 15_001
/** Name of the veth's end inside the namespace. */
export const INNER_INTERFACE = 'eth0'
/** Where iproute2 keeps named namespaces. */
export const NAMESPACE_FOLDER = '/run/netns'

const PREPARE_SCRIPT = fileURLToPath(new URL('prepare-namespace.pl', import.meta.url))
const ACCEPT_BACKLOG = 4096
const NEXT_HOP_V4 = '169.254.1.1'
const NEXT_HOP_V6 = 'fe80::1'

/**
 * Every address is local and anybody's address may be the source of a connection. The interface answers
 * no ARP and speaks no neighbour discovery of its own: to the bridge it is a silent port.
 */
const SETTINGS: readonly string[] = [
  'ipv4/ip_nonlocal_bind=1',
  'ipv6/ip_nonlocal_bind=1',
  'ipv4/conf/all/rp_filter=0',
  'ipv4/conf/default/rp_filter=0',
  `ipv4/conf/${INNER_INTERFACE}/rp_filter=0`,
  'ipv4/conf/lo/rp_filter=0',
  'ipv4/conf/all/accept_local=1',
  `ipv4/conf/${INNER_INTERFACE}/accept_local=1`,
  `ipv4/conf/${INNER_INTERFACE}/arp_ignore=8`,
  'ipv4/conf/all/accept_redirects=0',
  'ipv4/conf/all/send_redirects=0',
  'ipv4/ip_unprivileged_port_start=0',
  'ipv4/tcp_tw_reuse=1',
  'ipv4/tcp_migrate_req=1',
  'ipv4/tcp_fin_timeout=15',
  `ipv4/tcp_max_syn_backlog=${ACCEPT_BACKLOG}`,
  `core/somaxconn=${ACCEPT_BACKLOG}`,
  `ipv6/conf/${INNER_INTERFACE}/addr_gen_mode=1`,
  `ipv6/conf/${INNER_INTERFACE}/accept_ra=0`,
  `ipv6/conf/${INNER_INTERFACE}/accept_dad=0`,
  `ipv6/conf/${INNER_INTERFACE}/accept_redirects=0`,
  `ipv6/conf/${INNER_INTERFACE}/router_solicitations=0`,
]

export interface NamespaceOptions {
  readonly mtu: number
  /** False where the datapath is userspace: checksums must then be whole when a frame leaves. */
  readonly checksumOffload: boolean
}

/**
 * Builds namespace, veth pair, settings, routes, rules and the redirection, in an order in which no
 * step lets a frame out before the ones that silence the interface. The host's end is left down and in
 * no bridge. Fails when any of it exists already.
 */
export async function createNamespace(
  run: RunCommand,
  names: DomainNames,
  options: NamespaceOptions,
): Promise<void> {
  const { namespace, portName, mac } = names
  await run(['ip', 'netns', 'add', namespace])
  const mtu = String(options.mtu)
  const peer = ['peer', 'name', INNER_INTERFACE, 'netns', namespace, 'address', mac, 'mtu', mtu]
  await run(['ip', 'link', 'add', portName, 'mtu', mtu, 'type', 'veth', ...peer])
  const offload = options.checksumOffload ? 'keep' : 'off'
  await run([
    ...inNamespace(namespace),
    'perl',
    PREPARE_SCRIPT,
    INNER_INTERFACE,
    offload,
    ...SETTINGS,
  ])
  await run([...inNamespace(namespace), 'nft', '-f', '-'], { input: REDIRECTION })
  await run(['ip', '-n', namespace, '-batch', '-'], { input: routesV4(names) })
  await run(['ip', '-n', namespace, '-6', '-batch', '-'], { input: routesV6(names) })
  await run(['ip', 'link', 'set', portName, 'up'])
}

/** Removes what createNamespace made; what is gone already is no error. */
export async function removeNamespace(run: RunCommand, names: DomainNames): Promise<void> {
  if (await hasLink(run, names.portName)) await run(['ip', 'link', 'delete', names.portName])
  const namespaces = await listNamespaces()
  if (namespaces.includes(names.namespace)) await run(['ip', 'netns', 'delete', names.namespace])
}

/** Processes in a namespace: the supervisor, its workers, and whatever a crashed run left there. */
export async function namespaceProcesses(run: RunCommand, namespace: string): Promise<number[]> {
  const namespaces = await listNamespaces()
  if (!namespaces.includes(namespace)) return []
  const output = await run(['ip', 'netns', 'pids', namespace])
  return output
    .split('\n')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid > 1)
}

/** Named namespaces of this machine. */
export async function listNamespaces(): Promise<string[]> {
  try {
    return await readdir(NAMESPACE_FOLDER)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Namespaces and host ends of veth pairs that an agent instance made, by their names. */
export async function listOwnDevices(
  run: RunCommand,
  instance: string,
): Promise<{ readonly namespaces: string[]; readonly links: string[] }> {
  const namespaces = await listNamespaces()
  const links = JSON.parse(await run(['ip', '-json', 'link', 'show'])) as { ifname: string }[]
  return {
    namespaces: namespaces.filter((name) => name.startsWith(`${NAMESPACE_PREFIX}${instance}-`)),
    links: links
      .map((link) => link.ifname)
      .filter((name) => name.startsWith(`${PORT_PREFIX}${instance}`)),
  }
}

export function inNamespace(namespace: string): readonly [string, ...string[]] {
  return ['nsenter', `--net=${NAMESPACE_FOLDER}/${namespace}`, '--']
}

async function hasLink(run: RunCommand, name: string): Promise<boolean> {
  const links = JSON.parse(await run(['ip', '-json', 'link', 'show'])) as { ifname: string }[]
  return links.some((link) => link.ifname === name)
}

/**
 * Packets of connections that exist go to their sockets; a first SYN, to whatever address and port, to
 * the transparent socket. `socket wildcard 0` leaves out the listening socket itself. Datagrams are read from
 * the interface, in front of all this; the kernel must not take them as its own as well.
 */
const REDIRECTION = `table inet portcullis {
  chain prerouting {
    type filter hook prerouting priority mangle; policy accept;
    iifname "${INNER_INTERFACE}" meta l4proto tcp socket wildcard 0 accept
    iifname "${INNER_INTERFACE}" tcp flags & (syn|ack) == syn meta nfproto ipv4 tproxy ip to :${TRANSPARENT_PORT} accept
    iifname "${INNER_INTERFACE}" tcp flags & (syn|ack) == syn meta nfproto ipv6 tproxy ip6 to :${TRANSPARENT_PORT} accept
    iifname "${INNER_INTERFACE}" meta l4proto udp drop
  }
}
`

/**
 * The catch-all of addresses is in table \`local\`, where the kernel looks a reply's source up whatever the
 * rules say. The rules keep what workers send from looping back into it. The default route comes first:
 * afterwards its next hop would count as local.
 */
const routesV4 = (names: DomainNames): string =>
  [
    'link set lo up',
    `link set ${INNER_INTERFACE} up`,
    `route add default via ${NEXT_HOP_V4} dev ${INNER_INTERFACE} onlink`,
    `neigh replace ${NEXT_HOP_V4} lladdr ${names.nextHopMac} dev ${INNER_INTERFACE} nud permanent`,
    'route add local 0.0.0.0/0 dev lo table local',
    `rule add pref 10 iif ${INNER_INTERFACE} lookup local`,
    'rule add pref 11 to 127.0.0.0/8 lookup local',
    'rule add pref 20 lookup main',
    'rule del pref 0',
    '',
  ].join('\n')

const routesV6 = (names: DomainNames): string =>
  [
    `route add default via ${NEXT_HOP_V6} dev ${INNER_INTERFACE} onlink`,
    `neigh replace ${NEXT_HOP_V6} lladdr ${names.nextHopMac} dev ${INNER_INTERFACE} nud permanent`,
    'route add local ::/0 dev lo table local',
    `rule add pref 10 iif ${INNER_INTERFACE} lookup local`,
    'rule add pref 11 to ::1 lookup local',
    'rule add pref 20 lookup main',
    'rule del pref 0',
    '',
  ].join('\n')
