import type { Redis } from 'ioredis'
import { Compile } from 'typebox/compile'
import { hostSnapshotChannel, hostSnapshotKey } from '#chain/model/redis-keys.ts'
import { HostSnapshot, SnapshotEnvelope } from '#chain/model/snapshot.ts'
import { snapshotHeadKey } from '#chain/store/keys.ts'
import { PUBLISH_SCRIPT } from '#chain/store/scripts.ts'
import { canonicalJson, sha256Hex } from './canonical.ts'
import { attachmentDigests, type HostContent } from './compile.ts'

/** The snapshot a host was last given. */
export interface Published {
  readonly epoch: number
  readonly generation: number
  readonly content: HostContent
  /** Canonical text of `content`, to see whether another differs. */
  readonly text: string
  /** By attachment (`scopedKey`): its digest, and the generation that first had it so. */
  readonly since: ReadonlyMap<string, { readonly digest: string; readonly generation: number }>
}

const envelopeSchema = Compile(SnapshotEnvelope)
const snapshotSchema = Compile(HostSnapshot)

/** Reads what a host was last given; null when there is nothing, or nothing that can be read. */
export async function readPublished(redis: Redis, host: string): Promise<Published | null> {
  const json = await redis.get(hostSnapshotKey(host))
  if (json === null) return null
  try {
    const envelope: unknown = JSON.parse(json)
    if (!envelopeSchema.Check(envelope)) return null
    const snapshot: unknown = JSON.parse(envelope.body)
    if (!snapshotSchema.Check(snapshot)) return null
    const { epoch, generation, ...content } = snapshot
    return published(epoch, generation, content, null)
  } catch {
    return null
  }
}

/** A snapshot to be: attachments that are as they were before keep the generation they had. */
export function published(
  epoch: number,
  generation: number,
  content: HostContent,
  before: Published | null,
): Published {
  const since = new Map<string, { digest: string; generation: number }>()
  for (const [key, digest] of attachmentDigests(content)) {
    const earlier = before?.epoch === epoch ? before.since.get(key) : undefined
    since.set(key, earlier?.digest === digest ? earlier : { digest, generation })
  }
  return { epoch, generation, content, text: canonicalJson(content), since }
}

/**
 * Gives a host its snapshot and the hint that there is one.
 *
 * @param head `epoch.generation` that the host's snapshot is known to have, empty when there is none
 * @returns false when another manager published in between: read again and decide anew
 */
export async function publish(redis: Redis, head: string, next: Published): Promise<boolean> {
  const { epoch, generation, content } = next
  const body = canonicalJson({ ...content, epoch, generation } satisfies HostSnapshot)
  const envelope: SnapshotEnvelope = { epoch, generation, sha256: sha256Hex(body), body }
  const { host } = content
  const reply = await redis.eval(
    PUBLISH_SCRIPT,
    2,
    snapshotHeadKey(host),
    hostSnapshotKey(host),
    head,
    `${epoch}.${generation}`,
    JSON.stringify(envelope),
    hostSnapshotChannel(host),
  )
  return Number(reply) === 1
}
