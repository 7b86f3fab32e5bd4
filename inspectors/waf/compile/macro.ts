import { VARIABLES } from '#signatures/seclang/variable-names.ts'
import { type Collection, collectionNamed, valuesOf } from '../transaction/collections.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { TxNames } from '../transaction/tx-store.ts'

/** Longest text that an expansion may give, in bytes. */
export const MAX_EXPANDED_BYTES = 65_536

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tx'; readonly slot: number }
  | { readonly kind: 'lookup'; readonly collection: Collection; readonly nameLower: string | null }

/** Text with `%{VARIABLE}` in it, taken apart once. A variable without a value expands to nothing. */
export class Macro {
  readonly #parts: readonly Part[]
  /** The whole text where there is nothing to expand. */
  readonly constant: string | null

  constructor(parts: readonly Part[]) {
    this.#parts = parts
    const isConstant = parts.every((part) => part.kind === 'text')
    this.constant = isConstant
      ? parts.map((part) => (part.kind === 'text' ? part.text : '')).join('')
      : null
  }

  expand(transaction: Transaction): string {
    if (this.constant !== null) return this.constant
    let text = ''
    for (let index = 0; index < this.#parts.length; index += 1) {
      text += valueOf(this.#parts[index], transaction)
    }
    return text.length > MAX_EXPANDED_BYTES ? text.slice(0, MAX_EXPANDED_BYTES) : text
  }

  /** TX slots that the text reads; null when it reads anything else too. */
  get slotsRead(): readonly number[] | null {
    return this.#parts.some((part) => part.kind === 'lookup') ? null : this.slotsTouched
  }

  /** TX slots that the text reads, whatever else it reads. */
  get slotsTouched(): readonly number[] {
    return this.#parts.flatMap((part) => (part.kind === 'tx' ? part.slot : []))
  }

  /** Collections other than TX that the text reads. */
  get collectionsRead(): readonly string[] {
    return this.#parts.flatMap((part) => (part.kind === 'lookup' ? part.collection.name : []))
  }

  /** What the text begins with, whatever the variables are. */
  get constantPrefix(): string {
    const [first] = this.#parts
    return first.kind === 'text' ? first.text : ''
  }

  /** Expands text that reads nothing but TX. */
  expandFrom(slots: readonly (string | undefined)[]): string {
    return this.#parts
      .map((part) =>
        part.kind === 'text' ? part.text : part.kind === 'tx' ? slots[part.slot] : '',
      )
      .join('')
  }
}

function valueOf(part: Part, transaction: Transaction): string {
  switch (part.kind) {
    case 'text':
      return part.text
    case 'tx':
      return transaction.tx.slots[part.slot] ?? ''
    case 'lookup': {
      const { nameLower, collection } = part
      for (const entry of valuesOf(transaction, collection)) {
        if (nameLower === null || entry.nameLower === nameLower) return entry.value
      }
      return ''
    }
  }
}

const REFERENCE = /%\{([A-Za-z_]+)(?:[.:]([^}]*))?\}/g

/**
 * Compiles text with macros.
 *
 * @param ruleFields what `%{rule.id}` and the like stand for, by lower-case name
 */
export function compileMacro(
  text: string,
  txNames: TxNames,
  ruleFields: ReadonlyMap<string, string>,
): Macro {
  const parts: Part[] = []
  let from = 0
  for (const match of text.matchAll(REFERENCE)) {
    if (match.index > from) parts.push({ kind: 'text', text: text.slice(from, match.index) })
    parts.push(partOf(match[0], match[1].toUpperCase(), match[2], txNames, ruleFields))
    from = match.index + match[0].length
  }
  if (from < text.length || parts.length === 0) parts.push({ kind: 'text', text: text.slice(from) })
  return new Macro(parts)
}

function partOf(
  written: string,
  collection: string,
  name: string | undefined,
  txNames: TxNames,
  ruleFields: ReadonlyMap<string, string>,
): Part {
  if (collection === 'TX' && name !== undefined) return { kind: 'tx', slot: txNames.slotOf(name) }
  if (collection === 'RULE' && name !== undefined) {
    return { kind: 'text', text: ruleFields.get(name.toLowerCase()) ?? '' }
  }
  if (!VARIABLES.has(collection)) return { kind: 'text', text: written }
  const nameLower = name === undefined ? null : name.toLowerCase()
  return { kind: 'lookup', collection: collectionNamed(collection), nameLower }
}
