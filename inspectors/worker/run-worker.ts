import hyperid from 'hyperid'
import type { OnFailure } from '#chain/model/chain.ts'
import type { DomainConfig } from '#chain/model/domain.ts'
import type { AlertVerdict } from '../chain/hop.ts'
import { RateLimit } from '../chain/rate-limit.ts'
import { serviceAlert } from '../chain/service-alert.ts'
import { newDatagramCounters } from '../datagram/counters.ts'
import { DatagramServer } from '../datagram/datagram-server.ts'
import { flowIds } from '../eve/flow-id.ts'
import type { Alert, Connection } from '../inspector.ts'
import { type FlowServices, newProxyCounters } from '../proxy/flow-services.ts'
import { ProxyServer, type Route } from '../proxy/proxy-server.ts'
import { RedisRecords } from '../waf/collections/redis-records.ts'
import { SharedCollections } from '../waf/collections/shared-collections.ts'
import { describeLoadError } from './load-error.ts'
import { AlertOutputs, spoolLossAlert, type OutputOptions } from './outputs.ts'
import {
  ORPHAN_DRAIN_MS,
  WORKER_DATAGRAM_FD,
  WORKER_LISTEN_FD,
  type WorkerRequest,
  type WorkerResponse,
} from './protocol.ts'
import { releaseGarbage } from './release-garbage.ts'
import { SupervisorRecords, withEnds } from './supervisor-records.ts'
import { buildRoutes, type CreateEngine, type EngineServices, type Routes } from './routes.ts'
import { collectSamples, type Samples } from './samples.ts'

/** The same kind of alert about the service itself at most once in this time. */
const SERVICE_ALERT_INTERVAL_MS = 60_000
const TICK_MS = 1_000
/** What `ps` shows of a worker with a configuration. */
const TITLE = 'portcullis worker'

/** A worker between `start` and its end: compiled rules, outputs, and the server in front of them. */
interface LoadedWorker {
  readonly routes: Routes
  /** New connections are routed by these ports and attachments; those there are keep their hops. */
  reattach(config: DomainConfig): void
  readonly outputs: AlertOutputs
  readonly collections: SharedCollections
  readonly server: ProxyServer
  /** Null: the domain has no packet socket. */
  readonly datagrams: DatagramServer | null
  samples(): Samples
  /** Raises the alert about connections that could not finish. */
  tellCutOff(connections: number): void
}

/**
 * The life of a worker process. The supervisor says `start` (rules are compiled, which may be refused),
 * `listen`, and at last `drain`, after which the process ends. Signals are the supervisor's business:
 * Ctrl-C reaches the whole process group and must not kill connections that could finish.
 */
