import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Attachment } from '#chain/model/attachment.ts'
import type { Chain } from '#chain/model/chain.ts'
import { CLIENT_FILE, type ClientFile } from '#chain/model/client-file.ts'
import type { AttachmentStatus, HostStatus } from '#chain/model/status.ts'
import { type Guest, type GuestOptions, Topology } from '#test/topology/topology.ts'
import { stopOnInterrupt, stopped } from '#test/topology/on-interrupt.ts'
import { type CommandResult, runCommand } from '#test/topology/run-command.ts'
import { waitUntil } from '#test/topology/wait-until.ts'
import { ApiClient } from './api-client.ts'
import { LoggedProcess } from './child-process.ts'
import { GuestClient } from './guest-client.ts'
import { isSpareWorker } from './spare-worker.ts'

const ROOT = dirname(dirname(import.meta.dirname))
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'] as const
const START_TIMEOUT_MS = 30_000

/** Addresses of the two guests of `addWebAndLaptop`. */
export const SERVER = '10.0.0.5'
export const CLIENT = '10.0.0.9'

export interface StageOptions {
  readonly workers?: number
  /** Steps of the start, for people. */
  readonly say?: (step: string) => void
  /** Who starts the stage sees to Ctrl-C; else everything is taken down and the process ends. */
  readonly leavesSignals?: boolean
}

/** What an attachment has when nothing else is said. */
export type AttachmentBody = Partial<Omit<Attachment, 'id' | 'port' | 'chain'>>

/**
 * The whole product on a private switch: Open vSwitch, manager with its own Redis, agent, guests. Used by
 * the demo, the end-to-end tests and `bench chain`; what they share is here and nowhere else.
 */
export class Stage {
  readonly host = 'stage'
  readonly tenant = 'acme'
  readonly topology = new Topology()
  readonly #workers: number
  readonly #say: (step: string) => void
  readonly #leavesSignals: boolean
  readonly #interrupted = (): Promise<void> => this.stop()
  #folder = ''
  #tokenFile = ''
  #manager: LoggedProcess | null = null
  #agent: LoggedProcess | null = null
  #api: ApiClient | null = null
  readonly #clients: GuestClient[] = []
  readonly #servers: LoggedProcess[] = []

  constructor(options: StageOptions = {}) {
    this.#workers = options.workers ?? 2
    this.#say = options.say ?? ((): void => {})
    this.#leavesSignals = options.leavesSignals ?? false
  }

  /** Folder with data and logs (`manager.log`, `agent.log`); `stop` removes it. */
  get folder(): string {
    return this.#folder
  }

