import { Redis } from 'ioredis'
import {
  HOST_STATUS_TTL_MS,
  HOSTS_KEY,
  hostSnapshotChannel,
  hostSnapshotKey,
  hostStatusKey,
  STATUS_CHANNEL,
} from '#chain/model/redis-keys.ts'
import { ruleReferences } from '#chain/model/desired.ts'
import type { HostSnapshot, SnapshotEnvelope } from '#chain/model/snapshot.ts'
import type { AttachmentStatus, HostStatus } from '#chain/model/status.ts'
import { parseRedisUrl } from '#chain/store/redis-url.ts'

const POLL_MS = 1000

/**
 * What the manager sees of an agent: it reads its snapshot on the hint, and reports. Checked against
 * the real one by the end-to-end tests, where `steering/agent` is in its place.
 */
export class FakeAgent {
  readonly host: string
  readonly #redis: Redis
  readonly #subscriber: Redis
  interfaceIds: string[]
  /** Snapshots as they came. */
  readonly snapshots: HostSnapshot[] = []
  /** SHA-256 of bundles that its workers do not load. */
  readonly refused = new Set<string>()
  /** False: it reports, but has not come to read anything new. */
  isReading = true
  /** False: it reads and reports, but puts nothing in force. */
  isEnforcing = true
  /** False: it does not hear of its switch, as when it was just started. */
  isSwitchConnected = true
  #inForce = new Map<string, { status: AttachmentStatus }>()
  #generation = 0
  #epoch = 0
  #seen = 0
  #isGone = false
  #timer: NodeJS.Timeout | null = null

  constructor(redisUrl: string, host: string, interfaceIds: string[]) {
    this.host = host
    this.interfaceIds = interfaceIds
    this.#redis = new Redis({ ...parseRedisUrl(redisUrl), maxRetriesPerRequest: null })
    this.#subscriber = new Redis({ ...parseRedisUrl(redisUrl), maxRetriesPerRequest: null })
    for (const redis of [this.#redis, this.#subscriber]) redis.on('error', () => {})
  }

  async start(): Promise<void> {
    this.#subscriber.on('message', () => void this.step().catch(() => {}))
    await this.#subscriber.subscribe(hostSnapshotChannel(this.host))
    await this.step()
    // A hint that comes while the connection is lost is lost: like the real one it also polls.
    this.#timer = setInterval(() => void this.step().catch(() => {}), POLL_MS)
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#redis.disconnect()
    this.#subscriber.disconnect()
  }

  /** Its lease runs out: as if it had died long ago. */
  async vanish(): Promise<void> {
    this.#isGone = true
    await this.#redis.del(hostStatusKey(this.host))
    await this.#redis.publish(STATUS_CHANNEL, this.host)
  }

  async step(): Promise<void> {
    const json = await this.#redis.get(hostSnapshotKey(this.host))
    if (json !== null && this.isReading) this.#take(JSON.parse(json) as SnapshotEnvelope)
    await this.report()
  }

  /** Attachments of the snapshot that it could read now. */
  async offered(): Promise<string[]> {
    const json = await this.#redis.get(hostSnapshotKey(this.host))
    if (json === null) return []
    const { body } = JSON.parse(json) as SnapshotEnvelope
    return (JSON.parse(body) as HostSnapshot).attachments.map(({ id }) => id)
  }

  #take({ epoch, generation, body }: SnapshotEnvelope): void {
    const isNewer = epoch > this.#epoch || (epoch === this.#epoch && generation > this.#seen)
    if (!isNewer) return
    const snapshot = JSON.parse(body) as HostSnapshot
    this.snapshots.push(snapshot)
    this.#epoch = epoch
    this.#seen = generation
    if (!this.isEnforcing) return
    const before = this.#inForce
    this.#inForce = new Map()
    let isWhole = true
    for (const attachment of snapshot.attachments) {
      const key = `${attachment.tenant}/${attachment.id}`
      const chain = snapshot.chains.find(
        (one) => one.tenant === attachment.tenant && one.chain.name === attachment.chain,
      )!.chain
      const versions = ruleReferences(chain).map(({ reference }) => snapshot.ruleSets[reference])
      const bad = versions.find((version) => this.refused.has(version.sha256))
      if (bad !== undefined) isWhole = false
      const { id, tenant, port, direction } = attachment
      const status: AttachmentStatus = {
        id,
        tenant,
        port,
        direction,
        chain: attachment.chain,
        packets: 0,
        bytes: 0,
        state: bad === undefined ? 'realized' : 'failed',
        ...(bad === undefined ? {} : { reason: `rules.conf:3:7: ${bad.name} does not load` }),
        generation: bad === undefined ? generation : (before.get(key)?.status.generation ?? 0),
        effective: chain.inspectors.map(({ type, mode }) => `${type}:${mode}`),
        ruleSets: versions.map(({ name, version }) => `${name}@${version}`),
      }
      this.#inForce.set(key, { status })
    }
    if (isWhole) this.#generation = generation
  }

  async report(): Promise<void> {
    if (this.#isGone) return
    const status: HostStatus = {
      host: this.host,
      version: '0.0.0',
      reportedAt: Date.now(),
      epoch: this.#epoch,
      generation: this.#generation,
      seenGeneration: this.#seen,
      switchConnected: this.isSwitchConnected,
      capabilities: ['tcp'],
      ports: (this.isSwitchConnected ? this.interfaceIds : []).map((interfaceId, index) => ({
        interfaceId,
        name: `tap${index}`,
        ofport: index + 1,
        mac: '02:00:00:00:00:01',
        linkUp: true,
      })),
      attachments: [...this.#inForce.values()].map((entry) => entry.status),
      domains: [],
      driftRepaired: 0,
    }
    await this.#redis.sadd(HOSTS_KEY, this.host)
    await this.#redis.set(
      hostStatusKey(this.host),
      JSON.stringify(status),
      'PX',
      HOST_STATUS_TTL_MS,
    )
    await this.#redis.publish(STATUS_CHANNEL, this.host)
  }
}
