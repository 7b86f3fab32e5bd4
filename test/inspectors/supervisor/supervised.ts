import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest, Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DomainConfig, SupervisorStatus } from '#chain/model/domain.ts'
import { bindListeningSocket } from '#inspectors/supervisor/listening-socket.ts'
import { Supervisor, type SupervisorOptions } from '#inspectors/supervisor/supervisor.ts'

/** A supervisor in this process with scripted workers in front of a server on `upstreamPort`. */
export interface Supervised extends AsyncDisposable {
  readonly supervisor: Supervisor
  readonly port: number
  readonly spoolFolder: string
  readonly changes: SupervisorStatus[]
  readonly log: string[]
  /** A configuration for the next generation. */
  config(fields?: {
    workers?: number
    rules?: string[]
    onFailure?: 'open' | 'closed'
    ports?: DomainConfig['ports']
  }): DomainConfig
}

export function supervised(
  upstreamPort: number,
  {
    module = join(import.meta.dirname, 'scripted-worker.ts'),
    rulesFolder = '/rules',
    ...options
  }: Partial<Pick<SupervisorOptions, 'hasSpare' | 'rollDrainMs'>> & {
    readonly module?: string
    readonly rulesFolder?: string
  } = {},
): Supervised {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-supervisor-'))
  const spoolFolder = join(folder, 'spool')
  const changes: SupervisorStatus[] = []
  const log: string[] = []
  const socket = bindListeningSocket('127.0.0.1', 0)
  const supervisor = new Supervisor({
    domain: 'test',
    launch: { module, arguments: [] },
    hasSpare: false,
    ...options,
    openSocket: () => socket.fd,
    outputs: () => ({ spoolFolder }),
    onChange: (status) => changes.push(status),
    log: (line) => log.push(line),
  })
  let generation = 0
  return {
    supervisor,
    port: socket.port,
    spoolFolder,
    changes,
    log,
    config: ({ workers = 2, rules = ['good'], onFailure = 'closed', ports = [] } = {}) => ({
      domain: 'test',
      host: 'host-1',
      generation: ++generation,
      listener: {
        kind: 'proxy',
        host: '127.0.0.1',
        port: socket.port,
        upstreamHost: '127.0.0.1',
        upstreamPort,
      },
      workers,
      spoolFolder,
      ports,
      attachments: [],
      chains: [
        {
          tenant: 'acme',
          chain: { name: 'shop', inspectors: [{ type: 'waf', mode: 'block', rules }], onFailure },
          rulePaths: Object.fromEntries(rules.map((rule) => [rule, `${rulesFolder}/${rule}`])),
          ruleVersions: {},
        },
      ],
    }),
    [Symbol.asyncDispose]: async () => {
      await supervisor.stop(0)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface Load {
  readonly ok: number
  readonly failed: readonly string[]
  /** Requests started after this call, and still running, are the only ones counted from here on. */
  stop(): Promise<void>
}

/** One request on a connection of its own: status and id header, or why it failed. */
export function fetchOnce(
  port: number,
  path = '/',
): Promise<{ readonly status: number; readonly body: string; readonly requestId: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: '127.0.0.1', port, path, agent: new Agent({ keepAlive: false }) },
      (response) => {
        let body = ''
        response.setEncoding('latin1')
        response.on('data', (text: string) => (body += text))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body,
            requestId: String(response.headers['x-portcullis-request-id'] ?? ''),
          }),
        )
      },
    )
    request.on('error', reject)
    request.end()
  })
}

/** After so many a load ends by itself: a test that failed did not stop it. */
const MAX_FAILURES = 1_000

/** Clients that send one request after the other, each on a new connection, until they are stopped. */
export function startLoad(port: number, clients: number): Load {
  let ok = 0
  const state = { isRunning: true }
  const failed: string[] = []
  const loops = Array.from({ length: clients }, async () => {
    while (state.isRunning && failed.length < MAX_FAILURES) {
      try {
        const { status } = await fetchOnce(port)
        if (status === 200) ok++
        else failed.push(`status ${status}`)
      } catch (error) {
        failed.push(String(error))
      }
    }
  })
  return {
    get ok() {
      return ok
    },
    failed,
    stop: async () => {
      state.isRunning = false
      await Promise.all(loops)
    },
  }
}
