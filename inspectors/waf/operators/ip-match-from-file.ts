import { type Network, parseNetwork } from './ip-address.ts'
import { networkOperator } from './ip-match.ts'
import { compiled, type OperatorDefinition, type OperatorResult, refused } from './operator.ts'
import { dataLines } from './pm-from-file.ts'

/** Most networks of one file. */
const MAX_NETWORKS = 100_000

/**
 * `@ipMatchFromFile` (`@ipMatchF`): `@ipMatch` with one address or network on each line of a file; text
 * after a blank and lines that begin with `#` are comments.
 *
 * @see ModSecurity Reference Manual v2, Operators, ipMatchFromFile
 */
export const ipMatchFromFile: OperatorDefinition = {
  name: 'ipMatchFromFile',
  compile: (argument, context): OperatorResult => {
    const name = argument.trim()
    if (/^https?:/i.test(name)) {
      return refused('OPERATOR_UNSUPPORTED', 0, 'rules read files alone, no addresses')
    }
    const file = context.readData(name)
    if (!file.ok) return refused('OPERATOR_FILE', 0, file.message)
    const networks: Network[] = []
    for (const line of dataLines(file.textLatin1)) {
      const text = line.split(/[\s#]/, 1)[0]
      const network = parseNetwork(text)
      if (network === null) {
        return refused('OPERATOR_FILE', 0, `${name}: "${text}" is no IP address or network`)
      }
      networks.push(network)
    }
    if (networks.length > MAX_NETWORKS) {
      return refused('OPERATOR_FILE', 0, `${name} has more than ${MAX_NETWORKS} networks`)
    }
    return compiled(networkOperator(networks))
  },
  compileDynamic: () => null,
}
