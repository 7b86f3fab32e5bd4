import { headerValue, type HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Alert, Flow } from '#inspectors/inspector.ts'
import type { Action } from '#signatures/suricata/rule.ts'
import type { Finding, Outcome } from '../../findings.ts'
import { MAX_TEXT } from './fields.ts'
import type { AlertSettings, XffSettings } from './settings.ts'

type Fields = Record<string, unknown>

/** What is no TCP is told that its receiver cannot be reached: ICMP, UDP, ICMPv6. */
const WITH_UNREACHABLE: ReadonlySet<number> = new Set([1, 17, 58])

/** EVE's `alert` object. */
export function alertFields(alert: Alert, isBlocked: boolean, settings: AlertSettings): Fields {
  return {
    action: isBlocked ? 'blocked' : 'allowed',
    gid: alert.gid,
    signature_id: alert.signatureId,
    rev: alert.rev,
    signature: alert.message.slice(0, MAX_TEXT),
    category: alert.category,
    severity: alert.severity,
    ...(!settings.ruleMetadata || Object.keys(alert.metadata).length === 0
      ? {}
      : { metadata: alert.metadata }),
    ...(!settings.references || alert.references.length === 0
      ? {}
      : { references: alert.references }),
    ...(alert.context === undefined ? {} : { context: alert.context }),
  }
}

/** A reject blocks by what it sends, a drop only where packets can be stopped. */
export function blocks(finding: Pick<Finding, 'action'>, isInline: boolean): boolean {
  return isReject(finding.action) || (finding.action === 'drop' && isInline)
}

/**
 * EVE's `verdict` object: what became of the packet in the end.
 *
 * @param flow direction of the packet
 */
export function verdictFields(
  outcome: Outcome,
  flow: Flow,
  protocol: number,
  isInline: boolean,
): Fields {
  const { action } = outcome
  if (isReject(action))
    return {
      action: 'drop',
      'reject-target': rejectTarget(action, flow),
      reject: [WITH_UNREACHABLE.has(protocol) ? 'icmp-prohib' : 'tcp-reset'],
    }
  if (action === 'drop' && isInline) return { action: 'drop' }
  return { action: action === 'pass' ? 'pass' : 'alert' }
}

/** Who is told: the sender of the packet, or whom it was for. */
function rejectTarget(action: Action, flow: Flow): string {
  if (action === 'rejectboth') return 'both'
  return (flow === 'to_server') === (action === 'rejectdst') ? 'to_server' : 'to_client'
}

function isReject(action: Action): boolean {
  return action.startsWith('reject')
}

/** The record quotes what was looked at, or tells its length. */
export function wantsPayload(settings: AlertSettings): boolean {
  return settings.payload || settings.payloadPrintable || settings.payloadLength
}

/** `payload` and its companions. */
export function payloadFields(payload: Buffer, settings: AlertSettings): Fields {
  if (payload.length === 0) return {}
  const quoted = payload.subarray(-settings.payloadBytes)
  return {
    ...(settings.payload ? { payload: quoted.toString('base64') } : {}),
    ...(settings.payloadPrintable ? { payload_printable: printable(quoted) } : {}),
    ...(settings.payloadLength ? { payload_length: payload.length } : {}),
  }
}

/** Address of the client as a proxy names it; null: none is named. */
export function forwardedAddress(
  transaction: HttpTransaction,
  settings: XffSettings,
): string | null {
  const value = headerValue(transaction.request.headers, settings.header)
  if (value === null) return null
  const addresses = value
    .split(/[, ]+/)
    .map((text) => text.trim())
    .filter((text) => /^[0-9a-fA-F.:]{2,45}$/.test(text))
  return (settings.deployment === 'forward' ? addresses.at(0) : addresses.at(-1)) ?? null
}

/** Text with a dot for every byte that cannot be shown. */
export function printable(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll(/[^\t\n\r -~]/g, '.')
}
