import {
  type AlertSettings,
  DEFAULT_PAYLOAD_BYTES,
  type DnsSettings,
  type EveSettings,
  FULL_EVE,
  MAX_PAYLOAD_BYTES,
  type XffSettings,
} from '../capture/eve/settings.ts'
import { type Configuration, type Tree, child, flagOf, namedItem } from './configuration.ts'
import { sizeOf } from './sizes.ts'

/** Records go by another name than the type that asks for them. */
const RECORDS: Readonly<Record<string, string>> = { files: 'fileinfo' }

/**
 * Reads `outputs: - eve-log:`. Where it is not, nothing is written.
 *
 * @param dnsVersion of records about DNS where nothing is said
 */
export function eveSettings(configuration: Configuration, dnsVersion: 2 | 3): EveSettings {
  const log = namedItem(configuration.tree('outputs'), 'eve-log')
  const isOn = log !== undefined && flag(log, 'enabled', true)
  const types = new Map<string, Tree>()
  const listed = isOn ? child(log, 'types') : undefined
  if (Array.isArray(listed)) for (const item of listed as readonly Tree[]) addType(types, item)
  const drop = types.get('drop')
  const anomaly = child(types.get('anomaly'), 'types')
  return {
    types: new Set([...types.keys()].map((name) => RECORDS[name] ?? name)),
    alert: alertSettings(types.get('alert'), log),
    drop: {
      alerts: flag(drop, 'alerts', false),
      flows: text(drop, 'flows') === 'all' ? 'all' : 'start',
      verdict: flag(drop, 'verdict', false),
    },
    flow: { exceptionPolicy: flag(types.get('flow'), 'exception-policy', false) },
    http: {
      extended: flag(types.get('http'), 'extended', false),
      headers: headersOf(types.get('http')),
    },
    dns: dnsSettings(types.get('dns'), dnsVersion),
    metadata: flag(log, 'metadata', true),
    communityIdSeed: flag(log, 'community-id', false)
      ? Number(text(log, 'community-id-seed') ?? 0)
      : null,
    anomaly: {
      decode: flag(anomaly, 'decode', false),
      stream: flag(anomaly, 'stream', false),
      applicationLayer: flag(anomaly, 'applayer', true),
    },
  }
}

function addType(types: Map<string, Tree>, item: Tree): void {
  if (typeof item === 'string') {
    types.set(item, null)
    return
  }
  if (item === null || typeof item !== 'object') return
  for (const [name, settings] of Object.entries(item))
    if (flag(settings, 'enabled', true)) types.set(name, settings)
}

function alertSettings(alert: Tree | undefined, log: Tree | undefined): AlertSettings {
  const metadata = child(alert, 'metadata')
  const isOn = typeof metadata === 'string' ? (flagOf(metadata) ?? true) : true
  const rule = child(metadata, 'rule')
  const isRuleOn = isOn && (typeof rule === 'string' ? (flagOf(rule) ?? true) : true)
  const xff = child(alert, 'xff') ?? child(log, 'xff')
  return {
    payload: flag(alert, 'payload', false),
    payloadPrintable: flag(alert, 'payload-printable', false),
    payloadLength: flag(alert, 'payload-length', false),
    payloadBytes: Math.min(
      sizeOf(text(alert, 'payload-buffer-size') ?? '') ?? DEFAULT_PAYLOAD_BYTES,
      MAX_PAYLOAD_BYTES,
    ),
    packet: flag(alert, 'packet', false),
    applicationLayer: isOn && flag(metadata, 'app-layer', true),
    flow: isOn && flag(metadata, 'flow', true),
    ruleMetadata: isRuleOn && flag(rule, 'metadata', true),
    ruleText: isRuleOn && flag(rule, 'raw', false),
    references: isRuleOn && flag(rule, 'reference', false),
    verdict: flag(alert, 'verdict', false),
    httpBody: flag(alert, 'http-body', false),
    httpBodyPrintable: flag(alert, 'http-body-printable', false),
    xff: xffSettings(xff),
  }
}

function dnsSettings(dns: Tree | undefined, version: 2 | 3): DnsSettings {
  const given = text(dns, 'version')
  const listed = child(dns, 'types')
  return {
    version: given === '2' ? 2 : given === '3' ? 3 : version,
    requests: flag(dns, 'requests', flag(dns, 'query', true)),
    responses: flag(dns, 'responses', flag(dns, 'answer', true)),
    types: Array.isArray(listed) ? new Set(listed.map((name) => String(name).toUpperCase())) : null,
  }
}

function xffSettings(xff: Tree | undefined): XffSettings | null {
  if (xff === undefined || !flag(xff, 'enabled', false)) return null
  return {
    mode: text(xff, 'mode') === 'overwrite' ? 'overwrite' : 'extra-data',
    deployment: text(xff, 'deployment') === 'forward' ? 'forward' : 'reverse',
    header: (text(xff, 'header') ?? 'x-forwarded-for').toLowerCase(),
  }
}

function headersOf(http: Tree | undefined): EveSettings['http']['headers'] {
  const wanted = text(http, 'dump-all-headers')
  return wanted === 'request' || wanted === 'response' || wanted === 'both'
    ? wanted
    : FULL_EVE.http.headers
}

function text(tree: Tree | undefined, name: string): string | null {
  const found = child(tree, name)
  return typeof found === 'string' ? found : null
}

function flag(tree: Tree | undefined, name: string, otherwise: boolean): boolean {
  const found = text(tree, name)
  return found === null ? otherwise : (flagOf(found) ?? otherwise)
}