export function runWorker(createInspector: CreateEngine): void {
  let worker: LoadedWorker | null = null
  const tell = (message: WorkerResponse): void => {
    // A supervisor that was killed just now is heard of by `disconnect`, not by a failed send.
    if (process.connected) process.send?.(message, undefined, undefined, () => {})
  }
  const records = new SupervisorRecords(tell)
  let ends = 0
  const end = async (deadlineMs: number, isAsked: boolean): Promise<void> => {
    const turn = ++ends
    worker?.datagrams?.stop()
    const drained = worker?.server.drain(deadlineMs)
    tell({ type: 'closed' })
    const cutOff = (await drained) ?? 0
    // Another deadline has taken the place of this one.
    if (turn !== ends) return
    if (cutOff > 0 && !isAsked) worker?.tellCutOff(cutOff)
    worker?.outputs.close()
    await worker?.collections.close()
    // Last counts; the channel is flushed before the process ends.
    if (worker !== null && process.connected) {
      const message = pong(worker, -1)
      await new Promise<void>((resolve) => {
        process.send?.(message, () => resolve())
      })
    }
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  process.on('disconnect', () => void end(ORPHAN_DRAIN_MS, false))
  process.on('message', (message: WorkerRequest) => {
    switch (message.type) {
      case 'start':
        // It may have been a spare, and its arguments still say so.
        process.title = TITLE
        try {
          const { collectionsUrl } = message.outputs
          const meetAt = collectionsUrl === undefined ? records : new RedisRecords(collectionsUrl)
          const collections = new SharedCollections(meetAt)
          worker = loadWorker(message.config, message.outputs, collections, createInspector)
          releaseGarbage()
          tell({
            type: 'ready',
            chains: worker.routes.descriptions,
            warnings: worker.routes.warnings,
          })
        } catch (error) {
          tell({ type: 'refused', reason: describeLoadError(error) })
        }
        return
      case 'listen':
        worker?.server.listen(WORKER_LISTEN_FD).then(
          () => tell({ type: 'listening' }),
          (error: unknown) => tell({ type: 'refused', reason: `listen: ${String(error)}` }),
        )
        return
      case 'datagrams':
        if (message.isReader) worker?.datagrams?.start()
        else worker?.datagrams?.stop()
        return
      case 'reattach':
        // The agent's own contradiction; a worker that went on would route by what is no more.
        try {
          worker?.reattach(message.config)
          tell({ type: 'reattached', generation: message.config.generation })
        } catch (error) {
          tell({ type: 'refused', reason: describeLoadError(error) })
        }
        return
      case 'records':
        records.hear(message)
        return
      case 'known-records':
        worker?.collections.know(message.records.map(([key, one]) => [key, withEnds(one)]))
        return
      case 'drain':
        void end(message.deadlineMs, message.isAsked)
        return
      case 'ping':
        tell(
          worker === null
            ? { type: 'pong', sequence: message.sequence, connections: 0, samples: {} }
            : pong(worker, message.sequence),
        )
    }
  })
}

function pong(worker: LoadedWorker, sequence: number): WorkerResponse {
  return {
    type: 'pong',
    sequence,
    connections: worker.server.connections,
    samples: worker.samples(),
  }
}

function loadWorker(
  config: DomainConfig,
  outputOptions: OutputOptions,
  collections: SharedCollections,
  createInspector: CreateEngine,
): LoadedWorker {
  let { generation } = config
  const nextId = hyperid({ urlSafe: true, fixedLength: true })
  const nextFlowId = flowIds(Math.random())
  const serviceAlerts = new RateLimit(SERVICE_ALERT_INTERVAL_MS)
  const outputs = new AlertOutputs(
    outputOptions,
    { host: config.host, nextId, now: () => performance.timeOrigin + performance.now() },
    process.pid,
    (loss) => tell(spoolLossAlert(loss), 'passed'),
  )
  const engineServices: EngineServices = { audit: outputs.auditSink, collections }
  let routes = buildRoutes(config, (spec) => createInspector(spec, engineServices))
  const tell = (alert: Alert, verdict: AlertVerdict): void =>
    outputs.alert({
      context: routes.context,
      connection: ownConnection(nextId(), nextFlowId()),
      transaction: null,
      alert,
      verdict,
      flow: 'to_server',
    })
  const counters = newProxyCounters()
  const services: FlowServices = {
    sink: outputs,
    http: { nextId, now: Date.now },
    heldBudget: { bytes: 0 },
    counters,
    violationAlerts: new RateLimit(SERVICE_ALERT_INTERVAL_MS),
    failureAlerts: serviceAlerts,
  }
  const unresolved = (connection: Connection): OnFailure => {
    const isOpen = routes.unresolved === 'open'
    const withheld = serviceAlerts.take('unresolved')
    if (withheld !== null) {
      const more = withheld > 0 ? ` (${withheld} more since the last such alert)` : ''
      outputs.alert({
        context: routes.context,
        connection,
        transaction: null,
        alert: serviceAlert(
          'flow-unresolved',
          `no attachment covers this ${connection.protocol === 'udp' ? 'datagram' : 'connection'}, it was ${isOpen ? 'let pass' : 'stopped'}${more}`,
          !isOpen,
        ),
        verdict: isOpen ? 'bypassed' : 'dropped',
        flow: 'to_server',
      })
      outputs.flush()
    }
    return routes.unresolved
  }
  const route = (connection: Connection): Route => {
    const hops = routes.find(connection)
    if (hops !== null) return hops
    counters.unresolvedConnections++
    return unresolved(connection) === 'open' ? [] : 'reset'
  }
  const { listener } = config
  const server = new ProxyServer({
    services,
    upstream:
      listener.kind === 'proxy'
        ? { host: listener.upstreamHost, port: listener.upstreamPort }
        : null,
    route,
    nextConnectionId: nextId,
    nextFlowId,
  })
  const datagramCounters = newDatagramCounters()
  const hasDatagrams = listener.kind === 'transparent' && listener.datagramFd !== undefined
  const datagrams = hasDatagrams
    ? new DatagramServer(WORKER_DATAGRAM_FD, {
        sink: outputs,
        failureAlerts: serviceAlerts,
        counters: datagramCounters,
        find: (connection) => routes.find(connection),
        unresolved,
        nextConnectionId: nextId,
        nextFlowId,
      })
    : null
  setInterval(() => outputs.tick(), TICK_MS).unref()
  return {
    routes,
    reattach: (next) => {
      routes = routes.reattached(next)
      ;({ generation } = next)
      datagrams?.forgetFlows()
    },
    outputs,
    collections,
    server,
    datagrams,
    samples: () =>
      collectSamples(
        counters,
        routes.counters,
        outputs.spoolCounts,
        datagrams === null ? null : datagramCounters,
      ),
    tellCutOff: (connections) =>
      tell(
        serviceAlert(
          'connections-cut-off',
          `a worker of generation ${generation} ended before ${connections} of its connections, which were reset`,
          true,
        ),
        'dropped',
      ),
  }
}

/** Alerts about the worker itself belong to no flow; the record has addresses all the same. */
function ownConnection(id: string, flowId: number): Connection {
  return {
    id,
    flowId,
    clientAddress: '0.0.0.0',
    clientPort: 0,
    serverAddress: '0.0.0.0',
    serverPort: 0,
    openedAt: Date.now(),
  }
}
