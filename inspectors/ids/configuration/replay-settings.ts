import {
  type CaptureSettings,
  DEFAULT_CAPTURE_SETTINGS,
  applyCaptureSetting,
} from '../capture/settings.ts'
import { DEFAULT_FLOW_TIMEOUTS, type FlowTimeouts } from '../capture/flow-timeouts.ts'
import type { EveSettings } from '../capture/eve/settings.ts'
import { DEFAULT_BODY_DEPTH, DEFAULT_PACKET_ALERTS, MAX_FINDINGS } from '../limits.ts'
import { DEFAULT_ACTION_ORDER, type OrderedAction } from '../program/order.ts'
import { type Configuration, ConfigurationError, type Tree, flagOf } from './configuration.ts'
import { eveSettings } from './eve-settings.ts'
import {
  EXCEPTION_SETTINGS,
  type ExceptionPolicies,
  exceptionPolicies,
} from './exception-policies.ts'
import { sizeOf } from './sizes.ts'

/** What becomes of a connection once it is encrypted: looked at no more but as packets, let pass, or looked at further. */
export type EncryptionHandling = 'track-only' | 'bypass' | 'full'

/** A replay as a `suricata.yaml` describes it. */
export interface ReplaySettings {
  /** What is dropped is not looked at any further. */
  readonly isInline: boolean
  readonly capture: CaptureSettings
  readonly policies: ExceptionPolicies
  readonly eve: EveSettings
  readonly actionOrder: readonly OrderedAction[]
  readonly packetAlertMax: number
  /** Of addresses and ports, by name. */
  readonly variables: Readonly<Record<string, string>>
  readonly thresholdFile: string | null
  /** Bytes of a body that are looked at. */
  readonly bodyDepth: number
  readonly encryption: EncryptionHandling
  /** An alert about a stream quotes the transaction that the stream has come to. */
  readonly guessesTransaction: boolean
  readonly dnsPorts: readonly number[]
  /** Settings that are not obeyed, and would change what is found or written. */
  readonly unsupported: readonly string[]
}

/** Largest body that is looked at where a setting asks for all of it. */
export const MAX_BODY_DEPTH = 67_108_864

const HTTP_LIMITS =
  /^app-layer\.protocols\.http\.libhtp\.default-config\.(?:request|response)-body-limit$/
const DNS_PORTS = /^app-layer\.protocols\.dns\.(?:(?:tcp|udp)\.)?detection-ports\.[ds]p$/
const ENCRYPTION = /^app-layer\.protocols\.tls\.encrypt(?:ion)?-handling$/

/** Read elsewhere in this file, or in `eve-settings.ts`. */
const READ = [
  /^vars\.(?:address|port)-groups\./,
  /^outputs\./,
  /^action-order(?:\.|$)/,
  /^packet-alert-max$/,
  /^threshold-file$/,
  /^detect\.guess-applayer-tx$/,
]

/** What costs or tells something, and changes nothing of what is found. */
const INDIFFERENT = [
  /^(?:include|classification-file|reference-config-file|default-rule-path|default-log-dir|rule-files|suricata-version|sensor-name)(?:\.|$)/,
  /^(?:logging|stats|unix-command|pcap-file|threading|profiling|engine-analysis|security|run-as|coredump|luajit|legacy|plugins|landlock)(?:\.|$)/,
  /^(?:mpm-algo|spm-algo|runmode|autofp-scheduler|max-pending-packets|host-mode|pid-file|default-packet-size|asn1-max-frames|magic-file)$/,
  /^pcre\./,
  /^detect\.(?:profile|custom-values|sgh-mpm-context|sgh-mpm-caching|prefilter|grouping|profiling|thresholds|inspection-recursion-limit|stream-tx-log-limit|delayed-detect)(?:\.|$)/,
  /^(?:af-packet|af-xdp|pcap|nfq|nflog|netmap|dpdk|ipfw|capture|pfring|napatech|mpipe|cuda|windivert|livedev)(?:\.|$)/,
  /^(?:flow|host|ippair|defrag)\.(?:memcap|hash-size|prealloc|emergency-recovery|managers|recyclers|trackers|max-frags|timeout)$/,
  /^stream\.(?:memcap|prealloc-sessions|bypass|reassembly\.(?:toserver-chunk-size|toclient-chunk-size|randomize-chunk-size|raw|segment-prealloc|check-overlap-different-data))$/,
  /^decoder\.(?:teredo|vxlan|geneve|vntag|erspan|gre|ipv4|ipv6)\.(?:.*\.)?(?:enabled|ports|track-parent-flow)$/,
  /^app-layer\.protocols\.[\w-]+\.(?:(?:tcp|udp)\.)?detection-ports\.[ds]p$/,
  /^app-layer\.protocols\.tls\.ja[34]-fingerprints$/,
  /^app-layer\.protocols\.http\.memcap$/,
  /^app-layer\.protocols\.http\.libhtp\.default-config\.(?:personality|(?:request|response)-body-(?:minimal-inspect-size|inspect-window)|response-body-decompress-layer-limit|http-body-inline|compression-bomb-limit|decompression-time-limit|swf-decompression\..*)$/,
  /^datasets\./,
  // Protocols that are not looked into.
  /^app-layer\.protocols\.(?!(?:http|http2|dns|tls)\.)[\w-]+\./,
]

/** Done by Suricata where it is asked for. */
const NEVER_DONE =
  /^app-layer\.protocols\.http\.libhtp\.default-config\.(?:double-decode-(?:path|query)|lzma-enabled|swf-decompression\.enabled)$/

/** Protocols that are looked into; switching another off changes nothing. */
const PROTOCOLS: ReadonlySet<string> = new Set(['http', 'dns', 'tls'])

