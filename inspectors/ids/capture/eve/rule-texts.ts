import { readFileSync } from 'node:fs'
import { forEachLogicalLine } from '#signatures/suricata/logical-lines.ts'

/** Characters of a rule that a record quotes, and files whose rules are kept. */
const MAX_RULE_TEXT = 8192
const MAX_FILES = 64

/** Rules as they are written, found by where they stand (`FILE:LINE`). Files are read when first asked for. */
export class RuleTexts {
  readonly #files = new Map<string, ReadonlyMap<number, string>>()

  /** Undefined: the file has changed, or is gone. */
  at(source: string): string | undefined {
    const place = /^([^]+):(\d+)$/.exec(source)
    if (place === null) return undefined
    return this.#lines(place[1]).get(Number(place[2]))
  }

  #lines(file: string): ReadonlyMap<number, string> {
    const known = this.#files.get(file)
    if (known !== undefined) return known
    const lines = new Map<number, string>()
    try {
      forEachLogicalLine(readFileSync(file, 'latin1'), ({ text, segments }) => {
        lines.set(segments[0].line, text.trim().slice(0, MAX_RULE_TEXT))
      })
    } catch {
      // A record without the text is better than none.
    }
    if (this.#files.size < MAX_FILES) this.#files.set(file, lines)
    return lines
  }
}
