import * as fc from 'fast-check'
import type { SteeredAttachment, SteeredPort, SteeredState } from '#steering/flows/steered.ts'
import { parsePrefix } from '#steering/flows/address.ts'

const ports = fc.oneof(
  fc.constant('any' as const),
  fc.array(
    fc.oneof(
      fc.integer({ min: 1, max: 65_535 }),
      fc
        .tuple(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 65_535 }))
        .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) })),
    ),
    { minLength: 1, maxLength: 4 },
  ),
)

const protocol = fc.constantFrom('tcp' as const, 'udp' as const)

const remote = fc.constantFrom(null, '10.0.0.0/8', '10.0.0.200', 'fd00::/8', '192.0.2.0/24')

/** Two domains, up to four attached ports in each, up to six attachments in any mode. */
export const arbitraryState: fc.Arbitrary<SteeredState> = fc
  .record({
    generation: fc.integer({ min: 1, max: 1_000_000 }),
    firstTable: fc.integer({ min: 1, max: 200 }),
    entryPriority: fc.integer({ min: 100, max: 65_000 }),
    listening: fc.tuple(fc.boolean(), fc.boolean()),
    ports: fc.array(
      fc.record({ domain: fc.integer({ min: 0, max: 1 }), vlan: fc.constantFrom(null, 7, 8) }),
      { minLength: 1, maxLength: 8 },
    ),
    attachments: fc.array(
      fc.record({
        port: fc.nat(),
        direction: fc.constantFrom('ingress' as const, 'egress' as const),
        priority: fc.integer({ min: 1, max: 1000 }),
        onFailure: fc.constantFrom('open' as const, 'closed' as const),
        isDraining: fc.nat({ max: 3 }).map((one) => one === 0),
        isLearning: fc.boolean(),
        classifiers: fc.array(fc.record({ protocol, destinationPorts: ports, remote }), {
          minLength: 1,
          maxLength: 3,
        }),
      }),
      { maxLength: 6 },
    ),
  })
  .map(({ generation, firstTable, entryPriority, listening, ports: sketches, attachments }) => {
    const made: SteeredPort[] = sketches.map(({ domain, vlan }, index) => ({
      firstZone: 16_384 + 4 * index,
      ofport: 10 + index,
      mac: 0x02163e000000n + BigInt(index),
      vlan,
      addresses: [`10.0.${domain}.${index + 2}`, `fd00:${domain}::${index + 2}`].map((text) =>
        parsePrefix(text)!,
      ),
      inspector: 100 + domain,
      hasDatagrams: attachments.some(
        (one) =>
          one.port % sketches.length === index &&
          !one.isDraining &&
          one.classifiers.some((classifier) => classifier.protocol === 'udp'),
      ),
    }))
    const steered: SteeredAttachment[] = attachments.map((sketch, index) => ({
      ...sketch,
      number: index + 1,
      port: made[sketch.port % made.length],
      classifiers: sketch.classifiers.map((one) => ({
        protocol: one.protocol,
        destinationPorts: one.destinationPorts,
        remote: one.remote === null ? null : parsePrefix(one.remote),
      })),
    }))
    return {
      generation,
      firstTable,
      entryPriority,
      domains: [
        { key: 'd0', ofport: 100, mac: 0x027063000001n, isListening: listening[0] },
        { key: 'd1', ofport: 101, mac: 0x027063000002n, isListening: listening[1] },
      ],
      ports: made,
      attachments: steered,
      switchPorts: made.map((port) => ({
        interfaceId: `if-${port.ofport}`,
        name: `vm${port.ofport}`,
        ofport: port.ofport,
        mac: '',
        vlan: port.vlan,
        trunk: port.vlan === null,
        linkUp: true,
      })),
    }
  })
