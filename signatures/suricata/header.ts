/**
 *   header := action SP proto SP addr SP port SP dir SP addr SP port SP '('
 *   proto  := NAME [':' HOOK]
 *   dir    := '->' | '<>' | '=>'
 *
 * Lists in brackets may contain blanks.
 */
import { type AddressSpec, parseAddress } from './address.ts'
import { type PortSpec, parsePorts } from './ports.ts'
import { RuleFault } from './problem.ts'
import { PROTOCOL_NAMES, type Protocol, protocolByName } from './protocols.ts'
import type { Action, RuleDirection } from './rule.ts'
import { ownText } from './rule-pool.ts'

export interface RuleHeader {
  readonly action: Action
  readonly protocol: Protocol
  readonly direction: RuleDirection
  readonly source: AddressSpec
  readonly sourcePorts: PortSpec
  readonly destination: AddressSpec
  readonly destinationPorts: PortSpec
  /** Offset of the first character after the opening parenthesis. */
  readonly end: number
}

const ACTIONS: ReadonlyMap<string, Action> = new Map(
  (['alert', 'pass', 'drop', 'reject', 'rejectsrc', 'rejectdst', 'rejectboth'] as const).map(
    (action) => [action, action],
  ),
)

/** Address and port texts repeat: a rule set has a few hundred distinct ones. */
const MAX_CACHED_SPECS = 8192
const addresses = new Map<string, AddressSpec>()
const ports = new Map<string, PortSpec>()

/** @throws RuleFault with the offset of the part that is wrong */
export function parseHeader(text: string): RuleHeader {
  const words: string[] = []
  const starts: number[] = []
  let at = 0
  while (words.length < 7) {
    while (at < text.length && isBlank(text.charCodeAt(at))) at += 1
    const end = wordEnd(text, at)
    if (end === at)
      throw new RuleFault(
        'syntax',
        `the rule header has ${words.length} parts where 7 are needed`,
        { at },
      )
    words.push(text.slice(at, end))
    starts.push(at)
    at = end
  }
  while (at < text.length && isBlank(text.charCodeAt(at))) at += 1
  if (text[at] !== '(') throw new RuleFault('syntax', 'a ( must follow the rule header', { at })
  const part = <Value>(index: number, parse: (word: string) => Value): Value => {
    try {
      return parse(words[index])
    } catch (error) {
      if (error instanceof RuleFault && error.at < 0)
        throw new RuleFault(error.code, error.message, {
          at: starts[index],
          ...(error.suggestion === undefined ? {} : { suggestion: error.suggestion }),
        })
      throw error
    }
  }
  return {
    action: part(0, parseAction),
    protocol: part(1, parseProtocol),
    source: part(2, (word) => cached(addresses, word, parseAddress)),
    sourcePorts: part(3, (word) => cached(ports, word, parsePorts)),
    direction: part(4, parseDirection),
    destination: part(5, (word) => cached(addresses, word, parseAddress)),
    destinationPorts: part(6, (word) => cached(ports, word, parsePorts)),
    end: at + 1,
  }
}

function cached<Value>(
  table: Map<string, Value>,
  text: string,
  parse: (text: string) => Value,
): Value {
  const known = table.get(text)
  if (known !== undefined) return known
  const own = ownText(text)
  const value = parse(own)
  if (table.size >= MAX_CACHED_SPECS) table.clear()
  table.set(own, value)
  return value
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** End of the word at `at`: the next blank outside brackets, or the option list's parenthesis. */
function wordEnd(text: string, at: number): number {
  let depth = 0
  let end = at
  while (end < text.length) {
    const code = text.charCodeAt(end)
    if (code === 0x5b) depth += 1
    else if (code === 0x5d) depth -= 1
    else if (code === 0x28) break
    else if (depth <= 0 && isBlank(code)) break
    end += 1
  }
  return end
}

function parseAction(word: string): Action {
  const action = ACTIONS.get(word)
  if (action !== undefined) return action
  if (word === 'config' || word === 'accept')
    throw new RuleFault('unsupported-keyword', `the action ${word} is not enforced`, {
      keyword: word,
    })
  throw new RuleFault('unknown-action', `there is no action "${word}"`, {
    suggestion: 'alert, pass, drop or reject',
  })
}

function parseProtocol(word: string): Protocol {
  const colon = word.indexOf(':')
  if (colon >= 0)
    throw new RuleFault('unsupported-keyword', `the hook "${word.slice(colon)}" is not enforced`, {
      keyword: 'hook',
    })
  const protocol = protocolByName(word)
  if (protocol !== null) return protocol
  const near = PROTOCOL_NAMES.find((name) => name.startsWith(word.slice(0, 3).toLowerCase()))
  throw new RuleFault(
    'unknown-protocol',
    `there is no protocol "${word}"`,
    near === undefined ? {} : { suggestion: `did you mean ${near}?` },
  )
}

function parseDirection(word: string): RuleDirection {
  if (word === '->') return 'to'
  if (word === '<>') return 'both'
  if (word === '=>') return 'transaction'
  throw new RuleFault('bad-direction', `"${word}" is not a direction`, {
    suggestion: word === '<-' ? 'swap the two sides and write ->' : '-> or <>',
  })
}
