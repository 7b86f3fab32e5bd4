import { GID_PORTCULLIS } from '#chain/model/eve-values.ts'
import type { Alert } from '../inspector.ts'

/**
 * Alerts that no rule raised: about the service itself and about what its front refused. Ids are part
 * of the interface, people filter by them: never renumber.
 */
const SERVICE_ALERTS = {
  'inspector-failed': { id: 100, severity: 2, category: 'Inspection failure' },
  'flow-unresolved': { id: 101, severity: 2, category: 'Inspection failure' },
  'spool-dropped': { id: 102, severity: 1, category: 'Alert loss' },
  'connections-cut-off': { id: 103, severity: 2, category: 'Inspection failure' },
  'capture-dropped': { id: 104, severity: 2, category: 'Inspection failure' },
  'malformed-request': { id: 110, severity: 2, category: 'Protocol violation' },
  'malformed-response': { id: 111, severity: 3, category: 'Protocol violation' },
  'uninspectable-upgrade': { id: 112, severity: 2, category: 'Protocol violation' },
  'blocked-without-alert': { id: 113, severity: 2, category: 'Policy' },
} as const

export type ServiceAlertKind = keyof typeof SERVICE_ALERTS

/** @param message for people; must hold no bytes of a peer */
export function serviceAlert(kind: ServiceAlertKind, message: string, decisive: boolean): Alert {
  const { id, severity, category } = SERVICE_ALERTS[kind]
  return {
    gid: GID_PORTCULLIS,
    signatureId: id,
    rev: 1,
    message,
    category,
    severity,
    metadata: { portcullis: [kind] },
    references: [],
    matches: [],
    source: 'portcullis',
    decisive,
  }
}
