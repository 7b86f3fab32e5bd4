import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { readIfPresent, writeDurably } from '../domain/durable-file.ts'

const Offsets = Type.Record(Type.String(), Type.Integer({ minimum: 0 }))
type Offsets = Static<typeof Offsets>

/**
 * How far each spool segment has been acknowledged by the queue. Kept outside the spool folders, where
 * workers cannot write. A lost or broken file means that segments are sent again: the inbox knows the
 * records by their ids.
 */
export class ShipCheckpoint {
  readonly #path: string
  readonly #offsets = new Map<string, number>()

  constructor(path: string) {
    this.#path = path
  }

  async load(): Promise<void> {
    const text = await readIfPresent(this.#path)
    if (text === null) return
    try {
      const value: unknown = JSON.parse(text)
      if (Value.Check(Offsets, value))
        for (const [segment, offset] of Object.entries(value)) this.#offsets.set(segment, offset)
    } catch {
      // begins anew
    }
  }

  /** @param segment `folder/segment` */
  offset(segment: string): number {
    return this.#offsets.get(segment) ?? 0
  }

  /** Resolves when the offset is on disk. */
  async advance(segment: string, offset: number): Promise<void> {
    this.#offsets.set(segment, offset)
    await this.#save()
  }

  /** Forgets segments that are gone. */
  async retain(segments: ReadonlySet<string>): Promise<void> {
    const gone = [...this.#offsets.keys()].filter((segment) => !segments.has(segment))
    if (gone.length === 0) return
    for (const segment of gone) this.#offsets.delete(segment)
    await this.#save()
  }

  #save(): Promise<void> {
    const offsets: Offsets = Object.fromEntries(this.#offsets)
    return writeDurably(this.#path, JSON.stringify(offsets))
  }
}
