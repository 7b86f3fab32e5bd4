import type { Rule } from '#signatures/suricata/rule.ts'
import type { AddressSpec } from '#signatures/suricata/address.ts'
import type { PortSpec } from '#signatures/suricata/ports.ts'
import type { HeaderTest } from './compiled-rule.ts'
import type { PortCondition } from './port-condition.ts'
import type { AddressCondition, AddressTest, RuleVariables } from './variables.ts'

/** One test for each distinct header: a rule set of thousands has a few hundred. */
export class HeaderTable {
  readonly #variables: RuleVariables
  readonly #tests = new Map<string, HeaderTest>()
  readonly #conditions = new Map<string, PortCondition | null>()
  readonly #addresses = new Map<string, AddressCondition | null>()

  constructor(variables: RuleVariables) {
    this.#variables = variables
  }

  get count(): number {
    return this.#tests.size
  }

  /** All that is asked of either port. */
  get ports(): PortCondition[] {
    return [...this.#conditions.values()].filter((condition) => condition !== null)
  }

  /** All that is asked of either address, beside its version. */
  get addresses(): AddressCondition[] {
    return [...this.#addresses.values()].filter((condition) => condition !== null)
  }

  /** @throws RuleFault when a variable is unknown or the header can never match */
  test(rule: Rule): HeaderTest {
    const { source, sourcePorts, destination, destinationPorts, direction, protocol } = rule
    const family =
      protocol.name === 'ipv4' || protocol.name === 'ip4'
        ? 4
        : protocol.name === 'ipv6' || protocol.name === 'ip6'
          ? 16
          : 0
    const key = JSON.stringify([
      source,
      sourcePorts,
      destination,
      destinationPorts,
      direction,
      family,
    ])
    const known = this.#tests.get(key)
    if (known !== undefined) return known
    const test = makeTest(
      this.#tests.size,
      this.#address(source),
      this.#ports(sourcePorts),
      this.#address(destination),
      this.#ports(destinationPorts),
      direction,
      family,
    )
    this.#tests.set(key, test)
    return test
  }

  /** Null: every address holds. */
  #address(spec: AddressSpec): AddressTest {
    const key = JSON.stringify(spec)
    const known = this.#addresses.get(key)
    if (known !== undefined) return known === null ? null : known.holds
    const holds = this.#variables.address(spec)
    const ranges = holds === null ? [] : this.#variables.addressRanges(spec)
    this.#addresses.set(key, holds === null ? null : { holds, ranges })
    return holds
  }

  /** Null: every port holds. */
  #ports(spec: PortSpec): PortCondition | null {
    const key = JSON.stringify(spec)
    const known = this.#conditions.get(key)
    if (known !== undefined) return known
    const holds = this.#variables.ports(spec)
    const made = holds === null ? null : { holds, bounds: this.#variables.portBounds(spec) }
    this.#conditions.set(key, made)
    return made
  }
}

function makeTest(
  id: number,
  source: AddressTest,
  sourcePorts: PortCondition | null,
  destination: AddressTest,
  destinationPorts: PortCondition | null,
  direction: Rule['direction'],
  family: 0 | 4 | 16,
): HeaderTest {
  const portsOneWay: HeaderTest['matchesPorts'] = (fromPort, toPort) =>
    (sourcePorts === null || sourcePorts.holds(fromPort)) &&
    (destinationPorts === null || destinationPorts.holds(toPort))
  const oneWay: HeaderTest['matches'] = (from, fromPort, to, toPort) =>
    (family === 0 || from.length === family) &&
    (source === null || source(from)) &&
    (destination === null || destination(to)) &&
    portsOneWay(fromPort, toPort)
  const there = sourcePorts === null ? [] : [sourcePorts]
  const back = destinationPorts === null ? [] : [destinationPorts]
  if (direction === 'to')
    return {
      id,
      matches: oneWay,
      matchesPorts: portsOneWay,
      ports: { source: there, destination: back },
    }
  return {
    id,
    matches: (from, fromPort, to, toPort) =>
      oneWay(from, fromPort, to, toPort) || oneWay(to, toPort, from, fromPort),
    matchesPorts: (fromPort, toPort) =>
      portsOneWay(fromPort, toPort) || portsOneWay(toPort, fromPort),
    ports: { source: [...there, ...back], destination: [...there, ...back] },
  }
}
