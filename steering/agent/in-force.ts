import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { Attachment } from '#chain/model/attachment.ts'
import { DomainChain } from '#chain/model/domain.ts'
import { Port } from '#chain/model/port.ts'
import { readIfPresent, writeDurably } from '../domain/durable-file.ts'

/**
 * An attachment as the workers were last told of it: what is enforced, as against what is wanted. Flows
 * are made from these alone, so they never get ahead of the workers, and clean-up knows what there was.
 */
export const InForceAttachment = Type.Object(
  {
    attachment: Attachment,
    port: Port,
    chain: DomainChain,
    /** Snapshot generation it was taken from. */
    generation: Type.Integer(),
    /** Milliseconds since the epoch at which it was found to be gone from the snapshot; else null. */
    detachedAt: Type.Union([Type.Integer(), Type.Null()]),
  },
  { additionalProperties: false },
)
export type InForceAttachment = Static<typeof InForceAttachment>

/** True when both say the same thing, whichever generation it came from. */
export function isSameIntent(a: InForceAttachment, b: InForceAttachment): boolean {
  return (
    a.detachedAt === b.detachedAt &&
    isDeepStrictEqual(a.attachment, b.attachment) &&
    isDeepStrictEqual(a.port, b.port) &&
    isDeepStrictEqual(a.chain, b.chain)
  )
}

/**
 * True when no new connection is led through a detached attachment any more.
 *
 * @param steered the same attachment in what the flows were made from that the switch has
 */
export function isLetGo(entry: InForceAttachment, steered: InForceAttachment | undefined): boolean {
  // By the time: it may have been attached and detached again since those flows.
  return entry.detachedAt !== null && steered?.detachedAt === entry.detachedAt
}

/** By `tenant/id`. */
export type InForce = ReadonlyMap<string, InForceAttachment>

const Stored = Type.Record(Type.String(), InForceAttachment)

/** The map, kept on disk: after a restart it says which flows there are, and drains go on. */
export class InForceStore {
  readonly #file: string
  #entries = new Map<string, InForceAttachment>()
  #saving: Promise<void> = Promise.resolve()

  constructor(folder: string) {
    this.#file = join(folder, 'in-force.json')
  }

  get entries(): InForce {
    return this.#entries
  }

  /** A file that does not parse counts as none: the next configuration fills it. */
  async load(): Promise<void> {
    const text = await readIfPresent(this.#file)
    if (text === null) return
    try {
      const value: unknown = JSON.parse(text)
      if (Value.Check(Stored, value)) this.#entries = new Map(Object.entries(value))
    } catch {
      // rewritten by the next save
    }
  }

  /** Changes the map and resolves when the change is on disk. */
  update(change: (entries: Map<string, InForceAttachment>) => void): Promise<void> {
    change(this.#entries)
    const text = JSON.stringify(Object.fromEntries(this.#entries))
    this.#saving = this.#saving.catch(() => {}).then(() => writeDurably(this.#file, text))
    return this.#saving
  }
}
