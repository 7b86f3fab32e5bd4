import { isInNetwork, type Network, parseIpAddress, parseNetwork } from './ip-address.ts'
import {
  compiled,
  type Operator,
  type OperatorDefinition,
  type OperatorResult,
  refused,
} from './operator.ts'

/**
 * `@ipMatch`: true when the value is an IP address that is in the list of addresses and networks
 * (`10.0.0.0/8,2001:db8::/32`).
 *
 * @see ModSecurity Reference Manual v2, Operators, ipMatch
 */
export const ipMatch: OperatorDefinition = {
  name: 'ipMatch',
  compile: (argument): OperatorResult => {
    const networks: Network[] = []
    let offset = 0
    for (const part of argument.split(',')) {
      const text = part.trim()
      const network = parseNetwork(text)
      if (network === null) {
        return refused('OPERATOR_ARGUMENT', offset, `"${text}" is no IP address or network`)
      }
      networks.push(network)
      offset += part.length + 1
    }
    return compiled(networkOperator(networks))
  },
  compileDynamic: () => null,
}

/** Matcher for values that are addresses in one of the networks. */
export function networkOperator(networks: readonly Network[]): Operator {
  return {
    match: (value) => {
      const address = parseIpAddress(value)
      return address !== null && networks.some((network) => isInNetwork(address, network))
    },
    gate: null,
  }
}
