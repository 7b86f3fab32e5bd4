import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import type { SteeredAttachment, SteeredPort, SteeredState } from '#steering/flows/steered.ts'
import type { Outcome, Segment } from './switch-model.ts'

/** What tests of flows send through the model, and what they expect of it. */

export const FAR_PORT = 50
export const FAR_MAC = 0x0cf0_0000_0001n

/** Whether an attachment's classifiers want a connection to `port` with `remote`. */
export function wants(
  attachment: SteeredAttachment,
  family: 4 | 6,
  remote: bigint,
  port: number,
  protocol: 'tcp' | 'udp',
): boolean {
  return attachment.classifiers.some(({ protocol: wanted, destinationPorts, remote: prefix }) => {
    if (wanted !== protocol) return false
    if (prefix !== null) {
      if (prefix.family !== family) return false
      const host = BigInt((family === 4 ? 32 : 128) - prefix.length)
      if (remote >> host !== prefix.value >> host) return false
    }
    return (
      destinationPorts === 'any' ||
      destinationPorts.some((entry) =>
        typeof entry === 'number' ? entry === port : port >= entry.from && port <= entry.to,
      )
    )
  })
}

/** The attachment that decides about a new connection of a guest with somebody far. */
export function chosen(
  state: SteeredState,
  port: SteeredPort,
  direction: 'ingress' | 'egress',
  family: 4 | 6,
  remote: bigint,
  serverPort: number,
  protocol: 'tcp' | 'udp' = 'tcp',
): SteeredAttachment[] {
  const fitting = state.attachments.filter(
    (one) =>
      one.port === port &&
      one.direction === direction &&
      !one.isDraining &&
      wants(one, family, remote, serverPort, protocol),
  )
  const highest = Math.max(...fitting.map((one) => one.priority))
  return fitting.filter((one) => one.priority === highest)
}

/** What a segment is to both ends, wherever it travels. */
export type Wire = Omit<Segment, 'inPort' | 'ethSource' | 'ethDestination'>

export const reversed = (segment: Wire, flags: Segment['flags']): Wire => ({
  ...segment,
  source: segment.destination,
  destination: segment.source,
  sourcePort: segment.destinationPort,
  destinationPort: segment.sourcePort,
  flags,
})

export const connection = fc.record({
  guest: fc.nat(),
  direction: fc.constantFrom('ingress' as const, 'egress' as const),
  family: fc.constantFrom(4 as const, 6 as const),
  serverPort: fc.integer({ min: 1, max: 65_535 }),
  clientPort: fc.integer({ min: 1024, max: 65_535 }),
  remote: fc.constantFrom('inside' as const, 'outside' as const),
})

export function assertOutput(outcome: Outcome, port: number): void {
  assert.ok(outcome.kind === 'output', `it is ${outcome.kind}, not output`)
  assert.equal(outcome.port, port)
  assert.equal(outcome.segment.vlan, null)
}

export function assertNormal(outcome: Outcome, segment: Segment): void {
  assert.ok(outcome.kind === 'normal', `it is ${outcome.kind}, not handed back`)
  assert.deepEqual({ ...outcome.segment, flags: '' }, { ...segment, flags: '' })
}

/** The frame goes on as if its peer had sent it: MACs, port and tag are the peer's. */
export function assertReaches(outcome: Outcome, end: 'far' | 'guest', guest: SteeredPort): void {
  assert.ok(outcome.kind !== 'drop', 'it is dropped')
  const { ethSource, ethDestination, inPort, vlan } = outcome.segment
  if (end === 'far') {
    assert.equal(outcome.kind, 'normal')
    assert.deepEqual(
      { ethSource, ethDestination, inPort, vlan },
      { ethSource: guest.mac, ethDestination: FAR_MAC, inPort: guest.ofport, vlan: null },
    )
  } else {
    assert.deepEqual(
      { ethSource, ethDestination },
      { ethSource: FAR_MAC, ethDestination: guest.mac },
    )
    if (outcome.kind === 'output') assert.equal(outcome.port, guest.ofport)
    else assert.deepEqual({ inPort, vlan }, { inPort: FAR_PORT, vlan: guest.vlan })
  }
}
