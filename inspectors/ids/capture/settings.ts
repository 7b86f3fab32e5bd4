import type { HostPolicy } from './host-policies.ts'
import { DEFAULT_FLOW_TIMEOUTS, type FlowTimeouts, applyFlowTimeout } from './flow-timeouts.ts'
import type { OsPolicy } from './os-policy.ts'
import { OS_POLICIES } from './os-policy.ts'
import { DEFAULT_STREAM_MEMORY } from './tcp/half-stream.ts'
import type { UrgentPolicy } from './tcp/settings.ts'

/** Bytes of a direction that are put in order where nothing else is said. */
export const DEFAULT_STREAM_REASSEMBLY = 1_048_576

/** How a capture is followed. Names in comments are those of Suricata's configuration. */
export interface CaptureSettings {
  /**
   * Packets whose sums are wrong are not for the streams. `auto`: until so many are wrong that the capturing host must
   * have left the sums to its network card (`-k`, `stream.checksum-validation`).
   */
  readonly checksums: 'none' | 'all' | 'auto'
  /** `stream.midstream` */
  readonly midstream: boolean
  /** `stream.async-oneside` */
  readonly asyncOneside: boolean
  /** `stream.inline`; traffic that can be stopped is always followed so */
  readonly streamInline: boolean
  /** `stream.reassembly.depth`, bytes; 0: no limit */
  readonly streamDepth: number
  /** `stream.reassembly.memcap`, bytes */
  readonly streamMemory: number
  /** `stream.reassembly.urgent.policy` */
  readonly urgent: UrgentPolicy
  /** `stream.max-synack-queued` */
  readonly maxSynAcks: number
  /** `vlan.use-for-tracking` */
  readonly tracksVlans: boolean
  readonly flowTimeouts: FlowTimeouts
  /** `host-os-policy` */
  readonly hosts: readonly HostPolicy[]
}

export const DEFAULT_CAPTURE_SETTINGS: CaptureSettings = {
  checksums: 'none',
  midstream: false,
  asyncOneside: false,
  streamInline: false,
  streamDepth: DEFAULT_STREAM_REASSEMBLY,
  streamMemory: DEFAULT_STREAM_MEMORY,
  urgent: 'oob',
  maxSynAcks: 5,
  tracksVlans: true,
  flowTimeouts: DEFAULT_FLOW_TIMEOUTS,
  hosts: [{ policy: 'windows', networks: ['0.0.0.0/0'] }],
}

const UNITS: Readonly<Record<string, number>> = { kb: 1024, mb: 1_048_576, gb: 1_073_741_824 }

/** A size as Suricata writes it: `1mb`, `512 kb`, `4096`; null when it is none. */
export function parseSize(text: string): number | null {
  const parts = /^(\d{1,12})\s*(kb|mb|gb)?$/i.exec(text.trim())
  if (parts === null) return null
  return Number(parts[1]) * (parts[2] === undefined ? 1 : UNITS[parts[2].toLowerCase()])
}

const YES = new Set(['yes', 'true', 'on', '1'])
const NO = new Set(['no', 'false', 'off', '0'])

/**
 * Takes one value by its name in Suricata's configuration.
 *
 * @returns the settings with it; null when the name is not one of these or the value is unusable
 */
export function applyCaptureSetting(
  settings: CaptureSettings,
  name: string,
  value: string,
): CaptureSettings | null {
  const text = value.trim().toLowerCase()
  const flag = YES.has(text) ? true : NO.has(text) ? false : null
  const size = parseSize(value)
  switch (name) {
    case 'stream.midstream':
      return flag === null ? null : { ...settings, midstream: flag }
    case 'stream.async-oneside':
      return flag === null ? null : { ...settings, asyncOneside: flag }
    case 'stream.inline':
      return flag === null && text !== 'auto' ? null : { ...settings, streamInline: flag ?? false }
    case 'stream.checksum-validation':
      return flag === null ? null : { ...settings, checksums: flag ? 'all' : 'none' }
    case 'stream.reassembly.depth':
      return size === null ? null : { ...settings, streamDepth: size }
    case 'stream.reassembly.memcap':
      return size === null ? null : { ...settings, streamMemory: size }
    case 'stream.reassembly.urgent.policy':
      return isUrgentPolicy(text) ? { ...settings, urgent: text } : null
    case 'stream.max-synack-queued':
      return size === null ? null : { ...settings, maxSynAcks: Math.min(size, 255) }
    case 'vlan.use-for-tracking':
      return flag === null ? null : { ...settings, tracksVlans: flag }
  }
  const flowTimeouts = applyFlowTimeout(settings.flowTimeouts, name, value)
  if (flowTimeouts !== null) return { ...settings, flowTimeouts }
  const host = /^host-os-policy\.(.+)$/.exec(name)
  if (host === null || !isOsPolicy(host[1])) return null
  const networks = value
    .replaceAll(/[[\]"']/g, '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  const others = settings.hosts.filter(({ policy }) => policy !== host[1])
  return { ...settings, hosts: [...others, { policy: host[1], networks }] }
}

function isUrgentPolicy(text: string): text is UrgentPolicy {
  return text === 'oob' || text === 'inline' || text === 'gap' || text === 'drop'
}

function isOsPolicy(text: string): text is OsPolicy {
  return (OS_POLICIES as readonly string[]).includes(text)
}
