import {
  hasHostBits,
  networkText,
  parsePrefix,
  prefixesOverlap,
  unusableAddress,
} from './address.ts'
import type { Classifier, PortEntry } from './attachment.ts'
import { invalid, type Violation } from './violation.ts'

/** Inclusive range of ports. */
export interface PortRange {
  readonly from: number
  readonly to: number
}

const EVERY_PORT: readonly PortRange[] = [{ from: 1, to: 65_535 }]

const rangeOf = (entry: PortEntry): PortRange =>
  typeof entry === 'number' ? { from: entry, to: entry } : entry

const rangesOverlap = (a: PortRange, b: PortRange): boolean => a.from <= b.to && b.from <= a.to

const rangeText = ({ from, to }: PortRange): string => (from === to ? `${from}` : `${from}-${to}`)

/** Ranges that a classifier's `destinationPorts` mean. */
export function portRanges(ports: Classifier['destinationPorts']): readonly PortRange[] {
  return ports === 'any' ? EVERY_PORT : ports.map(rangeOf)
}

/**
 * What makes a classifier impossible on a port.
 *
 * @param pointer   JSON pointer of the classifier
 * @param families  address families that the attached port has
 */
export function validateClassifier(
  classifier: Classifier,
  pointer: string,
  families: ReadonlySet<4 | 6>,
): Violation[] {
  const violations: Violation[] = []
  if (classifier.destinationPorts !== 'any') {
    violations.push(...validatePorts(classifier.destinationPorts, `${pointer}/destinationPorts`))
  }
  if (classifier.remote !== undefined) {
    violations.push(...validateRemote(classifier.remote, `${pointer}/remote`, families))
  }
  return violations
}

function validatePorts(entries: readonly PortEntry[], pointer: string): Violation[] {
  const violations: Violation[] = []
  const seen: PortRange[] = []
  entries.forEach((entry, index) => {
    const range = rangeOf(entry)
    if (range.from > range.to) {
      violations.push(
        invalid(
          `${pointer}/${index}`,
          `range ${rangeText(range)} is reversed: "from" may not exceed "to"`,
        ),
      )
      return
    }
    const earlier = seen.find((other) => rangesOverlap(other, range))
    if (earlier) {
      violations.push(
        invalid(
          `${pointer}/${index}`,
          `${rangeText(range)} overlaps ${rangeText(earlier)}, which is already in the list`,
        ),
      )
    }
    seen.push(range)
  })
  return violations
}

function validateRemote(
  remote: string,
  pointer: string,
  families: ReadonlySet<4 | 6>,
): Violation[] {
  const prefix = parsePrefix(remote)
  if (prefix === null) {
    return [
      invalid(pointer, 'is not an IPv4 or IPv6 address or CIDR (203.0.113.0/24, 2001:db8::/32)'),
    ]
  }
  if (hasHostBits(prefix)) {
    return [invalid(pointer, `has host bits set: did you mean ${networkText(prefix)}?`)]
  }
  const unusable = unusableAddress(prefix)
  if (unusable !== null) {
    return [invalid(pointer, `${unusable}: no connection comes from or goes to it`)]
  }
  if (!families.has(prefix.family)) {
    return [
      invalid(pointer, `is IPv${prefix.family}, but the port has no IPv${prefix.family} address`),
    ]
  }
  return []
}

/** True when some connection matches both. */
export function classifiersOverlap(a: Classifier, b: Classifier): boolean {
  if (a.protocol !== b.protocol) return false
  const ports = portRanges(a.destinationPorts).some((range) =>
    portRanges(b.destinationPorts).some((other) => rangesOverlap(range, other)),
  )
  return ports && remotesOverlap(a.remote, b.remote)
}

function remotesOverlap(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return true
  const left = parsePrefix(a)
  const right = parsePrefix(b)
  return left !== null && right !== null && prefixesOverlap(left, right)
}
