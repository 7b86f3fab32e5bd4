import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { access, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FOLDER_PREFIX, namespacePrefix, removeLeftovers, removeTopology } from './leftovers.ts'
import { killNamespace, writeOwner } from './leftovers.ts'
import { type CommandOptions, type CommandResult, mustRun, runCommand } from './run-command.ts'
import { waitUntil } from './wait-until.ts'

const OFFLOAD_SCRIPT = fileURLToPath(
  new URL('../../steering/domain/prepare-namespace.pl', import.meta.url),
)
const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'

/** One interface of a guest or router. */
export interface LegOptions {
  /** `external_ids:iface-id`. */
  readonly interfaceId: string
  /** With prefix length: `10.0.0.2/24`, `fd00::2/64`. */
  readonly addresses: readonly string[]
  readonly mac?: string
  /** Access VLAN of the switch port. */
  readonly vlan?: number
}

export interface GuestOptions extends LegOptions {
  readonly name: string
  /** Default routes, one for each family. */
  readonly gateways?: readonly string[]
}

export interface RouterOptions {
  readonly name: string
  readonly legs: readonly LegOptions[]
}

/** A leg as it is: what the agent is to find out by itself. */
export interface Leg {
  readonly interfaceId: string
  readonly addresses: readonly string[]
  readonly mac: string
  readonly vlan: number | null
  /** Name of the port in the switch. */
  readonly portName: string
}

export interface Guest {
  readonly name: string
  readonly namespace: string
  readonly legs: readonly Leg[]
}

/**
 * A private Open vSwitch with guests, for tests and the demo.
 *
 * Everything runs in namespaces of its own: ovsdb-server and ovs-vswitchd (userspace datapath) in the
 * *switch namespace*, each guest in one more. So several topologies live side by side, and an agent
 * that is to work on this switch must be in its namespace too: start it with `atSwitch(argv)`.
 *
 * `start` first removes what crashed runs left; `stop` removes everything and may be called twice.
 */
export class Topology {
  readonly bridge = 'br-int'
  #folder = ''
  #prefix = ''
  readonly #guests = new Map<string, Guest>()
  #ports = 0
  #hasBridge = false
  #vswitchd: ChildProcess | null = null

  /** Folder of databases, sockets and logs; `stop` removes it. */
  get folder(): string {
    return this.#folder
  }

  get switchNamespace(): string {
    return `${this.#prefix}switch`
  }

