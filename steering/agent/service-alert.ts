import { randomUUID } from 'node:crypto'
import type { AlertRecord } from '#chain/model/eve.ts'
import { GID_PORTCULLIS, eveTimestamp } from '#chain/model/eve-values.ts'
import type { BypassEvent } from './bypass-ledger.ts'
import type { InForceAttachment } from './in-force.ts'

/** What the service says about itself: signature ids under GID_PORTCULLIS. */
export const SIGNATURE_BYPASS_BEGAN = 1
export const SIGNATURE_BYPASS_ENDED = 2
export const SIGNATURE_CLOSED_BEGAN = 3
export const SIGNATURE_CLOSED_ENDED = 4
export const SIGNATURE_DRIFT = 5

/** Severity 1 is the most urgent: traffic passes that nobody looks at. */
const SEVERITY_UNINSPECTED = 1
const SEVERITY_NOTICE = 3

/** An outage of inspection of one attachment, at its beginning or end. */
export function outageAlert(
  host: string,
  event: BypassEvent,
  entry: InForceAttachment,
): AlertRecord {
  const isOpen = event.outage === 'bypass'
  const { attachment, port, chain } = entry
  const what = isOpen
    ? 'no inspector: new connections pass uninspected'
    : 'no inspector: new connections are refused'
  const hasEnded = event.kind === 'ended'
  const signature = hasEnded ? `Portcullis: inspection is back (${what})` : `Portcullis: ${what}`
  const began = isOpen ? SIGNATURE_BYPASS_BEGAN : SIGNATURE_CLOSED_BEGAN
  const ended = isOpen ? SIGNATURE_BYPASS_ENDED : SIGNATURE_CLOSED_ENDED
  return {
    ...serviceAlert(host, event.at, {
      signatureId: hasEnded ? ended : began,
      signature,
      severity: hasEnded ? SEVERITY_NOTICE : SEVERITY_UNINSPECTED,
      action: isOpen ? 'allowed' : 'blocked',
    }),
    portcullis: {
      id: randomUUID(),
      tenant: attachment.tenant,
      network: port.network,
      port: port.id,
      attachment: attachment.id,
      chain: chain.chain.name,
      inspector: 'portcullis',
      verdict: isOpen ? 'bypassed' : 'blocked',
      ...(hasEnded && {
        logdata: `${event.durationMs} ms without inspection, ${event.times} times`,
      }),
    },
  }
}

/** Something about the host that belongs to no tenant: drift, lost records. */
export function hostAlert(
  host: string,
  at: number,
  what: { readonly signatureId: number; readonly signature: string; readonly logdata: string },
): AlertRecord {
  return {
    ...serviceAlert(host, at, { ...what, severity: SEVERITY_NOTICE, action: 'allowed' }),
    portcullis: {
      id: randomUUID(),
      tenant: '',
      port: '',
      attachment: '',
      chain: '',
      inspector: 'portcullis',
      verdict: 'passed',
      logdata: what.logdata,
    },
  }
}

/** Flows that were changed by somebody else, and were repaired. */
export function driftAlert(
  host: string,
  at: number,
  { missing, unexpected }: { readonly missing: number; readonly unexpected: number },
): AlertRecord {
  return hostAlert(host, at, {
    signatureId: SIGNATURE_DRIFT,
    signature: 'Portcullis: flows in the switch had been changed and were repaired',
    logdata: `${missing} flows were missing, ${unexpected} unexpected`,
  })
}

function serviceAlert(
  host: string,
  at: number,
  what: {
    readonly signatureId: number
    readonly signature: string
    readonly severity: number
    readonly action: 'allowed' | 'blocked'
  },
): Omit<AlertRecord, 'portcullis'> {
  return {
    timestamp: eveTimestamp(at),
    event_type: 'alert',
    host,
    alert: {
      action: what.action,
      gid: GID_PORTCULLIS,
      signature_id: what.signatureId,
      rev: 1,
      signature: what.signature,
      category: 'Inspection service',
      severity: what.severity,
    },
  }
}
