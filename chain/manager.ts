import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { AlertFeed } from '#chain/alerts/feed.ts'
import { Inbox } from '#chain/alerts/inbox.ts'
import { AlertWorker } from '#chain/alerts/alert-worker.ts'
import { buildMetrics } from '#chain/api/metrics.ts'
import { buildServer } from '#chain/api/server.ts'
import { HostDirectory } from '#chain/plan/host-directory.ts'
import { Planner } from '#chain/plan/planner.ts'
import { installBaseline } from '#chain/rule-sets/baseline.ts'
import { checkInThread } from '#chain/rule-sets/check-in-thread.ts'
import { RuleSets } from '#chain/rule-sets/rule-sets.ts'
import { AuditLog } from '#chain/store/audit-log.ts'
import { openRedis, openWaitingRedis, untilReady } from '#chain/store/connection.ts'
import { lockData } from '#chain/store/data-lock.ts'
import { DesiredStore } from '#chain/store/desired-store.ts'
import { PrivateRedis } from '#chain/store/redis-server.ts'
import { parseRedisUrl } from '#chain/store/redis-url.ts'
import { TokenStore } from '#chain/store/token-store.ts'
import { ensureOperatorToken, removeClientFile, writeClientFile } from './access-files.ts'
import type { ManagerConfig } from './config.ts'

/** How long Redis may take to answer when the manager starts. */
const REDIS_DEADLINE_MS = 15_000

/** A manager that runs. */
export interface Manager {
  /** `http://127.0.0.1:8470` */
  readonly url: string
  /** For the agent: `unix:/…/redis.sock`, or the Redis URL that was configured. */
  readonly redisUrl: string
  readonly tokenFile: string
  /** The first token when this start made it; it is shown nowhere again. */
  readonly newToken: string | null
  /** Ends everything in order; safe to call once requests still run. */
  close(): Promise<void>
}

export interface ManagerOptions {
  readonly config: ManagerConfig
  readonly log: Logger
  readonly version: string
  /** Folder of the built-in rules; null installs none. */
  readonly baseline: string | null
}

/**
 * Starts store, plan, alerts and API, in that order. When a part does not start, those that did are
 * ended again and the error says which and why.
 */
export async function startManager(options: ManagerOptions): Promise<Manager> {
  const ends: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const end of ends.splice(0).toReversed()) {
      try {
        await end()
      } catch (error) {
        options.log.warn({ err: error }, 'while ending')
      }
    }
  }
  try {
    return { ...(await start(options, ends)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function start(
  { config, log, version, baseline }: ManagerOptions,
  ends: (() => unknown)[],
): Promise<Omit<Manager, 'close'>> {
  const { data } = config
  mkdirSync(data, { recursive: true, mode: 0o700 })
  ends.push(lockData(data))
  const say = (message: string): void => log.info(message)

  const { url: redisUrl, server } = await redisOf(config, say, ends)
  const address = parseRedisUrl(redisUrl)
  const redis = openRedis(address)
  const subscriber = openWaitingRedis(address)
  const queue = openWaitingRedis(address)
  ends.push(() => [redis, subscriber, queue].forEach((connection) => connection.disconnect()))
  await untilReady(redis, REDIS_DEADLINE_MS)

  const store = new DesiredStore(redis)
  const tokens = new TokenStore(redis)
  const hosts = new HostDirectory(redis, subscriber)
  await hosts.start()
  ends.push(() => hosts.stop())
  const progressFile = join(data, 'progress.json')
  const planner = new Planner({ redis, store, hosts, progressFile, log: say })
  planner.start()
  ends.push(() => planner.stop())

  const inbox = new Inbox(join(data, 'alerts.sqlite'), {
    alerts: config.alertsMax,
    ageMs: config.alertsDays * 86_400_000,
  })
  ends.push(() => inbox.close())
  const feed = new AlertFeed(inbox)
  const alerts = new AlertWorker({ redis: queue, inbox, feed, log: (text) => log.warn(text) })
  ends.push(() => alerts.close())

  const ruleSets = new RuleSets({ redis, store, planner, hosts, check: checkInThread, log: say })
  if (baseline !== null) await installBaseline(baseline, store, ruleSets, say)

  const metrics = buildMetrics({
    hosts,
    planner,
    inbox,
    feed,
    alerts,
    isRedisReady: () => redis.status === 'ready',
    redisRestarts: () => server?.restarts ?? 0,
  })
  const notReady = () => whyNotReady(redis)
  const audit = new AuditLog(redis)
  const app = await buildServer(
    {
      store,
      tokens,
      audit,
      planner,
      hosts,
      ruleSets,
      inbox,
      feed,
      metrics,
      tenantPorts: config.portsBy === 'tenant',
      notReady,
    },
    log,
    version,
  )
  ends.push(() => app.close())
  const { file: tokenFile, newToken } = await ensureOperatorToken(data, tokens)
  const url = await listen(app, config.listen)
  writeClientFile(data, { url, tokenFile })
  ends.push(() => removeClientFile(data))
  return { url, redisUrl, tokenFile, newToken }
}

async function redisOf(
  { redis, data }: ManagerConfig,
  log: (message: string) => void,
  ends: (() => unknown)[],
): Promise<{ url: string; server: PrivateRedis | null }> {
  if (redis !== null) return { url: redis, server: null }
  const socket = join(data, 'redis.sock')
  const server = new PrivateRedis({ folder: join(data, 'redis'), socket, log })
  ends.push(() => server.stop())
  await server.start()
  return { url: `unix:${socket}`, server }
}

async function whyNotReady(redis: Redis): Promise<readonly string[]> {
  try {
    await redis.ping()
    return []
  } catch {
    return ['Redis does not answer']
  }
}

async function listen(app: FastifyInstance, address: string): Promise<string> {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  const port = Number(address.slice(colon + 1))
  try {
    return await app.listen({ host, port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? 'something else listens there' : String(error)
    throw new Error(`the API cannot listen on ${address}: ${why}; choose another with --listen`, {
      cause: error,
    })
  }
}