  /** OVSDB's unix socket (a path; `unix:` in front makes it ovs-vsctl's). */
  get ovsdbSocket(): string {
    return join(this.#folder, 'db.sock')
  }

  /** OpenFlow management socket of the bridge. */
  get managementSocket(): string {
    return join(this.#folder, `${this.bridge}.mgmt`)
  }

  /** ovs-vswitchd's control socket, for ovs-appctl. */
  get controlSocket(): string {
    return join(this.#folder, 'ovs-vswitchd.ctl')
  }

  async start(): Promise<void> {
    if (this.#folder !== '') throw new Error('the topology runs already')
    await removeLeftovers()
    this.#folder = await mkdtemp(join(tmpdir(), FOLDER_PREFIX))
    this.#prefix = namespacePrefix(this.#folder)
    await writeOwner(this.#folder)
    try {
      await mustRun(['ip', 'netns', 'add', this.switchNamespace])
      await mustRun(['ip', '-n', this.switchNamespace, 'link', 'set', 'lo', 'up'])
      await this.#startDatabase()
      await this.startSwitch()
      await this.vsctl(
        'add-br',
        this.bridge,
        '--',
        'set',
        'Bridge',
        this.bridge,
        'datapath_type=netdev',
        'fail_mode=secure',
      )
      this.#hasBridge = true
      await waitUntil('the management socket', () => exists(this.managementSocket))
      await this.addBaseFlow()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    const folder = this.#folder
    this.#folder = ''
    this.#guests.clear()
    this.#vswitchd = null
    this.#hasBridge = false
    if (folder !== '') await removeTopology(folder)
  }

  /** Starts ovs-vswitchd, at first and after `killSwitch`. Its flows are empty then. */
  async startSwitch(): Promise<void> {
    this.#vswitchd = await this.#daemon('ovs-vswitchd', [`unix:${this.ovsdbSocket}`])
    await waitUntil('ovs-vswitchd', async () => {
      return (await runCommand(this.#appctl('version'))).code === 0
    })
    if (this.#hasBridge)
      await waitUntil(`${this.bridge} to answer`, async () => {
        return (await runCommand(['ovs-ofctl', 'show', this.managementSocket])).code === 0
      })
  }

  async killSwitch(): Promise<void> {
    const child = this.#vswitchd
    if (child === null || child.exitCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  /** The one flow that the bridge's owner has: ordinary switching. */
  async addBaseFlow(): Promise<void> {
    await this.ofctl('add-flow', this.managementSocket, 'priority=0,actions=NORMAL')
  }

  /** A guest with one interface, `eth0`. */
  async addGuest(options: GuestOptions): Promise<Guest> {
    const guest = await this.#addNamespace(options.name, [options])
    for (const gateway of options.gateways ?? [])
      await mustRun(['ip', '-n', guest.namespace, 'route', 'add', 'default', 'via', gateway])
    return guest
  }

  /** A guest that forwards between its interfaces, `eth0`, `eth1`, ... */
  async addRouter(options: RouterOptions): Promise<Guest> {
    const guest = await this.#addNamespace(options.name, options.legs)
    await this.exec(guest, [
      'sh',
      '-c',
      'echo 1 >/proc/sys/net/ipv4/ip_forward && echo 1 >/proc/sys/net/ipv6/conf/all/forwarding',
    ])
    return guest
  }

  /** Takes a guest away: its processes, its switch ports, its namespace. */
  async removeGuest(guest: Guest): Promise<void> {
    await killNamespace(guest.namespace)
    for (const leg of guest.legs) await this.vsctl('--if-exists', 'del-port', leg.portName)
    await mustRun(['ip', 'netns', 'delete', guest.namespace])
    this.#guests.delete(guest.name)
  }

  guest(name: string): Guest {
    const guest = this.#guests.get(name)
    if (guest === undefined) throw new Error(`no guest ${name}`)
    return guest
  }

  /** Runs a command in a guest; any exit code but 0 is an error. @returns its standard output */
  exec(guest: Guest | string, argv: readonly string[], options?: CommandOptions): Promise<string> {
    return mustRun(this.inGuest(guest, argv), options)
  }

  /** As exec, with exit code and both outputs as the result. */
  try(
    guest: Guest | string,
    argv: readonly string[],
    options?: CommandOptions,
  ): Promise<CommandResult> {
    return runCommand(this.inGuest(guest, argv), options)
  }

  /** Starts a process in a guest. `stop` ends it. */
  spawn(guest: Guest | string, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [program, ...args] = this.inGuest(guest, argv)
    return spawn(program, args, options)
  }

  /** The argument list that runs `argv` in the guest's namespace. */
  inGuest(guest: Guest | string, argv: readonly string[]): string[] {
    const { namespace } = typeof guest === 'string' ? this.guest(guest) : guest
    return inNamespace(namespace, argv)
  }

  /** The argument list that runs `argv` beside ovs-vswitchd: for the agent. */
  atSwitch(argv: readonly string[]): string[] {
    return inNamespace(this.switchNamespace, argv)
  }

  vsctl(...args: string[]): Promise<string> {
    return mustRun(['ovs-vsctl', `--db=unix:${this.ovsdbSocket}`, '--timeout=15', ...args])
  }

  /** ovs-ofctl; the management socket is among the arguments. */
  ofctl(...args: string[]): Promise<string> {
    return mustRun(['ovs-ofctl', '-O', 'OpenFlow15', ...args])
  }

  appctl(...args: string[]): Promise<string> {
    return mustRun(this.#appctl(...args))
  }

  #appctl(...args: string[]): string[] {
    return ['ovs-appctl', '-t', this.controlSocket, ...args]
  }

  async #startDatabase(): Promise<void> {
    const database = join(this.#folder, 'conf.db')
    await mustRun(['ovsdb-tool', 'create', database, SCHEMA])
    await this.#daemon('ovsdb-server', [database, `--remote=punix:${this.ovsdbSocket}`])
    await waitUntil('the OVSDB socket', () => exists(this.ovsdbSocket))
    await mustRun(['ovs-vsctl', `--db=unix:${this.ovsdbSocket}`, '--no-wait', 'init'])
  }

  /** Not detached from its terminal's group, but it outlives a crash of ours: see leftovers.ts. */
  async #daemon(program: string, args: readonly string[]): Promise<ChildProcess> {
    const own = [
      `--unixctl=${join(this.#folder, `${program}.ctl`)}`,
      `--log-file=${join(this.#folder, `${program}.log`)}`,
      '-vconsole:off',
    ]
    const [command, ...rest] = this.atSwitch([program, ...args, ...own])
    const environment = { OVS_RUNDIR: this.#folder, OVS_LOGDIR: this.#folder }
    const child = spawn(command, rest, {
      stdio: 'ignore',
      // A Ctrl-C for us must leave the switch alive until stop() takes it down in order.
      detached: true,
      env: { ...process.env, ...environment },
    })
    child.unref()
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    return child
  }

  async #addNamespace(name: string, legs: readonly LegOptions[]): Promise<Guest> {
    if (this.#guests.has(name)) throw new Error(`guest ${name} exists already`)
    const namespace = `${this.#prefix}${name}`
    await mustRun(['ip', 'netns', 'add', namespace])
    await mustRun(['ip', '-n', namespace, 'link', 'set', 'lo', 'up'])
    const made: Leg[] = []
    for (const [index, leg] of legs.entries())
      made.push(await this.#addLeg(namespace, `eth${index}`, leg))
    const guest = { name, namespace, legs: made }
    this.#guests.set(name, guest)
    return guest
  }

  async #addLeg(namespace: string, device: string, options: LegOptions): Promise<Leg> {
    const number = ++this.#ports
    const portName = `vm${number}`
    const mac = options.mac ?? `02:16:3e:00:${hexByte(number >> 8)}:${hexByte(number)}`
    const here = this.switchNamespace
    await mustRun([
      'ip',
      '-n',
      here,
      'link',
      'add',
      portName,
      'type',
      'veth',
      'peer',
      'name',
      device,
      'netns',
      namespace,
      'address',
      mac,
    ])
    // Userspace switching passes bytes: a checksum left for the card to finish would stay wrong.
    const settings = [`ipv6/conf/${device}/accept_dad=0`, `ipv6/conf/${device}/accept_ra=0`]
    const prepare = ['perl', OFFLOAD_SCRIPT, device, 'off', ...settings]
    await mustRun(inNamespace(namespace, prepare))
    for (const address of options.addresses)
      await mustRun(['ip', '-n', namespace, 'address', 'add', address, 'dev', device])
    await mustRun(['ip', '-n', namespace, 'link', 'set', device, 'up'])
    await mustRun(['ip', '-n', here, 'link', 'set', portName, 'up'])
    const tag =
      options.vlan === undefined ? [] : ['--', 'set', 'Port', portName, `tag=${options.vlan}`]
    await this.vsctl(
      'add-port',
      this.bridge,
      portName,
      '--',
      'set',
      'Interface',
      portName,
      `external_ids:iface-id=${options.interfaceId}`,
      `external_ids:attached-mac="${mac}"`,
      ...tag,
    )
    return {
      interfaceId: options.interfaceId,
      addresses: options.addresses,
      mac,
      vlan: options.vlan ?? null,
      portName,
    }
  }
}

function inNamespace(namespace: string, argv: readonly string[]): string[] {
  return ['nsenter', `--net=/run/netns/${namespace}`, '--', ...argv]
}

const hexByte = (value: number): string => (value & 255).toString(16).padStart(2, '0')

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
