/**
 * What rule headers come to, once for all flows that no header tells apart.
 *
 * Ports of which the same can be said are one class, and so are addresses: a set of thousands of rules asks for a few
 * networks and a few hundred ports. Flows between the same classes are of one kind, which remembers the headers
 * that were asked, so that a flow keeps nothing of its own.
 */
import type { Connection } from '#inspectors/inspector.ts'
import { addressBytes } from '#signatures/suricata/address.ts'
import type { HeaderTest, Side } from './compiled-rule.ts'
import type { HeaderTable } from './header-table.ts'
import { PortClasses, type PortPlan, type PortPlans } from './port-plans.ts'
import type { AddressCondition } from './variables.ts'

/** Kinds, and classes of addresses, that are remembered; with more, all are made anew. */
export const MAX_KINDS = 1024
export const MAX_ADDRESS_CLASSES = 1024

const UNKNOWN = 0
const HOLDS = 1
const FAILS = 2

/** Flows between ports and addresses of the same classes. */
export class FlowKind {
  /** Rules that their ports let take part. */
  readonly plan: PortPlan
  readonly #verdicts: Uint8Array

  constructor(plan: PortPlan, headerCount: number) {
    this.plan = plan
    this.#verdicts = new Uint8Array(headerCount * 2)
  }

  /** @param ends of any flow of this kind: what is said of one holds for all */
  headerHolds(header: HeaderTest, side: Side, ends: Connection): boolean {
    const at = header.id * 2 + (side === 'request' ? 0 : 1)
    let known = this.#verdicts[at]
    if (known === UNKNOWN) {
      known = headerMatches(header, side, ends) ? HOLDS : FAILS
      this.#verdicts[at] = known
    }
    return known === HOLDS
  }
}

function headerMatches(
  header: HeaderTest,
  side: Side,
  { clientAddress, clientPort, serverAddress, serverPort }: Connection,
): boolean {
  const client = addressBytes(clientAddress) ?? ''
  const server = addressBytes(serverAddress) ?? ''
  return side === 'request'
    ? header.matches(client, clientPort, server, serverPort)
    : header.matches(server, serverPort, client, clientPort)
}

/** Tells the kind of each flow. */
export class FlowKinds {
  readonly #plans: PortPlans
  readonly #headerCount: number
  readonly #ports: PortClasses
  readonly #addresses: AddressClasses
  readonly #kinds = new Map<number, FlowKind>()

  constructor(headers: HeaderTable, plans: PortPlans) {
    this.#plans = plans
    this.#headerCount = headers.count
    this.#ports = new PortClasses(new Set(headers.ports))
    this.#addresses = new AddressClasses(headers.addresses)
  }

  of({ clientAddress, clientPort, serverAddress, serverPort }: Connection): FlowKind {
    const ports = this.#ports.of(clientPort) * 65_536 + this.#ports.of(serverPort)
    if (this.#addresses.isFull) {
      this.#addresses.clear()
      this.#kinds.clear()
    }
    const client = this.#addresses.of(clientAddress)
    const server = this.#addresses.of(serverAddress)
    const key = (ports * MAX_ADDRESS_CLASSES + client) * MAX_ADDRESS_CLASSES + server
    const known = this.#kinds.get(key)
    if (known !== undefined) return known
    // Flows go on with the kind that they have.
    if (this.#kinds.size >= MAX_KINDS) this.#kinds.clear()
    const made = new FlowKind(this.#plans.of(clientPort, serverPort), this.#headerCount)
    this.#kinds.set(key, made)
    return made
  }
}

/** Numbers addresses by the answers of all conditions, as `PortClasses` does ports. */
class AddressClasses {
  readonly #conditions: readonly AddressCondition[]
  /** Where the answers may change, ascending: addresses from one on, up to the next, are a stretch. */
  readonly #begins: readonly string[]
  readonly #classOfStretch: Int32Array
  readonly #classes = new Map<string, number>()

  constructor(conditions: readonly AddressCondition[]) {
    this.#conditions = conditions
    const begins = new Set(FIRST_ADDRESSES)
    for (const { ranges } of conditions)
      for (const { first, last } of ranges) {
        begins.add(first)
        const next = nextAddress(last)
        if (next !== null) begins.add(next)
      }
    this.#begins = [...begins].sort((one, other) => (isBefore(one, other) ? -1 : 1))
    this.#classOfStretch = new Int32Array(begins.size + 1).fill(NO_CLASS)
  }

  /** There may be no room for the classes of two more addresses. */
  get isFull(): boolean {
    return this.#classes.size > MAX_ADDRESS_CLASSES - 2
  }

  clear(): void {
    this.#classOfStretch.fill(NO_CLASS)
    this.#classes.clear()
  }

  of(addressText: string): number {
    const address = addressBytes(addressText) ?? ''
    const stretch = this.#stretchOf(address)
    const known = this.#classOfStretch[stretch]
    if (known !== NO_CLASS) return known
    // Headers ask for the version of the address too.
    let answers = `${address.length} `
    for (const { holds } of this.#conditions) answers += holds(address) ? '1' : '0'
    const number = this.#classes.get(answers) ?? this.#classes.size
    this.#classes.set(answers, number)
    this.#classOfStretch[stretch] = number
    return number
  }

  /** How many stretches begin at or before the address. */
  #stretchOf(address: string): number {
    let low = 0
    let high = this.#begins.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (isBefore(address, this.#begins[middle])) high = middle
      else low = middle + 1
    }
    return low
  }
}

const NO_CLASS = -1

/** The first address of each version: what is none comes before. */
const FIRST_ADDRESSES = ['\0'.repeat(4), '\0'.repeat(16)]

/** Shorter ones first. */
function isBefore(address: string, other: string): boolean {
  return address.length === other.length ? address < other : address.length < other.length
}

/** Null: it is the last of its version. */
function nextAddress(address: string): string | null {
  for (let at = address.length - 1; at >= 0; at -= 1) {
    const byte = address.charCodeAt(at)
    if (byte === 0xff) continue
    return `${address.slice(0, at)}${String.fromCharCode(byte + 1)}${'\0'.repeat(address.length - at - 1)}`
  }
  return null
}
