import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { RunCommand } from '#steering/domain/command.ts'
import { createNamespace } from '#steering/domain/namespace.ts'
import { killNamespace } from '#test/topology/leftovers.ts'
import { mustRun } from '#test/topology/run-command.ts'
import type { Topology } from '#test/topology/topology.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

const LISTEN = fileURLToPath(new URL('listen.pl', import.meta.url))
const SPLICE = fileURLToPath(new URL('splice.ts', import.meta.url))

/** An inspection namespace as the product makes it, with the smallest splice in it. */
export class StandIn {
  readonly mac: string
  readonly portName: string
  readonly namespace: string
  /** `client port > server port` of every connection that was accepted. */
  readonly accepted: string[] = []
  readonly #topology: Topology
  #child: ChildProcess | null = null

  constructor(topology: Topology, number: number) {
    this.#topology = topology
    this.mac = `02:70:63:00:00:${number.toString(16).padStart(2, '0')}`
    this.portName = `pci${number}`
    this.namespace = topology.switchNamespace.replace(/switch$/, `inspector${number}`)
  }

  /** The argument list that runs `argv` in the inspection namespace. */
  inside(argv: readonly string[]): string[] {
    return ['nsenter', `--net=/run/netns/${this.namespace}`, '--', ...argv]
  }

  async create(): Promise<void> {
    const run: RunCommand = ([...argv], options) =>
      mustRun(this.#topology.atSwitch(argv), { input: options?.input ?? '' })
    const names = {
      instance: 'test',
      portName: this.portName,
      namespace: this.namespace,
      folder: '',
      mac: this.mac,
      nextHopMac: '02:70:63:ff:ff:ff',
    }
    await createNamespace(run, names, { mtu: 1500, checksumOffload: false })
    await this.#topology.vsctl(
      'add-port',
      this.#topology.bridge,
      this.portName,
      '--',
      'set',
      'Port',
      this.portName,
      'tag=4095',
      'vlan_mode=access',
    )
    await this.start()
  }

  async start(): Promise<void> {
    const [program, ...args] = this.inside(['perl', LISTEN, process.execPath, SPLICE])
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let isReady = false
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'ready') isReady = true
      else this.accepted.push(line)
    })
    this.#child = child
    await waitUntil('the stand-in inspector', () => isReady)
  }

  async kill(): Promise<void> {
    if (this.#child === null) return
    this.#child = null
    await killNamespace(this.namespace)
  }
}