/**
 * Reads what a replay obeys, and lists what it does not.
 *
 * @throws ConfigurationError for a value that cannot be had
 */
export function replaySettings(
  configuration: Configuration,
  options: {
    readonly isInline: boolean
    readonly dnsVersion?: 2 | 3
    /** In place of what the settings say. */
    readonly checksums?: CaptureSettings['checksums']
    /** Where nothing is said of them. */
    readonly flowTimeouts?: FlowTimeouts
  },
): ReplaySettings {
  const { isInline } = options
  const { capture: read, unsupported } = captureSettings(
    configuration,
    options.flowTimeouts ?? DEFAULT_FLOW_TIMEOUTS,
  )
  const capture = { ...read, checksums: options.checksums ?? read.checksums }
  return {
    isInline,
    capture,
    policies: exceptionPolicies(configuration, { isInline, midstream: capture.midstream }),
    eve: eveSettings(configuration, options.dnsVersion ?? 3),
    actionOrder: actionOrder(configuration.tree('action-order')),
    packetAlertMax: Math.min(
      sizeOf(configuration.text('packet-alert-max') ?? '') || DEFAULT_PACKET_ALERTS,
      MAX_FINDINGS,
    ),
    variables: variables(configuration),
    thresholdFile: configuration.text('threshold-file'),
    bodyDepth: bodyDepth(configuration),
    encryption: encryption(configuration),
    guessesTransaction: configuration.flag('detect.guess-applayer-tx', false),
    dnsPorts: dnsPorts(configuration),
    unsupported,
  }
}

function captureSettings(
  configuration: Configuration,
  flowTimeouts: FlowTimeouts,
): {
  readonly capture: CaptureSettings
  readonly unsupported: readonly string[]
} {
  let capture: CaptureSettings = { ...DEFAULT_CAPTURE_SETTINGS, checksums: 'auto', flowTimeouts }
  const unsupported: string[] = []
  const lists = new Map<string, string[]>()
  for (const [name, value] of configuration.entries()) {
    const item = /^(host-os-policy\.[\w-]+)\.\d+$/.exec(name)
    if (item !== null) {
      lists.set(item[1], [...(lists.get(item[1]) ?? []), value ?? ''])
      continue
    }
    if (value === null) continue
    const applied = applyCaptureSetting(capture, name, value)
    if (applied !== null) capture = applied
    else if (!isKnown(name, value)) unsupported.push(name)
  }
  for (const [name, networks] of lists)
    capture = applyCaptureSetting(capture, name, networks.join(',')) ?? capture
  return { capture, unsupported }
}

function isKnown(name: string, value: string): boolean {
  if (EXCEPTION_SETTINGS.has(name) || HTTP_LIMITS.test(name)) return true
  if (DNS_PORTS.test(name) || ENCRYPTION.test(name)) return true
  const enabled = /^app-layer\.protocols\.([\w-]+)\.(?:(?:tcp|udp)\.)?enabled$/.exec(name)
  if (enabled !== null) {
    const isOff = /^(?:no|false)$/i.test(value)
    return PROTOCOLS.has(enabled[1]) ? !isOff : isOff || enabled[1] !== 'http2'
  }
  // What is never done may be switched off.
  if (NEVER_DONE.test(name)) return flagOf(value) === false
  return READ.some((form) => form.test(name)) || INDIFFERENT.some((form) => form.test(name))
}

function actionOrder(tree: Tree | undefined): readonly OrderedAction[] {
  if (!Array.isArray(tree)) return DEFAULT_ACTION_ORDER
  const order = tree as readonly Tree[]
  const isWhole =
    order.length === DEFAULT_ACTION_ORDER.length &&
    DEFAULT_ACTION_ORDER.every((action) => order.includes(action))
  if (!isWhole)
    throw new ConfigurationError('action-order has to name pass, drop, reject and alert, each once')
  return order as readonly OrderedAction[]
}

function variables(configuration: Configuration): Record<string, string> {
  const found: Record<string, string> = {}
  for (const group of ['vars.address-groups', 'vars.port-groups']) {
    const tree = configuration.tree(group)
    if (tree === undefined || tree === null || typeof tree !== 'object') continue
    for (const [name, value] of Object.entries(tree)) {
      if (typeof value === 'string') found[name] = value
      else if (Array.isArray(value)) found[name] = `[${value.join(',')}]`
    }
  }
  return found
}

function bodyDepth(configuration: Configuration): number {
  const base = 'app-layer.protocols.http.libhtp.default-config'
  const limits = ['request-body-limit', 'response-body-limit']
    .map((name) => configuration.text(`${base}.${name}`))
    .filter((text) => text !== null)
    .map((text) => sizeOf(text))
  if (limits.includes(null)) throw new ConfigurationError('a body limit of libhtp is no size')
  if (limits.includes(0)) return MAX_BODY_DEPTH
  return Math.min(Math.max(...limits.map(Number), DEFAULT_BODY_DEPTH), MAX_BODY_DEPTH)
}

function encryption(configuration: Configuration): EncryptionHandling {
  const found =
    configuration.text('app-layer.protocols.tls.encryption-handling') ??
    configuration.text('app-layer.protocols.tls.encrypt-handling') ??
    'track-only'
  if (found === 'default' || found === 'track-only') return 'track-only'
  if (found === 'bypass' || found === 'full') return found
  throw new ConfigurationError(`encryption-handling cannot be "${found}"`)
}

function dnsPorts(configuration: Configuration): readonly number[] {
  const ports: number[] = []
  for (const [name, value] of configuration.entries())
    if (DNS_PORTS.test(name))
      for (const port of (value ?? '').split(/[\s,]+/))
        if (/^\d{1,5}$/.test(port)) ports.push(Number(port))
  return ports
}
