import { ApiError } from '#chain/errors.ts'
import type { Attachment } from '#chain/model/attachment.ts'
import { type DesiredState, scopedKey } from '#chain/model/desired.ts'
import { type AttachmentView, hostsStillWith, viewAttachment } from '#chain/plan/attachment-view.ts'
import { DEFAULT_WAIT_SECONDS, MAX_WAIT_SECONDS, waitFor } from '#chain/plan/wait.ts'
import type { ApiContext } from './context.ts'

/** @param timeout `?timeout=` in seconds, digits by the schema */
export function waitMs(
  timeout: string | undefined,
  defaultSeconds: number = DEFAULT_WAIT_SECONDS,
): number {
  const seconds = timeout === undefined ? defaultSeconds : Number(timeout)
  if (seconds <= MAX_WAIT_SECONDS) return seconds * 1000
  throw new ApiError('malformed', `timeout may be ${MAX_WAIT_SECONDS} seconds at most`, {
    errors: [{ pointer: '/timeout', detail: `must be 0 to ${MAX_WAIT_SECONDS}` }],
  })
}

/**
 * Waits until every attachment that `ours` names is in force on every host that has its port.
 *
 * @throws ApiError `not-realized` with the reason of the first that is not
 */
export async function awaitRealized(
  context: ApiContext,
  ours: (state: DesiredState) => readonly Attachment[],
  timeout: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const timeoutMs = waitMs(timeout)
  const state = await context.planner.settle()
  const attachments = ours(state)
  const look = () => {
    const views = attachments.map((attachment) => ({
      id: attachment.id,
      view: viewAttachment(attachment, state, context.hosts.all(), (host) =>
        context.planner.of(host),
      ),
    }))
    const isDone = views.every(({ view }) => view.state === 'realized' || view.state === 'failed')
    return { isDone, seen: views.find(({ view }) => view.state !== 'realized') ?? null }
  }
  const { seen } = await waitFor(context.hosts, look, timeoutMs, signal)
  if (seen !== null) throw notRealized(seen.id, seen.view)
}

function notRealized(id: string, view: AttachmentView): ApiError {
  const reason = view.reason ?? 'the agent gives no reason'
  return new ApiError('not-realized', `attachment ${id} is ${view.state}: ${reason}`, {
    extensions: { attachment: id, attachment_status: view },
  })
}

/** Waits until no agent sends new connections through a deleted attachment any more. */
export async function awaitDetached(
  context: ApiContext,
  attachment: Attachment,
  timeout: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const timeoutMs = waitMs(timeout)
  const state = await context.planner.settle()
  const given = new Map(
    context.hosts.all().map(({ host }) => [host, context.planner.of(host)] as const),
  )
  const look = () => {
    const seen = hostsStillWith(attachment, state, context.hosts.all(), given)
    return { isDone: seen.length === 0, seen }
  }
  const { isDone, seen } = await waitFor(context.hosts, look, timeoutMs, signal)
  if (isDone) return
  throw new ApiError(
    'not-realized',
    `attachment ${attachment.id} is deleted, but host ${seen.join(', ')} may still enforce it`,
    { extensions: { attachment: attachment.id, hosts: seen } },
  )
}

/** Status of one attachment now. */
export function statusOf(
  context: ApiContext,
  attachment: Attachment,
  state: DesiredState,
): AttachmentView {
  return viewAttachment(attachment, state, context.hosts.all(), (host) => context.planner.of(host))
}

/** Attachments of a tenant that a test holds for, by `scopedKey` order. */
export function attachmentsWhere(
  state: DesiredState,
  tenant: string,
  test: (attachment: Attachment) => boolean,
): Attachment[] {
  return [...state.attachments]
    .filter(([key, { value }]) => key.startsWith(`${tenant}/`) && test(value))
    .map(([, { value }]) => value)
}

export const attachmentOf = (
  state: DesiredState,
  tenant: string,
  id: string,
): Attachment | undefined => state.attachments.get(scopedKey(tenant, id))?.value
