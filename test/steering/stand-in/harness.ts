import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Classifier, Direction } from '#chain/model/attachment.ts'
import type { DesiredAttachment, DesiredSteering } from '#steering/flows/desired.ts'
import { SwitchController } from '#steering/openflow/switch-controller.ts'
import type {
  Realized,
  SwitchControllerOptions,
} from '#steering/openflow/switch-controller-interface.ts'
import { PortWatch, type SwitchState } from '#steering/ovsdb/port-watch.ts'
import { type GuestOptions, type RouterOptions, Topology } from '#test/topology/topology.ts'
import { waitUntil } from '#test/topology/wait-until.ts'
import { StandIn } from './stand-in.ts'

const PEER = fileURLToPath(new URL('peer.ts', import.meta.url))

export interface AttachmentSketch {
  /** Name of a guest; its first leg is attached. */
  readonly guest: string
  readonly direction: Direction
  readonly ports?: Classifier['destinationPorts']
  readonly remote?: string
  readonly priority?: number
  readonly onFailure?: 'open' | 'closed'
  readonly isDraining?: boolean
  readonly onAttach?: 'new-only' | 'reset'
  /** Number of a stand-in, default 1. */
  readonly domain?: number
  /** Tells attachments of one guest and direction apart. */
  readonly name?: string
}

export interface HarnessOptions {
  readonly guests: readonly GuestOptions[]
  readonly router?: RouterOptions
  /** How many stand-ins, default 1. */
  readonly inspectors?: number
}

/** A switch, guests, a watch on the ports, a controller and stand-in inspectors. */
export class Harness {
  readonly topology = new Topology()
  readonly inspectors: StandIn[] = []
  controller!: SwitchController
  state: SwitchState = { ports: null, datapathType: '' }
  #watch: PortWatch | null = null
  #generation = 0

  async start(options: HarnessOptions): Promise<void> {
    await this.topology.start()
    for (const guest of options.guests) await this.topology.addGuest(guest)
    if (options.router !== undefined) await this.topology.addRouter(options.router)
    for (let number = 1; number <= (options.inspectors ?? 1); number++) {
      const inspector = new StandIn(this.topology, number)
      await inspector.create()
      this.inspectors.push(inspector)
    }
    this.#watch = new PortWatch(
      { path: this.topology.ovsdbSocket, bridge: this.topology.bridge },
      {
        changed: (state) => (this.state = state),
        connected: () => {},
        disconnected: () => {},
        switchRestarted: () => {},
      },
    )
    this.#watch.start()
    await waitUntil('all ports in the watch', () =>
      this.inspectors.every((one) => this.#portNamed(one.portName) !== undefined),
    )
    this.controller = await this.newController()
  }

  async newController(options: Partial<SwitchControllerOptions> = {}): Promise<SwitchController> {
    const controller = new SwitchController({
      managementSocket: this.topology.managementSocket,
      controlSocket: this.topology.controlSocket,
      stateFile: join(this.topology.folder, 'steering.json'),
      learningMs: 2_000,
      reconcileMs: 0,
      ...options,
    })
    controller.setListening(this.domains)
    await controller.start()
    return controller
  }

  async stop(): Promise<void> {
    this.#watch?.stop()
    await this.controller?.stop()
    await this.topology.stop()
  }

  /** Waits until the watch has ports with these iface-ids. */
  async knows(...interfaceIds: string[]): Promise<void> {
    await waitUntil(`ports ${interfaceIds.join(', ')}`, () =>
      interfaceIds.every((id) => this.state.ports?.some((port) => port.interfaceId === id)),
    )
  }

  /** Keys of the domains, one for each stand-in. */
  get domains(): ReadonlySet<string> {
    return new Set(this.inspectors.map((inspector) => inspector.portName))
  }

  attach(sketches: readonly AttachmentSketch[]): Promise<Realized> {
    return this.controller.setDesired(this.desired(sketches))
  }