  get redisSocket(): string {
    return join(this.#folder, 'manager', 'redis.sock')
  }

  get api(): ApiClient {
    if (this.#api === null) throw new Error('the stage does not run')
    return this.#api
  }

  get manager(): LoggedProcess {
    if (this.#manager === null) throw new Error('the stage does not run')
    return this.#manager
  }

  get agent(): LoggedProcess {
    if (this.#agent === null) throw new Error('the stage does not run')
    return this.#agent
  }

  async start(): Promise<void> {
    if (!this.#leavesSignals) stopOnInterrupt(this.#interrupted)
    this.#folder = await mkdtemp(join(tmpdir(), 'portcullis-stage-'))
    try {
      this.#say('a private Open vSwitch (userspace datapath, own database and sockets)')
      await this.topology.start()
      this.#say('the manager, with a Redis of its own')
      await this.startManager()
      this.#say('the agent of this host')
      await this.startAgent()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async startManager(): Promise<void> {
    const data = join(this.#folder, 'manager')
    const clientFile = join(data, CLIENT_FILE)
    await rm(clientFile, { force: true })
    const argv = [
      ...NODE,
      join(ROOT, 'chain/main.ts'),
      'manager',
      '--listen',
      '127.0.0.1:0',
      '--data',
      data,
    ]
    const manager = new LoggedProcess('manager', argv, join(this.#folder, 'manager.log'))
    this.#manager = manager
    const client = await waitUntil(
      'the manager writes its client file',
      async () => {
        manager.assertRunning()
        return JSON.parse(await readFile(clientFile, 'utf8').catch(() => 'false')) as
          | ClientFile
          | false
      },
      START_TIMEOUT_MS,
    )
    this.#tokenFile = client.tokenFile
    this.#api = new ApiClient(client.url, (await readFile(client.tokenFile, 'utf8')).trim())
  }

  async startAgent(): Promise<void> {
    const argv = this.#agentArgv([])
    const agent = new LoggedProcess('agent', argv, join(this.#folder, 'agent.log'))
    this.#agent = agent
    await waitUntil(
      'the agent reports to the manager',
      async () => {
        agent.assertRunning()
        const hosts = await this.hosts().catch(() => [])
        return hosts.some((status) => status.host === this.host && status.switchConnected)
      },
      START_TIMEOUT_MS,
    )
  }

  /** What agents report, one entry a host. */
  async hosts(): Promise<HostStatus[]> {
    const status = (await this.api.call('GET', '/v1/status')) as { hosts: HostStatus[] }
    return status.hosts
  }

  async addGuest(options: GuestOptions): Promise<Guest> {
    return this.topology.addGuest(options)
  }

  /**
   * The stage that most stories need: guest `web` (SERVER) with a server on port 80, registered as a port,
   * and guest `laptop` (CLIENT), whose driver is returned.
   */
  async addWebAndLaptop(script: 'web-server' | 'origin' = 'web-server'): Promise<GuestClient> {
    const add = (name: string, address: string): Promise<Guest> =>
      this.addGuest({ name, interfaceId: `iface-${name}`, addresses: [`${address}/24`] })
    const web = await add('web', SERVER)
    const laptop = await add('laptop', CLIENT)
    await this.serve(web, 80, script)
    await this.registerPort(web)
    return this.client(laptop)
  }

  /** Tells the API of a guest's port. @param network default `net-1` */
  async registerPort(guest: Guest, network = 'net-1', tenant = this.tenant): Promise<void> {
    const [leg] = guest.legs
    await this.api.call('PUT', `/v1/ports/${guest.name}?tenant=${tenant}`, {
      id: guest.name,
      tenant,
      network,
      interfaceId: leg.interfaceId,
      addresses: leg.addresses.map((address) => address.replace(/\/\d+$/, '')),
    })
  }

  /** Runs a `portcullis` command of the given process against this stage's API. */
  async cli(main: 'chain/cli' | 'signatures', argv: readonly string[]): Promise<CommandResult> {
    const connection = ['--url', this.api.url, '--token-file', this.#tokenFile]
    return runCommand([...NODE, join(ROOT, main, 'main.ts'), ...argv, ...connection], {
      timeoutMs: 60_000,
    })
  }

  /** Installs a folder, rule file or tar.gz and activates it, with the commands an operator would use. */
  async installRuleSet(name: string, path: string): Promise<string> {
    const installed = await this.cli('signatures', ['install', name, path, '--json'])
    if (installed.code !== 0)
      throw new Error(`install ${name}: ${installed.stdout}${installed.stderr}`)
    const { version } = JSON.parse(installed.stdout.trimEnd().split('\n').at(-1) ?? '') as {
      version: string
    }
    const activated = await this.cli('signatures', ['activate', `${name}@${version}`, '--wait'])
    if (activated.code !== 0)
      throw new Error(`activate ${name}: ${activated.stdout}${activated.stderr}`)
    return version
  }

  async putChain(chain: Chain, tenant = this.tenant): Promise<void> {
    await this.api.call('PUT', `/v1/chains/${chain.name}?tenant=${tenant}`, chain)
  }

  /** Attaches and returns when the agent reports it realised. */
  async attach(id: string, port: string, chain: string, body: AttachmentBody = {}): Promise<void> {
    const tenant = body.tenant ?? this.tenant
    await this.api.call('PUT', `/v1/attachments/${id}?tenant=${tenant}&wait=realized&timeout=30`, {
      id,
      tenant,
      port,
      chain,
      direction: 'ingress',
      classifiers: [{ protocol: 'tcp', destinationPorts: [80] }],
      priority: 100,
      onAttach: 'new-only',
      onDetach: 'drain',
      ...body,
    })
  }

  async detach(id: string, tenant = this.tenant): Promise<void> {
    await this.api.call('DELETE', `/v1/attachments/${id}?tenant=${tenant}&wait=realized&timeout=30`)
  }

  async attachmentStatus(id: string): Promise<AttachmentStatus | undefined> {
    const statuses = (await this.hosts()).flatMap((host) => host.attachments)
    return statuses.find((status) => status.id === id)
  }

  /** Starts a server (`web-server.ts` or another) in a guest and waits until it listens. */
  async serve(
    guest: Guest,
    port = 80,
    script: 'web-server' | 'origin' | 'name-server' = 'web-server',
  ): Promise<void> {
    const argv = this.topology.inGuest(guest, [
      ...NODE,
      join(import.meta.dirname, `${script}.ts`),
      String(port),
    ])
    const server = new LoggedProcess(
      `${guest.name}'s server`,
      argv,
      join(this.#folder, `${guest.name}.log`),
    )
    this.#servers.push(server)
    await waitUntil(`${guest.name} listens on ${port}`, () => {
      server.assertRunning()
      return server.lastWords.includes('listening')
    })
  }

  async client(guest: Guest): Promise<GuestClient> {
    const client = await GuestClient.start((argv) =>
      this.topology.spawn(guest, argv, { stdio: ['pipe', 'pipe', 'ignore'], detached: true }),
    )
    this.#clients.push(client)
    return client
  }

  /** Process ids of the inspection workers: the supervisors' children but the spare. */
  async workerPids(): Promise<number[]> {
    const pids: number[] = []
    for (const supervisor of await this.supervisorPids()) {
      const children = await readFile(
        `/proc/${supervisor}/task/${supervisor}/children`,
        'utf8',
      ).catch(() => '')
      pids.push(
        ...children
          .split(' ')
          .filter((pid) => pid !== '')
          .map(Number),
      )
    }
    return pids.filter((pid) => !isSpareWorker(pid))
  }

  /** Supervisors of this stage's inspection namespaces, from the records that the agent keeps. */
  async supervisorPids(): Promise<number[]> {
    const run = join(this.#folder, 'run')
    const files = await readdir(run, { recursive: true }).catch(() => [])
    const records = files.filter((file) => file.endsWith('process.json'))
    const pids: number[] = []
    for (const record of records) {
      const text = await readFile(join(run, record), 'utf8').catch(() => '{}')
      const { pid } = JSON.parse(text === '' ? '{}' : text) as { pid?: number }
      if (pid !== undefined) pids.push(pid)
    }
    return pids
  }

  /** Ends everything that was started, in order; may be called twice. Nothing stays on the machine. */
  async stop(): Promise<void> {
    await Promise.all(this.#clients.splice(0).map((client) => client.stop()))
    await this.#teardownAgent()
    await this.#manager?.stop()
    this.#manager = null
    await Promise.all(this.#servers.splice(0).map((server) => server.stop()))
    await this.topology.stop()
    if (this.#folder !== '') await rm(this.#folder, { recursive: true, force: true })
    this.#folder = ''
    stopped(this.#interrupted)
  }

  #agentArgv(command: readonly string[]): string[] {
    return this.topology.atSwitch([
      ...NODE,
      join(ROOT, 'steering/main.ts'),
      ...command,
      '--host',
      this.host,
      '--ovsdb',
      `unix:${this.topology.ovsdbSocket}`,
      '--bridge',
      this.topology.bridge,
      '--redis',
      `unix:${this.redisSocket}`,
      '--data',
      join(this.#folder, 'agent'),
      '--run',
      join(this.#folder, 'run'),
      '--workers',
      String(this.#workers),
    ])
  }

  /** An agent that stops leaves its flows and workers at work; taking them away is asked for. */
  async #teardownAgent(): Promise<void> {
    const agent = this.#agent
    this.#agent = null
    if (agent === null) return
    if (agent.running) {
      await agent.stop('SIGUSR2')
      if (agent.child.exitCode === 0) return
    }
    await runCommand(this.#agentArgv(['teardown']), { timeoutMs: 60_000 })
  }
}
