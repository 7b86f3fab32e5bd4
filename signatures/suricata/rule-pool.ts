import type { FlowCondition } from './checks.ts'

/** Lists without an element are one. */
export const NOTHING: readonly never[] = Object.freeze([])

/**
 * A text of its own. What is cut out of a longer text keeps all of that in memory: a name in a rule the whole file.
 *
 * @param text of bytes (latin1) as a rule; others are left as they are
 */
export function ownText(text: string): string {
  return /[^\0-\xff]/.test(text) ? text : Buffer.from(text, 'latin1').toString('latin1')
}

/** The list in as much memory as it takes: one that was grown element by element has room for more. */
export function fitted<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NOTHING : list.slice()
}

/** What the rules of one file have in common, once for all of them. */
export class RulePool {
  readonly #texts = new Map<string, string>()
  readonly #lists = new Map<string, readonly string[]>()
  readonly #flows = new Map<string, FlowCondition>()

  text(text: string): string {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    const own = ownText(text)
    this.#texts.set(own, own)
    return own
  }

  texts(list: readonly string[]): readonly string[] {
    if (list.length === 0) return NOTHING
    const key = list.join('\0')
    const known = this.#lists.get(key)
    if (known !== undefined) return known
    const made = list.map((text) => this.text(text))
    this.#lists.set(ownText(key), made)
    return made
  }

  flow(flow: FlowCondition): FlowCondition {
    const key = `${flow.direction} ${flow.state} ${flow.stream} ${flow.fragments}`
    const known = this.#flows.get(key)
    if (known !== undefined) return known
    const made = { ...flow }
    this.#flows.set(key, made)
    return made
  }
}