  desired(sketches: readonly AttachmentSketch[]): DesiredSteering {
    const attachments: DesiredAttachment[] = sketches.map((sketch) => ({
      key: `t/${sketch.guest}-${sketch.direction}${sketch.name ?? ''}`,
      port: sketch.guest,
      direction: sketch.direction,
      classifiers: [
        {
          protocol: 'tcp',
          destinationPorts: sketch.ports ?? [80],
          ...(sketch.remote === undefined ? {} : { remote: sketch.remote }),
        },
      ],
      priority: sketch.priority ?? 100,
      onAttach: sketch.onAttach ?? 'new-only',
      onFailure: sketch.onFailure ?? 'open',
      isDraining: sketch.isDraining ?? false,
    }))
    const guests = new Map(sketches.map((sketch) => [sketch.guest, sketch.domain ?? 1]))
    return {
      generation: ++this.#generation,
      domains: this.inspectors.map((inspector) => ({
        key: inspector.portName,
        ofport: this.#portNamed(inspector.portName)!.ofport,
        mac: inspector.mac,
      })),
      ports: [...guests].map(([name, domain]) => {
        const leg = this.topology.guest(name).legs[0]
        const port = this.#portNamed(leg.portName)!
        return {
          key: name,
          ofport: port.ofport,
          mac: port.mac,
          vlan: port.vlan,
          addresses: leg.addresses.map((address) => address.split('/')[0]),
          domain: this.inspectors[domain - 1].portName,
        }
      }),
      attachments,
      switchPorts: this.state.ports ?? [],
    }
  }

  /** Starts a server in a guest and waits until it listens. */
  async serve(guest: string, ...ports: number[]): Promise<ChildProcess> {
    const argv = [process.execPath, PEER, 'serve', ...ports.map(String)]
    const child = this.topology.spawn(guest, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    let serving = 0
    createInterface({ input: child.stdout! }).on('line', () => serving++)
    await waitUntil(`${guest} to serve`, () => serving === ports.length)
    return child
  }

  async ask(guest: string, host: string, port = 80): Promise<string> {
    const argv = [process.execPath, PEER, 'ask', host, String(port)]
    return (await this.topology.exec(guest, argv)).trim()
  }

  /**
   * Asks, and tells how often each inspector saw that very connection.
   *
   * @returns the answer (the client's address and the line, or an error's code), then the count of each
   */
  async asked(guest: string, host: string, port = 80): Promise<[string, ...number[]]> {
    const answer = await this.ask(guest, host, port)
    const [address, clientPort, line] = answer.split(' ')
    if (line === undefined) return [answer, ...this.inspectors.map(() => 0)]
    // What the inspectors wrote before they passed the question on is in their pipes by now; it is read one
    // pipe after the other.
    for (let turn = 0; turn < 5; turn++) await delay(10)
    const connection = `${address} ${clientPort} > ${host} ${port}`
    const seen = this.inspectors.map(
      ({ accepted }) => accepted.filter((one) => one.startsWith(connection)).length,
    )
    return [`${address} ${line}`, ...seen]
  }

  async load(
    guest: string,
    host: string,
    ms: number,
    width = 8,
  ): Promise<{ ok: number; failed: Record<string, number> }> {
    const argv = [process.execPath, PEER, 'load', host, '80', String(ms), String(width)]
    return JSON.parse(await this.topology.exec(guest, argv)) as never
  }

  async hold(guest: string, host: string, port = 80): Promise<Held> {
    const argv = [process.execPath, PEER, 'hold', host, String(port)]
    const held = new Held(this.topology.spawn(guest, argv, { stdio: 'pipe' }))
    await held.next('the connection to open')
    return held
  }

  #portNamed(name: string): NonNullable<SwitchState['ports']>[number] | undefined {
    return this.state.ports?.find((port) => port.name === name)
  }
}

/** A connection that stays open. */
export class Held {
  readonly #child: ChildProcess
  readonly #lines: string[] = []

  constructor(child: ChildProcess) {
    this.#child = child
    createInterface({ input: child.stdout! }).on('line', (line) => this.#lines.push(line))
  }

  next(what: string): Promise<string> {
    return waitUntil(what, () => this.#lines.shift() ?? false, 15_000)
  }

  /** Sends a line and waits for its answer (or for `closed CODE`). */
  async say(line: string): Promise<string> {
    this.#child.stdin!.write(`${line}\n`)
    return this.next(`an answer to ${line.slice(0, 40)}`)
  }

  close(): void {
    this.#child.kill('SIGKILL')
  }
}
