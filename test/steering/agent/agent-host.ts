import { createHash } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Job, Queue } from 'bullmq'
import { Redis } from 'ioredis'
import type { Attachment } from '#chain/model/attachment.ts'
import type { Chain } from '#chain/model/chain.ts'
import type { AlertBatch, AlertRecord } from '#chain/model/eve.ts'
import type { Port } from '#chain/model/port.ts'
import {
  ALERT_QUEUE,
  ALERT_QUEUE_PREFIX,
  bundleKey,
  hostSnapshotChannel,
  hostSnapshotKey,
  hostStatusKey,
} from '#chain/model/redis-keys.ts'
import type { HostSnapshot } from '#chain/model/snapshot.ts'
import type { AttachmentStatus, HostStatus } from '#chain/model/status.ts'
import { GuestClient } from '#test/stage/guest-client.ts'
import { LoggedProcess } from '#test/stage/child-process.ts'
import { isSpareWorker } from '#test/stage/spare-worker.ts'
import { stopOnInterrupt, stopped } from '#test/topology/on-interrupt.ts'
import { type Guest, Topology } from '#test/topology/topology.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

const ROOT = dirname(dirname(dirname(import.meta.dirname)))
/** In the switch's namespace, so it is free. */
export const METRICS_PORT = 9180
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'] as const

/** A private switch, a private Redis and a real agent, to which the test is the manager. */
export class AgentHost {
  readonly topology = new Topology()
  readonly host = `t${process.pid}`
  readonly #interrupted = (): Promise<void> => this.stop()
  #folder = ''
  #redisServer: LoggedProcess | null = null
  #redis: Redis | null = null
  #queue: Queue<AlertBatch> | null = null
  #agent: LoggedProcess | null = null
  #generation = 0
  epoch = 1
  readonly #clients: GuestClient[] = []
  readonly #servers: LoggedProcess[] = []

