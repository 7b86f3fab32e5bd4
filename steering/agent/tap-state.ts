import type { AttachmentState } from '#chain/model/status.ts'
import type { SwitchPort } from '#steering/ovsdb/switch-port.ts'
import { type InForceAttachment, isSameIntent } from './in-force.ts'
import type { TapView } from './tap-set.ts'

/**
 * What is to be said of a tap: `realized` when the mirror is in the switch and the process that looks at it runs what
 * is wanted; `bypassed` when it did and does not. Pure.
 *
 * @param view    null: nothing was tried yet
 * @param refused why it cannot be enforced as the snapshot has it
 */
export function tapState(
  view: TapView | null,
  wanted: InForceAttachment | undefined,
  refused: string | undefined,
  switchPorts: readonly SwitchPort[],
): { readonly state: AttachmentState; readonly reason?: string } {
  if (refused !== undefined) return { state: 'failed', reason: refused }
  if (wanted === undefined) return { state: 'pending' }
  const { id, interfaceId } = wanted.port
  if (!switchPorts.some((port) => port.interfaceId === interfaceId))
    return {
      state: 'failed',
      reason: `port ${id} is not on this host: no iface-id ${interfaceId} in the switch`,
    }
  const why = view?.problem ?? null
  const entry = view?.entry ?? null
  const isCurrent = entry !== null && isSameIntent(entry, wanted)
  if (view?.isRunning === true && isCurrent) return { state: 'realized' }
  if (why === null) return { state: 'pending' }
  return { state: isCurrent ? 'bypassed' : 'failed', reason: why }
}
