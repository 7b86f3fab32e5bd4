import type { Rule } from '#signatures/suricata/rule.ts'
import type { HeaderTest } from './compiled-rule.ts'
import type { AddressTest, PortTest, RuleVariables } from './variables.ts'

/** One test for each distinct header: a rule set of thousands has a few hundred. */
export class HeaderTable {
  readonly #variables: RuleVariables
  readonly #tests = new Map<string, HeaderTest>()

  constructor(variables: RuleVariables) {
    this.#variables = variables
  }

  get count(): number {
    return this.#tests.size
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
      this.#variables.address(source),
      this.#variables.ports(sourcePorts),
      this.#variables.address(destination),
      this.#variables.ports(destinationPorts),
      direction,
      family,
    )
    this.#tests.set(key, test)
    return test
  }
}

function makeTest(
  id: number,
  source: AddressTest,
  sourcePorts: PortTest,
  destination: AddressTest,
  destinationPorts: PortTest,
  direction: Rule['direction'],
  family: 0 | 4 | 16,
): HeaderTest {
  const oneWay: HeaderTest['matches'] = (from, fromPort, to, toPort) =>
    (family === 0 || from.length === family) &&
    (source === null || source(from)) &&
    (sourcePorts === null || sourcePorts(fromPort)) &&
    (destination === null || destination(to)) &&
    (destinationPorts === null || destinationPorts(toPort))
  if (direction === 'to') return { id, matches: oneWay }
  return {
    id,
    matches: (from, fromPort, to, toPort) =>
      oneWay(from, fromPort, to, toPort) || oneWay(to, toPort, from, fromPort),
  }
}
