import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { loadConfig } from '#chain/config.ts'
import { type Manager, startManager } from '#chain/manager.ts'
import { packBundle } from '#signatures/bundle/pack-bundle.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // oxlint-disable-next-line typescript/no-explicit-any -- a test reads what it expects
  readonly body: any
}

/** The whole manager on a free port, with a private Redis in a folder of its own. */
export class TestManager {
  readonly folder: string
  #manager: Manager | null = null
  token = ''

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'pcl-'))
  }

  get manager(): Manager {
    if (this.#manager === null) throw new Error('not started')
    return this.#manager
  }

  get redisUrl(): string {
    return this.manager.redisUrl
  }

  async start(flags: { portsBy?: string } = {}): Promise<this> {
    const { config } = loadConfig(
      { listen: '127.0.0.1:0', data: this.folder, logLevel: 'silent', ...flags },
      undefined,
      {},
    )
    const log = pino({ level: 'silent' })
    this.#manager = await startManager({ config, log, version: '0.0.0', baseline: null })
    this.token = readFileSync(this.manager.tokenFile, 'utf8').trim()
    return this
  }

  async close(): Promise<void> {
    await this.#manager?.close()
    this.#manager = null
  }

  async end(): Promise<void> {
    await this.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** `METHOD /path` with a body that is JSON unless it is bytes. */
  async call(
    request: string,
    body?: unknown,
    options: { token?: string | null; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const [method, path] = request.split(' ')
    const token = options.token === undefined ? this.token : options.token
    const isBytes = body instanceof Uint8Array
    const response = await fetch(this.manager.url + path, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined
          ? {}
          : { 'content-type': isBytes ? 'application/gzip' : 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined
        ? {}
        : { body: isBytes ? new Uint8Array(body) : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? JSON.parse(text) : text,
    }
  }

  async makeToken(tenant: string, role: string): Promise<string> {
    const { body } = await this.call('POST /v1/tokens', { tenant, role })
    return (body as { token: string }).token
  }

  async port(id: string, tenant: string, fields: object = {}): Promise<Answer> {
    return this.call(`PUT /v1/ports/${id}?tenant=${tenant}`, {
      network: 'net',
      interfaceId: `iface-${tenant}-${id}`,
      addresses: ['10.0.0.5'],
      ...fields,
    })
  }

  async chain(name: string, tenant: string, inspectors: object[] = []): Promise<Answer> {
    return this.call(`PUT /v1/chains/${name}?tenant=${tenant}`, { inspectors, onFailure: 'open' })
  }

  async attach(id: string, tenant: string, fields: object = {}, query = ''): Promise<Answer> {
    return this.call(`PUT /v1/attachments/${id}?tenant=${tenant}${query}`, {
      port: 'web',
      chain: 'shop',
      classifiers: [{ protocol: 'tcp', destinationPorts: [80] }],
      ...fields,
    })
  }
}

/** A bundle of one SecLang file; other rules make another version. */
export async function secLangBundle(rules: string): Promise<Buffer> {
  const { bytes } = await packBundle([{ path: 'rules.conf', bytes: Buffer.from(rules) }])
  return bytes
}

export const secRule = (id: number, word: string): string =>
  `SecRule ARGS "@contains ${word}" "id:${id},phase:2,deny,status:403,msg:'${word}'"\n`
