import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { readFileSync } from 'node:fs'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { parse as parseYaml } from 'yaml'

/** Settings of the manager. Unknown ones in a file are errors. */
const ManagerSettings = Type.Object(
  {
    /** `HOST:PORT`, `[IPv6]:PORT`; port 0 takes any free one. */
    listen: Type.String({ pattern: '^(\\[[0-9a-fA-F:.]+\\]|[^:\\s]+):[0-9]{1,5}$' }),
    /** Folder for the private Redis, the alert inbox, the lock and the first token. */
    data: Type.String({ minLength: 1 }),
    /** Redis of yours; null: a private redis-server in the data folder. */
    redis: Type.Union([Type.String(), Type.Null()]),
    /** Alerts that the inbox keeps at most, and days. */
    alertsMax: Type.Integer({ minimum: 1, maximum: 100_000_000 }),
    alertsDays: Type.Integer({ minimum: 1, maximum: 3650 }),
    /** `tenant`: tenants register ports of theirs; `operator`: operators alone do. */
    portsBy: Type.Union([Type.Literal('tenant'), Type.Literal('operator')]),
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
export type ManagerConfig = Readonly<Static<typeof ManagerSettings>>

export type Source = 'flag' | 'environment' | 'file' | 'default'

/** The effective settings, and where each came from. */
export interface LoadedConfig {
  readonly config: ManagerConfig
  readonly sources: Readonly<Record<keyof ManagerConfig, Source>>
}

/** Environment variables by setting. */
const VARIABLES: Readonly<Record<keyof ManagerConfig, string>> = {
  listen: 'PORTCULLIS_LISTEN',
  data: 'PORTCULLIS_DATA',
  redis: 'REDIS_URL',
  alertsMax: 'PORTCULLIS_ALERTS_MAX',
  alertsDays: 'PORTCULLIS_ALERTS_DAYS',
  portsBy: 'PORTCULLIS_PORTS_BY',
  logLevel: 'PORTCULLIS_LOG_LEVEL',
}
const NUMBERS: ReadonlySet<string> = new Set(['alertsMax', 'alertsDays'])

export const DEFAULT_LISTEN = '127.0.0.1:8470'

type Environment = Readonly<Record<string, string | undefined>>

/** `/var/lib/portcullis` for root, otherwise the user's own data folder. */
export function defaultDataFolder(environment: Environment = process.env): string {
  if (process.getuid?.() === 0) return '/var/lib/portcullis'
  const base = environment['XDG_DATA_HOME']
  return join(base && isAbsolute(base) ? base : join(homedir(), '.local', 'share'), 'portcullis')
}

/**
 * Flag over environment over file over default.
 *
 * @param flags  settings as the command line gave them, absent ones undefined
 * @param file   path of a JSON or YAML file with settings, or undefined
 * @throws Error that names the setting and its source
 */
export function loadConfig(
  flags: Partial<Record<keyof ManagerConfig, string>>,
  file: string | undefined,
  environment: Environment = process.env,
): LoadedConfig {
  const fromFile = file === undefined ? {} : readSettings(file)
  const defaults: ManagerConfig = {
    listen: DEFAULT_LISTEN,
    data: defaultDataFolder(environment),
    redis: null,
    alertsMax: 1_000_000,
    alertsDays: 90,
    portsBy: 'tenant',
    logLevel: 'info',
  }
  const values: Record<string, unknown> = {}
  const sources: Record<string, Source> = {}
  for (const name of Object.keys(defaults) as (keyof ManagerConfig)[]) {
    const variable = environment[VARIABLES[name]]
    const [value, source]: [unknown, Source] =
      flags[name] !== undefined
        ? [typed(name, flags[name]), 'flag']
        : variable !== undefined && variable !== ''
          ? [typed(name, variable), 'environment']
          : Object.hasOwn(fromFile, name)
            ? [fromFile[name], 'file']
            : [defaults[name], 'default']
    values[name] = value
    sources[name] = source
  }
  const [error] = Value.Errors(ManagerSettings, values)
  if (error !== undefined) {
    const name = error.instancePath.slice(1)
    throw new Error(`setting ${name} (from ${sources[name] ?? 'file'}) ${error.message}`)
  }
  const config = values as ManagerConfig
  if (Number(config.listen.slice(config.listen.lastIndexOf(':') + 1)) > 65_535) {
    throw new Error(`setting listen (from ${sources['listen']}) has a port above 65535`)
  }
  return {
    config: Object.freeze({ ...config, data: resolve(config.data) }),
    sources: sources as LoadedConfig['sources'],
  }
}

const typed = (name: string, text: string): string | number =>
  NUMBERS.has(name) ? Number(text) : text

function readSettings(file: string): Record<string, unknown> {
  const value: unknown = parseYaml(readFileSync(file, 'utf8'))
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Error(`${file}: is not a mapping of settings`)
  }
  const settings = value as Record<string, unknown>
  const unknown = Object.keys(settings).find((name) => !Object.hasOwn(VARIABLES, name))
  if (unknown !== undefined) {
    throw new Error(
      `${file}: no setting is called ${unknown}; ${Object.keys(VARIABLES).join(', ')}`,
    )
  }
  return settings
}

/** Root of the checkout, where the other processes' entries and the built-in rules are. */
export const installationFolder = (): string => resolve(import.meta.dirname, '..')

/** Environment of the agent that `up` starts: what it has itself, with the Redis that it found. */
export function agentEnvironment(redisUrl: string): NodeJS.ProcessEnv {
  return { ...process.env, REDIS_URL: redisUrl }
}

/** `--print-config`: one line per setting with its source; passwords in URLs are not shown. */
export function describeConfig({ config, sources }: LoadedConfig): string {
  const entries = Object.entries(config).map(([name, value]) => [
    name,
    { value: name === 'redis' ? withoutPassword(value) : value, source: sources[name as 'data'] },
  ])
  return JSON.stringify(Object.fromEntries(entries), null, 2)
}

const withoutPassword = (value: unknown): unknown =>
  typeof value === 'string' ? value.replace(/:\/\/[^@/]*@/, '://***@') : value
