import { compilePattern } from '#signatures/pcre/compile.ts'
import { SECLANG_OPTIONS } from '#signatures/pcre/pattern.ts'
import type { Diagnostics } from '#signatures/seclang/diagnostic.ts'
import type { Target } from '#signatures/seclang/model.ts'
import { formatTarget } from '#signatures/seclang/targets.ts'
import { parseXPath } from '#signatures/seclang/xpath.ts'
import { collectionNamed } from '../transaction/collections.ts'
import type { TxNames } from '../transaction/tx-store.ts'
import type { CompiledSelector } from '../values/selector.ts'
import type { TargetList, TargetPart } from './program.ts'

/** Lists of variables, each distinct one once. */
export class TargetLists {
  readonly lists: TargetList[] = []
  readonly #byText = new Map<string, TargetList>()
  readonly #txNames: TxNames
  readonly #diagnostics: Diagnostics

  constructor(txNames: TxNames, diagnostics: Diagnostics) {
    this.#txNames = txNames
    this.#diagnostics = diagnostics
  }

  intern(targets: readonly Target[]): TargetList {
    const text = targets.map(formatTarget).join('|')
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const excluded = targets.filter((target) => target.exclude)
    const parts = targets
      .filter((target) => !target.exclude && !isExcludedWhole(target, excluded))
      .map((target) => this.#part(target, excluded))
    const list: TargetList = {
      index: this.lists.length,
      parts,
      isVolatile: parts.some((part) => part.count || part.collection.isVolatile),
      isSingle: parts.length === 1 && isSingle(parts[0]),
      text,
    }
    this.lists.push(list)
    this.#byText.set(text, list)
    return list
  }

  #part(target: Target, excluded: readonly Target[]): TargetPart {
    const { collection: name, selector } = target
    const exclusions = excluded
      .filter((one) => one.collection === name && one.selector !== null)
      .map((one) => this.selector(one))
    const isSlot = name === 'TX' && selector?.kind === 'name' && exclusions.length === 0
    return {
      collection: collectionNamed(name),
      selector: this.selector(target),
      count: target.count,
      isWhole: selector === null && !target.count && exclusions.length === 0,
      exclusions,
      txSlot: isSlot ? this.#txNames.slotOf(selector.name) : -1,
      txSlots: null,
    }
  }

  /** To be called when all TX names are known: says which of them each regex selects. */
  finish(): void {
    for (const part of this.lists.flatMap((list) => list.parts)) {
      const { selector, collection } = part
      if (collection.name !== 'TX' || selector.kind !== 'regex') continue
      part.txSlots = this.#txNames.names.flatMap((name, slot) =>
        selector.pattern.test(name) ? slot : [],
      )
    }
  }

  selector(target: Target): CompiledSelector {
    return compileSelector(target, this.#diagnostics)
  }
}

/** Which values of its collection a target means. */
export function compileSelector(target: Target, diagnostics: Diagnostics): CompiledSelector {
  const { selector } = target
  if (selector === null) return { kind: 'all' }
  switch (selector.kind) {
    case 'name':
      return { kind: 'name', nameLower: selector.name.toLowerCase() }
    case 'xpath':
      return { kind: 'xpath', path: selector.path, steps: parseXPath(selector.path) ?? [] }
    case 'regex': {
      const result = compilePattern(selector.pattern, { ...SECLANG_OPTIONS, ignoreCase: true })
      if (result.ok) return { kind: 'regex', pattern: result.pattern }
      diagnostics.error('SECLANG_PATTERN', target.position, result.message)
      return { kind: 'all' }
    }
  }
}

function isSingle({ count, selector, exclusions, txSlot }: TargetPart): boolean {
  if (exclusions.length > 0) return false
  return txSlot >= 0 || (count && (selector.kind === 'all' || selector.kind === 'name'))
}

/** `!ARGS` with no selector takes the whole collection out; XML is excluded by its very path. */
function isExcludedWhole(target: Target, excluded: readonly Target[]): boolean {
  return excluded.some(
    (one) =>
      one.collection === target.collection &&
      (one.selector === null ||
        (one.selector.kind === 'xpath' &&
          target.selector?.kind === 'xpath' &&
          one.selector.path === target.selector.path)),
  )
}
