import { lookup } from 'node:dns/promises'
import http from 'node:http'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { DomainConfig } from '#chain/model/domain.ts'
import { bindListeningSocket, type ListeningSocket } from '../supervisor/listening-socket.ts'
import { Supervisor, type SupervisorOptions } from '../supervisor/supervisor.ts'
import type { OutputOptions } from '../worker/outputs.ts'
import { ChainFileError, readChainFile } from './chain-file.ts'
import { type Endpoint, formatEndpoint } from './endpoint.ts'

export interface InspectOptions {
  readonly listen: Endpoint
  readonly upstream: Endpoint
  /** Path of the chain file. */
  readonly chain: string
  readonly workers: number
  /** NDJSON file, `-` for standard output; unset: short lines on standard error. */
  readonly eve?: string
  readonly errorLog?: string
  readonly auditLog?: string
  readonly redis?: string
  readonly metrics?: Endpoint
  /** Checkout. */
  readonly home: string
  /** What connections get to finish on SIGINT or SIGTERM. */
  readonly drainMs: number
  readonly launch: SupervisorOptions['launch']
}

/**
 * `portcullis inspect`: the pipeline as a reverse proxy, without switch and without root.
 *
 * @returns exit code, when it was stopped by a signal or could not start
 */
export async function inspect(options: InspectOptions): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  let socket: ListeningSocket
  let config: DomainConfig
  try {
    const { address } = await lookup(options.listen.host)
    socket = bindListeningSocket(address, options.listen.port)
    config = domainConfig(options, 1)
  } catch (error) {
    return failed(say, error)
  }
  const outputs = outputOptions(options)
  const supervisor = new Supervisor({
    domain: config.domain,
    launch: options.launch,
    hasSpare: false,
    openSocket: () => socket.fd,
    outputs: () => outputs,
    onChange: () => {},
    log: (line) => say(`portcullis inspect: ${line}`),
  })
  let metrics: http.Server | null
  try {
    metrics = options.metrics === undefined ? null : await serveMetrics(options.metrics, supervisor)
    await supervisor.apply(config)
  } catch (error) {
    await supervisor.stop(0)
    return failed(say, error)
  }
  let generation = 1
  const reload = async (): Promise<void> => {
    try {
      generation++
      await supervisor.apply(domainConfig(options, generation))
      say(`reloaded ${readyLine(socket, options, supervisor)}`)
    } catch (error) {
      say(`portcullis inspect: not reloaded, the chain in force goes on:\n${messageOf(error)}`)
    }
  }
  process.on('SIGHUP', () => void reload())
  const stopped = new Promise<void>((stop) => {
    let signals = 0
    const onSignal = (): void => {
      signals++
      if (signals === 1) stop()
      // Whoever asks twice does not want to wait for connections.
      else void supervisor.stop(0)
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
  // Said when signals are heard: who waits for this line may send one at once. Standard output is the
  // alerts' where they were sent there.
  const ready = options.eve === '-' ? process.stderr : process.stdout
  ready.write(`${readyLine(socket, options, supervisor)}\n`)

  await stopped
  await supervisor.stop(options.drainMs)
  metrics?.close()
  return 0
}

function failed(say: (line: string) => void, error: unknown): number {
  say(error instanceof ChainFileError ? error.message : `portcullis inspect: ${messageOf(error)}`)
  return 1
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

function domainConfig(options: InspectOptions, generation: number): DomainConfig {
  return {
    domain: 'inspect',
    host: hostname(),
    generation,
    listener: {
      kind: 'proxy',
      host: options.listen.host,
      port: options.listen.port,
      upstreamHost: options.upstream.host,
      upstreamPort: options.upstream.port,
    },
    workers: options.workers,
    spoolFolder: '',
    ports: [],
    attachments: [],
    chains: [readChainFile(options.chain, options.home)],
  }
}

function outputOptions(options: InspectOptions): OutputOptions {
  return {
    ...(options.eve === undefined
      ? { isShort: true }
      : { eveFile: options.eve === '-' ? '-' : resolve(options.eve) }),
    ...(options.errorLog === undefined ? {} : { errorLogFile: resolve(options.errorLog) }),
    ...(options.redis === undefined ? {} : { collectionsUrl: options.redis }),
    ...(options.auditLog === undefined ? {} : { auditLogFile: resolve(options.auditLog) }),
  }
}

function readyLine(socket: Endpoint, options: InspectOptions, supervisor: Supervisor): string {
  const workers = `${options.workers} worker${options.workers === 1 ? '' : 's'}`
  return `listening on ${formatEndpoint(socket)}, ${workers}, chain ${supervisor.chains.join('; ')}`
}

async function serveMetrics(endpoint: Endpoint, supervisor: Supervisor): Promise<http.Server> {
  const server = http.createServer((request, response) => {
    const isMetrics = request.method === 'GET' && request.url === '/metrics'
    response.writeHead(isMetrics ? 200 : 404, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    })
    response.end(isMetrics ? supervisor.metrics() : 'not found: try /metrics\n')
  })
  await new Promise<void>((listening, reject) => {
    server.once('error', reject)
    server.listen(endpoint.port, endpoint.host, listening)
  })
  server.unref()
  return server
}
