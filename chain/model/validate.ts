import {
  hasHostBits,
  networkText,
  parsePrefix,
  prefixesOverlap,
  unusableAddress,
} from './address.ts'
import type { Attachment } from './attachment.ts'
import type { Chain } from './chain.ts'
import { chainDatagramViolations, datagramViolations } from './datagram-rules.ts'
import { type DesiredState, ruleReferences, scopedKey } from './desired.ts'
import type { Port } from './port.ts'
import { parseRuleReference, resolveReference } from './rule-set.ts'
import { classifiersOverlap, validateClassifier } from './validate-classifier.ts'
import { chainTapViolations, isTap, tapViolations } from './tap-rules.ts'
import { conflict, invalid, type Violation } from './violation.ts'

/**
 * Checks beyond the schemas, each against the picture of everything that is desired. All are pure;
 * an empty list means that every agent can enforce the resource.
 */

/** A port about to be created or replaced. Attachments that it already has must stay enforceable. */
export function validatePort(port: Port, state: DesiredState): Violation[] {
  return [
    ...validateAddresses(port.addresses),
    ...validateInterface(port, state),
    ...validateCollisions(port, state),
    ...attachmentsOf(port, state).flatMap((attachment) =>
      brokenBy(port, attachment).map(({ detail }) =>
        conflict('/addresses', `attachment ${attachment.id} needs them: ${detail}`, attachment.id),
      ),
    ),
  ]
}

function validateAddresses(addresses: readonly string[]): Violation[] {
  return addresses.flatMap((text, index) => {
    const pointer = `/addresses/${index}`
    const prefix = parsePrefix(text)
    if (prefix === null) return [invalid(pointer, 'is not an IPv4 or IPv6 address or CIDR')]
    if (hasHostBits(prefix)) {
      return [invalid(pointer, `has host bits set: did you mean ${networkText(prefix)}?`)]
    }
    if (prefix.prefix === 0) return [invalid(pointer, 'covers every address of its family')]
    const unusable = unusableAddress(prefix)
    if (unusable !== null) return [invalid(pointer, `${unusable}: a guest cannot have it`)]
    const twin = addresses.slice(0, index).find((other) => addressesOverlap(other, text))
    return twin === undefined ? [] : [invalid(pointer, `repeats ${twin}, already in the list`)]
  })
}

function addressesOverlap(a: string, b: string): boolean {
  const left = parsePrefix(a)
  const right = parsePrefix(b)
  return left !== null && right !== null && prefixesOverlap(left, right)
}

/** One interface is one port: otherwise two tenants could steer the same guest. */
function validateInterface(port: Port, state: DesiredState): Violation[] {
  for (const { value: other } of state.ports.values()) {
    if (isSamePort(other, port) || other.interfaceId !== port.interfaceId) continue
    if (other.tenant !== port.tenant) {
      return [conflict('/interfaceId', 'is registered already by another tenant', '')]
    }
    return [conflict('/interfaceId', `is registered already as port ${other.id}`, other.id)]
  }
  return []
}

function validateCollisions(port: Port, state: DesiredState): Violation[] {
  const neighbours = [...state.ports.values()]
    .map((stored) => stored.value)
    .filter(
      (other) =>
        other.tenant === port.tenant && other.network === port.network && !isSamePort(other, port),
    )
  return port.addresses.flatMap((text, index) => {
    for (const other of neighbours) {
      const taken = other.addresses.find((address) => addressesOverlap(address, text))
      if (taken === undefined) continue
      const detail = `collides with ${taken} of port ${other.id} in network ${port.network}`
      return [conflict(`/addresses/${index}`, detail, other.id)]
    }
    return []
  })
}

const isSamePort = (a: Port, b: Port): boolean => a.tenant === b.tenant && a.id === b.id

function attachmentsOf(port: Port, state: DesiredState): Attachment[] {
  return [...state.attachments.values()]
    .map((stored) => stored.value)
    .filter((attachment) => attachment.tenant === port.tenant && attachment.port === port.id)
}

const brokenBy = (port: Port, attachment: Attachment): Violation[] =>
  attachment.classifiers.flatMap((classifier, index) =>
    validateClassifier(classifier, `/classifiers/${index}`, familiesOf(port)),
  )

function familiesOf(port: Port): ReadonlySet<4 | 6> {
  return new Set(port.addresses.flatMap((text) => parsePrefix(text)?.family ?? []))
}

/**
 * A chain about to be created or replaced: every rule set it names is installed and usable, and what its
 * attachments lead through it can be seen by all of its inspectors.
 */
