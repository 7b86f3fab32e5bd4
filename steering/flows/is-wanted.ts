import type { ConnectionTuple } from '#steering/openflow/switch-controller-interface.ts'
import { contains, parsePrefix } from './address.ts'
import type { DesiredAttachment } from './desired.ts'

/**
 * Whether a classifier of an attachment describes a TCP connection of its port, seen from either end (of a
 * connection that was picked up midway it is not known who opened it).
 */
export function isWanted(attachment: DesiredAttachment, tuple: ConnectionTuple): boolean {
  const ends = [
    [tuple.sourceAddress, tuple.destinationAddress, tuple.destinationPort],
    [tuple.destinationAddress, tuple.sourceAddress, tuple.sourcePort],
  ] as const
  return ends.some(([client, server, serverPort]) => {
    const remote = parsePrefix(attachment.direction === 'ingress' ? client : server)
    return attachment.classifiers.some((classifier) => {
      if (classifier.protocol !== 'tcp') return false
      const wanted = classifier.remote === undefined ? null : parsePrefix(classifier.remote)
      if (wanted !== null && (remote === null || !contains(wanted, remote))) return false
      const { destinationPorts } = classifier
      return (
        destinationPorts === 'any' ||
        destinationPorts.some((entry) =>
          typeof entry === 'number'
            ? entry === serverPort
            : serverPort >= entry.from && serverPort <= entry.to,
        )
      )
    })
  })
}
