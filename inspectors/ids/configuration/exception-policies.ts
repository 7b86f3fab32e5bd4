import { type Configuration, ConfigurationError } from './configuration.ts'

/** What is done about a packet or flow that cannot be followed. `ignore`: nothing. */
export type ExceptionPolicy =
  | 'ignore'
  | 'drop-flow'
  | 'drop-packet'
  | 'reject'
  | 'rejectboth'
  | 'bypass'
  | 'pass-flow'
  | 'pass-packet'

/**
 * Where things go beyond what is followed. Names are those of the settings and counters they belong to:
 * a connection without its beginning, memory for sessions, for bytes out of order, for flows, for fragments, and an
 * application protocol that cannot be read.
 */
export type ExceptionTarget =
  | 'stream_midstream'
  | 'stream_memcap'
  | 'stream_reassembly'
  | 'flow_memcap'
  | 'defrag_memcap'
  | 'app_layer_error'

export type ExceptionPolicies = Readonly<Record<ExceptionTarget, ExceptionPolicy>>

export const IGNORE_EXCEPTIONS: ExceptionPolicies = {
  stream_midstream: 'ignore',
  stream_memcap: 'ignore',
  stream_reassembly: 'ignore',
  flow_memcap: 'ignore',
  defrag_memcap: 'ignore',
  app_layer_error: 'ignore',
}

const POLICIES: ReadonlySet<string> = new Set([
  'ignore',
  'drop-flow',
  'drop-packet',
  'reject',
  'rejectboth',
  'bypass',
  'pass-flow',
  'pass-packet',
])

interface Row {
  readonly target: ExceptionTarget
  readonly setting: string
  /** There is no flow that it could be for. */
  readonly isForPacket: boolean
}

const ROWS: readonly Row[] = [
  { target: 'stream_memcap', setting: 'stream.memcap-policy', isForPacket: false },
  { target: 'stream_reassembly', setting: 'stream.reassembly.memcap-policy', isForPacket: false },
  { target: 'flow_memcap', setting: 'flow.memcap-policy', isForPacket: true },
  { target: 'defrag_memcap', setting: 'defrag.memcap-policy', isForPacket: true },
  { target: 'app_layer_error', setting: 'app-layer.error-policy', isForPacket: false },
]

/** Names of the settings that are read here. */
export const EXCEPTION_SETTINGS: ReadonlySet<string> = new Set([
  'exception-policy',
  'stream.midstream-policy',
  ...ROWS.map(({ setting }) => setting),
])

/**
 * Reads what is to be done where. `exception-policy` is for all that say nothing; `auto`, which it is where
 * nothing is said, drops in line and ignores otherwise.
 *
 * @throws ConfigurationError for a policy that is none, or cannot be had
 * @see Suricata user guide, Exception Policies
 */
export function exceptionPolicies(
  configuration: Configuration,
  options: { readonly isInline: boolean; readonly midstream: boolean },
): ExceptionPolicies {
  const master = policyOf(configuration, 'exception-policy') ?? 'auto'
  const found: Record<ExceptionTarget, ExceptionPolicy> = { ...IGNORE_EXCEPTIONS }
  for (const { target, setting, isForPacket } of ROWS) {
    const policy = policyOf(configuration, setting) ?? master
    const chosen = policy === 'auto' ? (options.isInline ? 'drop-flow' : 'ignore') : policy
    found[target] = isForPacket ? forPacket(chosen) : chosen
  }
  found.stream_midstream = midstreamPolicy(configuration, master, options)
  return found
}

function midstreamPolicy(
  configuration: Configuration,
  master: ExceptionPolicy | 'auto',
  { isInline, midstream }: { readonly isInline: boolean; readonly midstream: boolean },
): ExceptionPolicy {
  const own = policyOf(configuration, 'stream.midstream-policy')
  const policy = own ?? master
  // Connections that may be picked up are no exception.
  if (policy === 'auto') return isInline && !midstream ? 'drop-flow' : 'ignore'
  if (policy === 'drop-packet' || policy === 'pass-packet') {
    if (own !== null)
      throw new ConfigurationError(`stream.midstream-policy cannot be ${policy}: it is for flows`)
    return policy === 'drop-packet' ? 'drop-flow' : 'pass-flow'
  }
  if (own !== null && midstream && policy !== 'ignore' && policy !== 'pass-flow')
    throw new ConfigurationError(
      `stream.midstream-policy cannot be ${policy} with stream.midstream`,
    )
  if (own !== null && !isInline && policy === 'drop-flow')
    throw new ConfigurationError(
      'stream.midstream-policy cannot be drop-flow where nothing is stopped',
    )
  return policy
}

function forPacket(policy: ExceptionPolicy): ExceptionPolicy {
  switch (policy) {
    case 'drop-flow':
      return 'drop-packet'
    case 'pass-flow':
    case 'bypass':
      return 'pass-packet'
    case 'ignore':
    case 'drop-packet':
    case 'reject':
    case 'rejectboth':
    case 'pass-packet':
      return policy
  }
}

function policyOf(configuration: Configuration, name: string): ExceptionPolicy | 'auto' | null {
  const text = configuration.text(name)
  if (text === null) return null
  if (text === 'auto' || POLICIES.has(text)) return text as ExceptionPolicy | 'auto'
  throw new ConfigurationError(`${name} cannot be "${text}"`)
}
