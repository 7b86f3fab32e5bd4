import { type Static, Type } from 'typebox'
import type { Attachment } from '#chain/model/attachment.ts'
import { type DesiredState, scopedKey } from '#chain/model/desired.ts'
import { type AttachmentState, AttachmentStatus, type HostStatus } from '#chain/model/status.ts'
import type { KnownHost } from './host-directory.ts'
import type { Published } from './published.ts'

/** What one agent reports of an attachment. */
const HostReport = Type.Object({ host: Type.String(), ...AttachmentStatus.properties })

/**
 * What agents report of an attachment, never what was asked. On several hosts (a port that migrates)
 * the least good state counts.
 */
export const AttachmentView = Type.Object({
  state: AttachmentStatus.properties.state,
  reason: Type.Optional(Type.String()),
  /** One entry per host that reports the attachment. */
  hosts: Type.Array(HostReport),
})
export type AttachmentView = Static<typeof AttachmentView>

/** From the state that needs a look first to the one that needs none. */
const URGENCY: readonly AttachmentState[] = [
  'failed',
  'blocked',
  'bypassed',
  'pending',
  'draining',
  'realized',
]

type PublishedOf = (host: string) => Published | undefined

/** Pure: desired state, agents' reports and published snapshots in, one answer out. */
export function viewAttachment(
  attachment: Attachment,
  state: DesiredState,
  hosts: readonly KnownHost[],
  publishedOf: PublishedOf,
): AttachmentView {
  const port = state.ports.get(scopedKey(attachment.tenant, attachment.port))?.value
  const interfaceId = port?.interfaceId ?? ''
  const having = hosts.filter((known) =>
    known.status?.ports.some((observed) => observed.interfaceId === interfaceId),
  )
  if (having.length === 0) {
    return { state: 'pending', reason: whyNowhere(attachment.port, interfaceId, hosts), hosts: [] }
  }
  const reports = having.map((known) => viewOnHost(attachment, known, publishedOf(known.host)))
  const worst = URGENCY.find((state) => reports.some((report) => report.state === state))
  const chosen = reports.find((report) => report.state === worst)!
  return {
    state: chosen.state,
    ...(chosen.reason === undefined ? {} : { reason: chosen.reason }),
    hosts: reports.flatMap((report) => report.hosts),
  }
}

function viewOnHost(
  attachment: Attachment,
  { host, status }: KnownHost,
  given: Published | undefined,
): AttachmentView {
  const report = status?.attachments.find(
    (entry) => entry.tenant === attachment.tenant && entry.id === attachment.id,
  )
  const hosts = report ? [{ host, ...report }] : []
  const since = given?.since.get(scopedKey(attachment.tenant, attachment.id))?.generation
  if (status === null || given === undefined || since === undefined) {
    return { state: 'pending', reason: `host ${host} is about to be told`, hosts }
  }
  if (!hasRead(status, given, since)) {
    const reason = `host ${host} has not read generation ${since} yet (it has ${status.seenGeneration})`
    return { state: 'pending', reason, hosts }
  }
  const inForce = Math.max(status.generation, report?.generation ?? 0)
  if (report !== undefined && report.state !== 'realized') {
    const reason = report.reason ?? status.reason
    return { state: report.state, ...(reason === undefined ? {} : { reason }), hosts }
  }
  if (report !== undefined && inForce >= since) return { state: 'realized', hosts }
  const why = status.reason ?? `generation ${since} is not in force yet (${inForce} is)`
  return { state: 'pending', reason: `host ${host}: ${why}`, hosts }
}

function whyNowhere(port: string, interfaceId: string, hosts: readonly KnownHost[]): string {
  const gone = hosts.find(
    (known) =>
      known.status === null &&
      known.last?.ports.some((observed) => observed.interfaceId === interfaceId),
  )
  if (gone) return `the agent of host ${gone.host}, which had port ${port}, is gone`
  const live = hosts.filter((known) => known.status !== null).length
  if (live === 0) return 'no agent is connected: start one with `portcullis agent`'
  return `no agent has an interface with iface-id ${interfaceId} (port ${port}; ${live} connected)`
}

/**
 * Hosts that may still lead new connections through a deleted attachment: they report it, or have its port and
 * have not read the snapshot without it. Pure.
 *
 * @param state after the deletion
 * @param given what each host was given after the deletion
 */
export function hostsStillWith(
  { tenant, id, port }: Attachment,
  state: DesiredState,
  hosts: readonly KnownHost[],
  given: ReadonlyMap<string, Published | undefined>,
): string[] {
  const interfaceId = state.ports.get(scopedKey(tenant, port))?.value.interfaceId
  const isStillWith = ({ host, status }: KnownHost): boolean => {
    if (status === null) return false
    const report = status.attachments.find((entry) => entry.tenant === tenant && entry.id === id)
    if (report !== undefined && report.state !== 'draining') return true
    const snapshot = given.get(host)
    if (snapshot === undefined) return false
    // What it says now may be of an attachment with this name that was there before.
    const hasPort = status.ports.some((observed) => observed.interfaceId === interfaceId)
    return (report !== undefined || hasPort) && !hasRead(status, snapshot, snapshot.generation)
  }
  return hosts.filter(isStillWith).map(({ host }) => host)
}

function hasRead(status: HostStatus, { epoch }: Published, generation: number): boolean {
  return status.epoch === epoch && status.seenGeneration >= generation
}