export function validateChain(chain: Chain, state: DesiredState, tenant: string): Violation[] {
  const rules = ruleReferences(chain).flatMap(({ reference, pointer }) => {
    const parsed = parseRuleReference(reference)
    if (parsed === null) {
      return [invalid(pointer, 'is not a rule set: say NAME or NAME@VERSION of an installed one')]
    }
    const ruleSet = state.ruleSets.get(parsed.name)?.value
    if (ruleSet === undefined) return [invalid(pointer, `no rule set ${parsed.name} is installed`)]
    const version = resolveReference(parsed, ruleSet)
    if (version !== null) {
      const installed = ruleSet.versions.find(({ sha256 }) => sha256 === version.sha256)
      const refusal = installed?.refusal ?? null
      return refusal === null ? [] : [invalid(pointer, `workers would not load it: ${refusal}`)]
    }
    return [
      invalid(
        pointer,
        parsed.version === null
          ? `rule set ${parsed.name} has no active version: activate one first`
          : `rule set ${parsed.name} has no version ${parsed.version}`,
      ),
    ]
  })
  const users = [...state.attachments.values()]
    .map(({ value }) => value)
    .filter((attachment) => attachment.tenant === tenant && attachment.chain === chain.name)
  return [
    ...rules,
    ...chain.inspectors.flatMap(validateSettings),
    ...chainDatagramViolations(chain, users),
    ...chainTapViolations(chain, users),
  ]
}

function validateSettings(inspector: Chain['inspectors'][number], index: number): Violation[] {
  if (inspector.type !== 'waf') return []
  const settings = inspector.settings ?? {}
  const pointer = `/inspectors/${index}/settings`
  const violations = (settings.excludeRules ?? []).flatMap((range, rule) => {
    const [from = '', to = from] = range.split('-')
    if (Number(from) <= Number(to)) return []
    return [invalid(`${pointer}/excludeRules/${rule}`, `range ${range} is reversed`)]
  })
  const { paranoia = 1, detectionParanoia } = settings
  if (detectionParanoia !== undefined && detectionParanoia < paranoia) {
    violations.push(
      invalid(
        `${pointer}/detectionParanoia`,
        `is ${detectionParanoia}, below the blocking level ${paranoia}`,
      ),
    )
  }
  return violations
}

/** An attachment about to be created or replaced. */
export function validateAttachment(attachment: Attachment, state: DesiredState): Violation[] {
  const { tenant } = attachment
  const port = state.ports.get(scopedKey(tenant, attachment.port))?.value
  const violations: Violation[] = []
  if (port === undefined) {
    violations.push(invalid('/port', `tenant ${tenant} has no port ${attachment.port}`))
  }
  const chain = state.chains.get(scopedKey(tenant, attachment.chain))?.value.chain
  if (chain === undefined) {
    violations.push(invalid('/chain', `tenant ${tenant} has no chain ${attachment.chain}`))
  } else if (!isTap(attachment)) violations.push(...datagramViolations(attachment, chain))
  violations.push(...tapViolations(attachment, chain))
  const families = port === undefined ? new Set<4 | 6>([4, 6]) : familiesOf(port)
  attachment.classifiers.forEach((classifier, index) => {
    const pointer = `/classifiers/${index}`
    violations.push(...validateClassifier(classifier, pointer, families))
    const canonical = JSON.stringify(canonicalClassifier(classifier))
    const twin = attachment.classifiers
      .slice(0, index)
      .findIndex((other) => JSON.stringify(canonicalClassifier(other)) === canonical)
    if (twin >= 0) violations.push(invalid(pointer, `repeats classifier ${twin}`))
  })
  return violations.length > 0 ? violations : validatePriority(attachment, state)
}

const canonicalClassifier = ({
  protocol,
  destinationPorts,
  remote,
}: Attachment['classifiers'][0]) => [protocol, destinationPorts, remote ?? null]

function validatePriority(attachment: Attachment, state: DesiredState): Violation[] {
  // Copies are not contended for.
  if (isTap(attachment)) return []
  for (const { value: other } of state.attachments.values()) {
    const contends =
      other.tenant === attachment.tenant &&
      other.id !== attachment.id &&
      !isTap(other) &&
      other.port === attachment.port &&
      other.direction === attachment.direction &&
      other.priority === attachment.priority
    if (!contends) continue
    const overlaps = attachment.classifiers.some((mine) =>
      other.classifiers.some((theirs) => classifiersOverlap(mine, theirs)),
    )
    if (!overlaps) continue
    const detail =
      `attachment ${other.id} of port ${other.port} has priority ${other.priority} too and ` +
      `claims some of the same ${other.direction} connections: give one another priority`
    return [conflict('/priority', detail, other.id)]
  }
  return []
}

/** What still uses a port that is about to be deleted. */
export function portInUse(tenant: string, id: string, state: DesiredState): Violation[] {
  return users(tenant, state, (attachment) => attachment.port === id)
}

/** What still uses a chain that is about to be deleted. */
export function chainInUse(tenant: string, name: string, state: DesiredState): Violation[] {
  return users(tenant, state, (attachment) => attachment.chain === name)
}

function users(
  tenant: string,
  state: DesiredState,
  isUser: (attachment: Attachment) => boolean,
): Violation[] {
  return [...state.attachments.values()]
    .map((stored) => stored.value)
    .filter((attachment) => attachment.tenant === tenant && isUser(attachment))
    .map(({ id }) => conflict('', `attachment ${id} uses it: detach that first`, id))
}
