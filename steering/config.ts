import { hostname } from 'node:os'
import { dirname, resolve } from 'node:path'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { NAME_PATTERN } from '#chain/model/names.ts'
import { AgentError } from './agent/errors.ts'

/** `HOST:PORT`, `[IPv6]:PORT`; port 0 takes any free one. `off`: none. */
const HOST_AND_PORT = '^(off|(\\[[0-9a-fA-F:.]+\\]|[^:\\s]+):[0-9]{1,5})$'

const AgentSettings = Type.Object(
  {
    /** Name of this hypervisor: the manager knows the agent by it. */
    host: Type.String({ pattern: NAME_PATTERN }),
    /** `unix:/path/to/db.sock` of the switch's database. */
    ovsdb: Type.String({ pattern: '^unix:/.{1,100}$' }),
    bridge: Type.String({ pattern: '^[a-zA-Z0-9][a-zA-Z0-9._-]{0,14}$' }),
    /** Folder of the switch's management and control sockets. */
    ovsRun: Type.String({ pattern: '^/.*$' }),
    redis: Type.String({ minLength: 1 }),
    /** What must outlive a reboot: last snapshot, ids in use, rule sets, alert spools. */
    data: Type.String({ pattern: '^/.*$' }),
    /** What need not: control sockets, process records, logs of the supervisors. */
    run: Type.String({ pattern: '^/.*$' }),
    /** First OpenFlow table of ours; some more follow it. */
    tableBase: Type.Integer({ minimum: 1, maximum: 240 }),
    /** Workers of each inspection domain. */
    workers: Type.Integer({ minimum: 1, maximum: 64 }),
    /** MTU of the inspection namespaces: not above the smallest of the guests. */
    mtu: Type.Integer({ minimum: 1280, maximum: 65_535 }),
    /** Milliseconds in which connections older than a new attachment are learned and left alone. */
    learningMs: Type.Integer({ minimum: 0, maximum: 600_000 }),
    metrics: Type.String({ pattern: HOST_AND_PORT }),
    /** On a stop, remove flows, namespaces and workers. Otherwise they go on without the agent. */
    teardown: Type.Boolean(),
    logLevel: Type.Union([
      Type.Literal('debug'),
      Type.Literal('info'),
      Type.Literal('warn'),
      Type.Literal('error'),
      Type.Literal('silent'),
    ]),
  },
  { additionalProperties: false },
)
export type AgentConfig = Readonly<Static<typeof AgentSettings>>

export type ConfigSource = 'flag' | 'environment' | 'default'
export type AgentFlags = Readonly<Partial<Record<keyof AgentConfig, string | boolean>>>
type Environment = Readonly<Record<string, string | undefined>>

/** The effective settings, and where each came from. */
export interface LoadedConfig {
  readonly config: AgentConfig
  readonly sources: Readonly<Record<keyof AgentConfig, ConfigSource>>
}

/** Environment variable of each setting. */
export const VARIABLES: Readonly<Record<keyof AgentConfig, string>> = {
  host: 'PORTCULLIS_HOST',
  ovsdb: 'PORTCULLIS_OVSDB',
  bridge: 'PORTCULLIS_BRIDGE',
  ovsRun: 'PORTCULLIS_OVS_RUN',
  redis: 'REDIS_URL',
  data: 'PORTCULLIS_AGENT_DATA',
  run: 'PORTCULLIS_AGENT_RUN',
  tableBase: 'PORTCULLIS_TABLE_BASE',
  workers: 'PORTCULLIS_WORKERS',
  mtu: 'PORTCULLIS_MTU',
  learningMs: 'PORTCULLIS_LEARNING_MS',
  metrics: 'PORTCULLIS_AGENT_METRICS',
  teardown: 'PORTCULLIS_TEARDOWN',
  logLevel: 'PORTCULLIS_LOG_LEVEL',
}

const DEFAULT_OVSDB = 'unix:/var/run/openvswitch/db.sock'

/**
 * Flag over environment over default.
 *
 * @param flags as the command line gave them; absent ones undefined
 * @throws AgentError `CONFIG_INVALID` that names the setting and where its value came from
 */
export function loadConfig(
  flags: AgentFlags,
  environment: Environment = process.env,
): LoadedConfig {
  const values: Record<string, unknown> = {}
  const sources: Record<string, ConfigSource> = {}
  const ovsdb = flags.ovsdb ?? (environment[VARIABLES.ovsdb] || DEFAULT_OVSDB)
  const defaults: AgentConfig = {
    host: hostname().split('.')[0],
    ovsdb: DEFAULT_OVSDB,
    bridge: 'br-int',
    ovsRun: dirname(String(ovsdb).replace(/^unix:/, '')),
    redis: 'unix:/var/lib/portcullis/redis.sock',
    data: '/var/lib/portcullis/agent',
    run: '/run/portcullis',
    tableBase: 100,
    workers: 2,
    mtu: 1500,
    learningMs: 5000,
    metrics: 'off',
    teardown: false,
    logLevel: 'info',
  }
  for (const name of Object.keys(defaults) as (keyof AgentConfig)[]) {
    const variable = environment[VARIABLES[name]]
    if (flags[name] !== undefined) {
      values[name] = typed(flags[name], defaults[name])
      sources[name] = 'flag'
    } else if (variable !== undefined && variable !== '') {
      values[name] = typed(variable, defaults[name])
      sources[name] = 'environment'
    } else {
      values[name] = defaults[name]
      sources[name] = 'default'
    }
  }
  for (const folder of ['data', 'run', 'ovsRun'] as const)
    values[folder] = resolve(String(values[folder]))
  const [error] = Value.Errors(AgentSettings, values)
  if (error !== undefined) {
    const name = error.instancePath.slice(1) as keyof AgentConfig
    const source = sources[name] === 'environment' ? VARIABLES[name] : sources[name]
    throw new AgentError(
      'CONFIG_INVALID',
      `setting ${name} = ${JSON.stringify(values[name])} (${source}): ${error.message}`,
    )
  }
  return {
    config: Object.freeze(values as AgentConfig),
    sources: sources as LoadedConfig['sources'],
  }
}

/** One line for each setting: name, value, where it came from. A password in a URL is left out. */
export function printConfig({ config, sources }: LoadedConfig): string {
  const names = Object.keys(config) as (keyof AgentConfig)[]
  return names
    .map((name) => {
      const value = String(config[name]).replace(/(\/\/[^/@]*:)[^/@]*@/, '$1***@')
      const source = sources[name] === 'environment' ? VARIABLES[name] : sources[name]
      return `${name.padEnd(12)}${value}  (${source})\n`
    })
    .join('')
}

/** Text as the type of the setting's default; what does not fit is left for the schema to refuse. */
function typed(value: string | boolean, example: unknown): unknown {
  if (typeof value === 'boolean') return value
  if (typeof example === 'number') return /^\d+$/.test(value) ? Number(value) : value
  if (typeof example === 'boolean') {
    if (['1', 'true', 'yes'].includes(value)) return true
    return ['0', 'false', 'no'].includes(value) ? false : value
  }
  return value
}

/** Where programs are looked for. */
export function searchPath(environment: Environment = process.env): string {
  return environment['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin'
}