  get redis(): Redis {
    if (this.#redis === null) throw new Error('Redis does not run')
    return this.#redis
  }

  get folder(): string {
    return this.#folder
  }

  get agentLog(): string {
    return this.#agent?.lastWords ?? ''
  }

  get generation(): number {
    return this.#generation
  }

  async start(): Promise<void> {
    stopOnInterrupt(this.#interrupted)
    this.#folder = await mkdtemp(join(tmpdir(), 'portcullis-agent-'))
    await this.topology.start()
    await this.startRedis()
  }

  async startRedis(): Promise<void> {
    const path = join(this.#folder, 'redis.sock')
    const settings = ['--port', '0', '--unixsocket', path, '--dir', this.#folder]
    this.#redisServer = new LoggedProcess(
      'redis',
      ['redis-server', ...settings, '--save', '', '--appendonly', 'yes'],
      join(this.#folder, 'redis.log'),
    )
    if (this.#redis !== null) {
      await waitUntil('Redis to be back', () => this.#redis?.status === 'ready')
      return
    }
    this.#redis = new Redis({ path, retryStrategy: () => 50, maxRetriesPerRequest: null })
    this.#redis.on('error', () => {})
    const settingsOfQueue = { connection: this.#redis, prefix: ALERT_QUEUE_PREFIX }
    this.#queue = new Queue(ALERT_QUEUE, { ...settingsOfQueue, skipWaitingForReady: true })
    this.#queue.on('error', () => {})
    await waitUntil('Redis', () => this.#redis?.status === 'ready')
  }

  async stopRedis(): Promise<void> {
    await this.#redisServer?.kill('SIGKILL')
  }

  agentArguments(): string[] {
    return this.topology.atSwitch([
      ...NODE,
      join(ROOT, 'steering/main.ts'),
      `--host=${this.host}`,
      `--ovsdb=unix:${this.topology.ovsdbSocket}`,
      `--bridge=${this.topology.bridge}`,
      `--redis=unix:${join(this.#folder, 'redis.sock')}`,
      `--data=${join(this.#folder, 'data')}`,
      `--run=${join(this.#folder, 'run')}`,
      '--workers=2',
      '--learning-ms=500',
      `--metrics=127.0.0.1:${METRICS_PORT}`,
    ])
  }

  async startAgent(...more: string[]): Promise<void> {
    const argv = [...this.agentArguments(), ...more]
    const agent = new LoggedProcess('agent', argv, join(this.#folder, 'agent.log'))
    this.#agent = agent
    const startedAt = Date.now()
    await waitUntil(
      'the agent to report',
      async () => {
        agent.assertRunning()
        const status = await this.status()
        return status !== null && status.reportedAt > startedAt && status.switchConnected
      },
      20_000,
    )
  }

  async killAgent(signal: NodeJS.Signals): Promise<void> {
    await this.#agent?.kill(signal)
  }

  /** Publishes what is to be enforced, as the manager does. @returns its generation */
  async publish(content: {
    readonly ports: readonly Port[]
    readonly chains: readonly { tenant: string; chain: Chain }[]
    readonly attachments: readonly Attachment[]
    readonly ruleSets?: HostSnapshot['ruleSets']
  }): Promise<number> {
    const generation = ++this.#generation
    const { host, epoch } = this
    const body = JSON.stringify({ host, epoch, generation, ruleSets: {}, ...content })
    const sha256 = createHash('sha256').update(body).digest('hex')
    const envelope = JSON.stringify({ epoch, generation, sha256, body })
    await this.redis.set(hostSnapshotKey(host), envelope)
    await this.redis.publish(hostSnapshotChannel(host), `${epoch}.${generation}`)
    return generation
  }

  async publishBundle(bytes: Buffer): Promise<string> {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    await this.redis.set(bundleKey(sha256), bytes)
    return sha256
  }

  async status(): Promise<HostStatus | null> {
    const text = await this.redis.get(hostStatusKey(this.host))
    return text === null ? null : (JSON.parse(text) as HostStatus)
  }

  /** Waits until an attachment of the newest snapshot has a state; says what it had instead. */
  async untilState(
    id: string,
    state: AttachmentStatus['state'],
    timeoutMs = 60_000,
  ): Promise<AttachmentStatus> {
    let last: AttachmentStatus | undefined
    let reason = ''
    try {
      return await waitUntil(
        state,
        async () => {
          const status = await this.status()
          reason = status?.reason ?? ''
          last = status?.attachments.find((attachment) => attachment.id === id)
          const isCurrent = state !== 'realized' || last?.generation === this.#generation
          return last?.state === state && isCurrent ? last : undefined
        },
        timeoutMs,
      )
    } catch {
      throw new Error(
        `${id} is not ${state} but ${JSON.stringify(last)} (${reason})\n${this.agentLog}`,
      )
    }
  }

  /** Alert records that have reached the queue. */
  async alerts(): Promise<AlertRecord[]> {
    const jobs: Job<AlertBatch>[] = (await this.#queue?.getJobs()) ?? []
    return jobs.flatMap((job) => job.data.records)
  }

  async serve(guest: Guest, port = 80): Promise<void> {
    const script = join(ROOT, 'test/stage/web-server.ts')
    const argv = this.topology.inGuest(guest, [...NODE, script, String(port)])
    const server = new LoggedProcess(guest.name, argv, join(this.#folder, `${guest.name}.log`))
    this.#servers.push(server)
    await waitUntil(`${guest.name} to serve`, () => server.lastWords.includes('listening'))
  }

  async client(guest: Guest): Promise<GuestClient> {
    const client = await GuestClient.start((argv) =>
      this.topology.spawn(guest, argv, { stdio: ['pipe', 'pipe', 'ignore'], detached: true }),
    )
    this.#clients.push(client)
    return client
  }

  /** Process ids of supervisors, as the agent recorded them. */
  async supervisors(): Promise<number[]> {
    const folders = await readdir(join(this.#folder, 'run')).catch(() => [])
    const records = await Promise.all(
      folders.map((name) => readFile(join(this.#folder, 'run', name, 'process.json'), 'utf8')),
    )
    return records.map((text) => (JSON.parse(text) as { pid: number }).pid)
  }

  async workers(): Promise<number[]> {
    const lists = await Promise.all(
      (await this.supervisors()).map((pid) =>
        readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => ''),
      ),
    )
    const pids = lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number))
    return pids.filter((pid) => !isSpareWorker(pid))
  }

  /** Everything of the agent's goes, and everything of ours. */
  async stop(): Promise<void> {
    await Promise.all(this.#clients.splice(0).map((client) => client.stop()))
    if (this.#agent?.running === true) await this.killAgent('SIGUSR2')
    for (const server of this.#servers.splice(0)) await server.kill('SIGKILL')
    await this.#queue?.close()
    this.#redis?.disconnect()
    await this.stopRedis()
    await this.topology.stop()
    if (this.#folder !== '') await rm(this.#folder, { recursive: true, force: true })
    stopped(this.#interrupted)
  }
}
