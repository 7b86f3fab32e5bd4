import type { Alert } from '../inspector.ts'
import type { FailureKind } from './counters.ts'
import { serviceAlert } from './service-alert.ts'

const MAX_DETAIL_CHARACTERS = 200

/**
 * The alert that tells of a hop that could not do its work.
 *
 * @param cause     what was thrown; its text may quote traffic, so it is cut and made printable
 * @param withheld  alerts of this kind since the last one that was told
 * @param decisive  the flow was reset for it
 */
export function failureAlert(
  inspector: string,
  kind: FailureKind,
  cause: unknown,
  withheld: number,
  decisive: boolean,
): Alert {
  const detail = cause instanceof Error ? `: ${printable(cause.message)}` : ''
  const more = withheld > 0 ? ` (${withheld} more since the last such alert)` : ''
  return serviceAlert('inspector-failed', `${inspector} failed: ${kind}${detail}${more}`, decisive)
}

function printable(text: string): string {
  return text
    .split('\n', 1)[0]
    .slice(0, MAX_DETAIL_CHARACTERS)
    .replaceAll(/[^\x20-\x7e]/g, '?')
}
