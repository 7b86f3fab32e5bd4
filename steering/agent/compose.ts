import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { SwitchController } from '#steering/openflow/switch-controller.ts'
import type { AgentConfig } from '../config.ts'
import { runCommand } from '../domain/command.ts'
import { instanceId } from '../domain/names.ts'
import { VIEW_APP } from '../domain/confined-process.ts'
import { CONTROL_SOCKET, VIEW_CONTROL } from '../domain/supervisor-process.ts'
import { Agent } from './agent.ts'
import { AlertQueue } from './alert-queue.ts'
import { AlertSpool } from './alert-spool.ts'
import { serveHttp } from './http-server.ts'
import { AgentMetrics } from './metrics.ts'
import { WatchedPorts } from './port-source.ts'
import { commandConnection, subscriberConnection } from './redis-connection.ts'
import { RuleCache } from './rule-cache.ts'
import { ShipCheckpoint } from './ship-checkpoint.ts'
import { Shipper } from './shipper.ts'
import { SnapshotSource } from './snapshot-source.ts'
import { StatusPublisher } from './status-publisher.ts'
import { switchSockets } from './switch-sockets.ts'

/** Name of the agent's own spool folder, beside those of the domains. */
const OWN_SPOOL = 'agent'

export interface ComposedAgent {
  readonly agent: Agent
  /** @param isTearDown remove everything of ours; otherwise it goes on without the agent */
  stop(isTearDown: boolean): Promise<void>
}

/** Makes an agent of its parts and starts them. */
export async function composeAgent(
  config: AgentConfig,
  context: { readonly root: string; readonly version: string; readonly logger: Logger },
): Promise<ComposedAgent> {
  const { host, data, run } = config
  const { logger } = context
  const folders = agentFolders(config)
  for (const folder of [data, run, folders.spool]) await mkdir(folder, { recursive: true })
  const log = (message: string, fields: Record<string, unknown>): void => {
    logger.info(fields, message)
  }
  const onRedisError = throttledRedisLog(logger)
  const redis = commandConnection(config.redis, onRedisError)
  const subscriber = subscriberConnection(config.redis, onRedisError)

  const checkpoint = new ShipCheckpoint(join(data, 'shipped.json'))
  await checkpoint.load()
  const queue = new AlertQueue(redis, onRedisError)
  const shipper = new Shipper(host, folders.spool, checkpoint, queue.send, (error) =>
    logger.debug({ reason: (error as Error).message }, 'alerts stay spooled'),
  )
  // Each needs the other: the agent tells of changes, the publisher asks for the status.
  let publisher: StatusPublisher | null = null
  const agent: Agent = new Agent(
    { host, version: context.version, workers: config.workers, dataFolder: data },
    {
      steering: new SwitchController({
        ...(await switchSockets(config)),
        stateFile: folders.switchState,
        firstTable: config.tableBase,
        learningMs: config.learningMs,
      }),
      ports: new WatchedPorts(config.ovsdb.replace(/^unix:/, ''), config.bridge, log),
      snapshots: new SnapshotSource(redis, subscriber, host, data),
      rules: new RuleCache(redis, folders.rules),
      alerts: new AlertSpool(join(folders.spool, OWN_SPOOL)),
      domains: {
        instance: instanceId(host, config.ovsdb),
        location: config,
        runFolder: run,
        spoolFolder: folders.spool,
        rulesFolder: folders.rules,
        appFolder: context.root,
        supervisor: [
          `${VIEW_APP}/inspectors/main.ts`,
          'supervisor',
          '--control',
          `${VIEW_CONTROL}/${CONTROL_SOCKET}`,
        ],
        mtu: config.mtu,
        run: runCommand,
      },
      run: runCommand,
      log,
      onStatus: () => publisher?.changed(),
    },
  )
  publisher = new StatusPublisher(redis, () => agent.status())
  const metrics = new AgentMetrics(agent, shipper)
  const http = await startHttp(config.metrics, {
    metrics: () => metrics.text(),
    isReady: () => agent.isReady,
  })
  await agent.start()
  publisher.start()
  shipper.start()
  log('agent started', { host, bridge: config.bridge, version: context.version })
  return {
    agent,
    stop: async (isTearDown) => {
      log('agent stops', { isTearDown })
      await (isTearDown ? agent.tearDown() : agent.stop())
      await shipper.stop()
      if (isTearDown) await shipper.flush()
      await publisher.stop(isTearDown)
      http?.close()
      await queue.close().catch(() => {})
      redis.disconnect()
      subscriber.disconnect()
    },
  }
}

/** Folders of an agent below `--data`. */
export function agentFolders(config: AgentConfig): {
  readonly spool: string
  readonly rules: string
  readonly switchState: string
} {
  return {
    spool: join(config.data, 'spool'),
    rules: join(config.data, 'rules'),
    switchState: join(config.data, 'switch.json'),
  }
}

async function startHttp(
  address: string,
  answers: Parameters<typeof serveHttp>[2],
): Promise<{ close(): void } | null> {
  if (address === 'off') return null
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
  const { server } = await serveHttp(host, Number(address.slice(colon + 1)), answers)
  return server
}

/** A Redis that is away says so with every attempt: told once until something else is said. */
function throttledRedisLog(logger: Logger): (error: Error) => void {
  let last = ''
  return (error) => {
    if (error.message === last) return
    last = error.message
    logger.warn({ reason: error.message }, 'redis')
  }
}
