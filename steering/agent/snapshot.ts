import { createHash } from 'node:crypto'
import { Compile } from 'typebox/compile'
import { HostSnapshot, SnapshotEnvelope } from '#chain/model/snapshot.ts'

/** Most bytes of an envelope that are parsed: some ten thousand attachments. */
export const MAX_ENVELOPE_BYTES = 67_108_864

export interface SnapshotVersion {
  readonly epoch: number
  readonly generation: number
}

/**
 * What became of an envelope.
 * `accepted`: newer than what is in force, whole, and for this host. `known`: the one in force.
 * `regressed`: older: desired state was lost somewhere, the manager has to raise the epoch.
 * `invalid`: not to be used, `reason` says what is wrong.
 */
export type SnapshotDecision =
  | { readonly kind: 'accepted'; readonly snapshot: HostSnapshot }
  | { readonly kind: 'known' }
  | { readonly kind: 'regressed'; readonly offered: SnapshotVersion; readonly reason: string }
  | { readonly kind: 'invalid'; readonly reason: string }

const envelopeSchema = Compile(SnapshotEnvelope)
const snapshotSchema = Compile(HostSnapshot)

/**
 * Decides about the text of `hostSnapshotKey` or of the copy on disk. Order is (epoch, generation);
 * hash and schema are checked only for one that would be taken.
 *
 * @param text     JSON of a SnapshotEnvelope
 * @param host     this agent's host
 * @param inForce  version that the agent works from; null before the first
 */
export function decideSnapshot(
  text: string,
  host: string,
  inForce: SnapshotVersion | null,
): SnapshotDecision {
  if (text.length > MAX_ENVELOPE_BYTES) return invalid(`longer than ${MAX_ENVELOPE_BYTES} bytes`)
  const envelope = parseJson(text)
  if (!envelopeSchema.Check(envelope)) return invalid('not a snapshot envelope')
  if (inForce !== null) {
    const order = compareVersions(envelope, inForce)
    if (order === 0) return { kind: 'known' }
    if (order < 0) {
      const { epoch, generation } = envelope
      const reason = `snapshot ${formatVersion(envelope)} is older than ${formatVersion(inForce)} which is in force`
      return { kind: 'regressed', offered: { epoch, generation }, reason }
    }
  }
  if (createHash('sha256').update(envelope.body).digest('hex') !== envelope.sha256)
    return invalid('the body does not have the SHA-256 that the envelope says')
  const snapshot = parseJson(envelope.body)
  if (!snapshotSchema.Check(snapshot))
    return invalid(`the body is no host snapshot: ${firstError(snapshot)}`)
  if (snapshot.host !== host) return invalid(`made for host ${snapshot.host}`)
  if (compareVersions(snapshot, envelope) !== 0)
    return invalid('envelope and body have different versions')
  const reason = brokenReference(snapshot)
  return reason === null ? { kind: 'accepted', snapshot } : invalid(reason)
}

/** Negative: `a` is older. */
export function compareVersions(a: SnapshotVersion, b: SnapshotVersion): number {
  return a.epoch - b.epoch || a.generation - b.generation
}

/** `epoch.generation`, as the hint on the channel has it. */
export function formatVersion(version: SnapshotVersion): string {
  return `${version.epoch}.${version.generation}`
}

/** What the model promises of a snapshot: every attachment's port, chain and rule sets are in it. */
function brokenReference(snapshot: HostSnapshot): string | null {
  const ports = new Set(snapshot.ports.map((port) => `${port.tenant}/${port.id}`))
  const chains = new Set(snapshot.chains.map(({ tenant, chain }) => `${tenant}/${chain.name}`))
  for (const attachment of snapshot.attachments) {
    const { tenant, id } = attachment
    if (!ports.has(`${tenant}/${attachment.port}`))
      return `attachment ${tenant}/${id} names port ${attachment.port}, which is not in the snapshot`
    if (!chains.has(`${tenant}/${attachment.chain}`))
      return `attachment ${tenant}/${id} names chain ${attachment.chain}, which is not in the snapshot`
  }
  return null
}

function invalid(reason: string): SnapshotDecision {
  return { kind: 'invalid', reason: `snapshot refused: ${reason}` }
}

function firstError(value: unknown): string {
  const [error] = snapshotSchema.Errors(value)
  return error === undefined ? 'unknown' : `${error.instancePath || '/'} ${error.message}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
