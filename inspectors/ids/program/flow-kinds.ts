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
import type { AddressTest } from './variables.ts'

/** Kinds, classes of addresses, and addresses whose class is remembered; with more, all are made anew. */
export const MAX_KINDS = 1024
export const MAX_ADDRESS_CLASSES = 1024
const MAX_ADDRESSES = 16_384

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

/** Numbers addresses by the answers of all tests. */
class AddressClasses {
  readonly #tests: readonly NonNullable<AddressTest>[]
  /** By the address as text. */
  readonly #known = new Map<string, number>()
  readonly #classes = new Map<string, number>()

  constructor(tests: readonly NonNullable<AddressTest>[]) {
    this.#tests = tests
  }

  /** There may be no room for the classes of two more addresses. */
  get isFull(): boolean {
    return this.#classes.size > MAX_ADDRESS_CLASSES - 2
  }

  clear(): void {
    this.#known.clear()
    this.#classes.clear()
  }

  of(address: string): number {
    const known = this.#known.get(address)
    if (known !== undefined) return known
    const bytes = addressBytes(address) ?? ''
    // Headers ask for the version of the address too.
    let answers = `${bytes.length} `
    for (const test of this.#tests) answers += test(bytes) ? '1' : '0'
    const number = this.#classes.get(answers) ?? this.#classes.size
    this.#classes.set(answers, number)
    if (this.#known.size >= MAX_ADDRESSES) this.#known.clear()
    this.#known.set(address, number)
    return number
  }
}
