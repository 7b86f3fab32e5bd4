import type { CompiledLink, CompiledRule, SteadyInput, SteadyRule, TargetPart } from './program.ts'
import { effectMacros } from './specialize.ts'

/** Variables that clients seldom change from one request to the next. */
const STEADY = new Set([
  'REQUEST_METHOD',
  'REQUEST_PROTOCOL',
  'REQUEST_FILENAME',
  'REQUEST_BASENAME',
  'REMOTE_ADDR',
  'SERVER_ADDR',
  'SERVER_NAME',
  'RESPONSE_STATUS',
  'RESPONSE_PROTOCOL',
])
/** Those of which single values are, as others are not (`Cookie`). */
const STEADY_BY_NAME = new Set(['REQUEST_HEADERS', 'RESPONSE_HEADERS'])

/**
 * Finds the rules of a phase that need not be run again while what they depend on stays the same, if they did
 * not match (`evaluate/quiet-rules.ts`): checks of the method, of the protocol, of how often a field may occur.
 *
 * @param constants by TX slot, 1: it has the same value in all transactions
 * @param isMatchSeen some rule may look at what another one matched
 * @returns by position; null: its first link depends on something else
 */
export function findSteadyRules(
  rules: readonly CompiledRule[],
  constants: Uint8Array,
  isMatchSeen: boolean,
): readonly (SteadyRule | null)[] {
  return rules.map(({ links }) => {
    const steady = leading(links, (link) => isSteady(link, constants))
    const inputs = steady.flatMap((link) =>
      link.targets.parts.flatMap((part) => (part.txSlot >= 0 ? [] : inputOf(part)!)),
    )
    if (inputs.length === 0) return null
    const pure = leading(steady, (link) => !link.capture && link.effects.length === 0)
    return { inputs, links: steady.length, forgets: isMatchSeen ? 0 : pure.length }
  })
}

function leading(
  links: readonly CompiledLink[],
  holds: (link: CompiledLink) => boolean,
): readonly CompiledLink[] {
  const end = links.findIndex((link) => !holds(link))
  return end < 0 ? links : links.slice(0, end)
}

function isSteady({ test, targets }: CompiledLink, constants: Uint8Array): boolean {
  if (test.kind === 'always') return true
  if (test.kind === 'dynamic') {
    const { slotsRead } = test.argument
    if (slotsRead === null || slotsRead.some((slot) => constants[slot] !== 1)) return false
  }
  return targets.parts.every((part) =>
    part.txSlot >= 0 ? constants[part.txSlot] === 1 : inputOf(part) !== null,
  )
}

function inputOf({ collection, selector, exclusions, count }: TargetPart): SteadyInput | null {
  const { name, isVolatile } = collection
  if (isVolatile || exclusions.length > 0) return null
  if (selector.kind === 'name') {
    const { nameLower } = selector
    return count || STEADY_BY_NAME.has(name) ? { collection, nameLower, count } : null
  }
  if (selector.kind !== 'all' || !(count || STEADY.has(name))) return null
  return { collection, nameLower: null, count }
}

/** True when a rule may look at what was matched before it began. */
export function looksAtEarlierMatch({ links, msg, logdata }: CompiledRule): boolean {
  if (links.length === 0) return false
  const [first] = links
  if (first.test.kind !== 'always') return readsMatch(first)
  // Without a variable of its own, all that it says and does is about the one before.
  const effects = links.flatMap((link) => link.effects)
  const macros = [msg, logdata, ...effects.flatMap((effect) => effectMacros(effect))]
  return (
    links.some((link) => readsMatch(link)) ||
    effects.some((effect) => effect.kind === 'sanitise') ||
    macros.some((macro) => macro !== null && macro.collectionsRead.some(isMatch))
  )
}

function readsMatch({ targets, test }: CompiledLink): boolean {
  if (test.kind === 'always') return false
  if (targets.parts.some((part) => isMatch(part.collection.name))) return true
  return test.kind === 'dynamic' && test.argument.collectionsRead.some(isMatch)
}

function isMatch(collection: string): boolean {
  return collection.startsWith('MATCHED_VAR')
}
