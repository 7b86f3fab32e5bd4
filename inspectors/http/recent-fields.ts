import type { HttpHeader } from './transaction.ts'

/** Places of a head of which the last field line is remembered. */
const MAX_PLACES = 32
/** Longest line that is remembered, and longest head: a string that is cut out of another keeps it. */
const MAX_LINE_BYTES = 512
const MAX_HEAD_BYTES = 4096

/**
 * The field lines that heads had last, by their place. Clients send the same fields in the same order, and to
 * compare a line with the one before is cheaper than to take it apart. Shared by the connections of a worker.
 */
export class RecentFields {
  readonly #lines: string[] = Array.from({ length: MAX_PLACES }, () => '')
  readonly #fields: (HttpHeader | null)[] = Array.from({ length: MAX_PLACES }, () => null)

  /** The field of the line `text[from, to)`; null: not remembered. */
  find(text: string, from: number, to: number, place: number): HttpHeader | null {
    if (place >= MAX_PLACES) return null
    const line = this.#lines[place]
    return line.length === to - from && text.startsWith(line, from) ? this.#fields[place] : null
  }

  keep(text: string, from: number, to: number, place: number, field: HttpHeader): void {
    if (place >= MAX_PLACES || to - from > MAX_LINE_BYTES || text.length > MAX_HEAD_BYTES) return
    this.#lines[place] = text.slice(from, to)
    this.#fields[place] = field
  }
}
