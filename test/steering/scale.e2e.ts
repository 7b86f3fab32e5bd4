import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DesiredAttachment, DesiredPort, DesiredSteering } from '#steering/flows/desired.ts'
import { runCommand } from '#test/topology/run-command.ts'
import { Harness } from './stand-in/harness.ts'

const usable =
  process.getuid?.() === 0 && (await runCommand(['sh', '-c', 'command -v ovs-vswitchd'])).code === 0

const ATTACHMENTS = 1000
/** Generous: the machine may be busy. What it takes is told as a diagnostic. */
const LIMIT_MS = 120_000

function desired(
  generation: number,
  count: number,
  domain: DesiredSteering['domains'][0],
): DesiredSteering {
  const ports: DesiredPort[] = []
  const attachments: DesiredAttachment[] = []
  for (let index = 0; index < count; index++) {
    ports.push({
      key: `port-${index}`,
      ofport: 1000 + index,
      mac: `02:16:3e:01:${hex(index >> 8)}:${hex(index)}`,
      vlan: 2 + (index % 100),
      addresses: [`10.${index % 100}.${index >> 8}.${index & 255}`, `fd00::${index.toString(16)}`],
      domain: domain.key,
    })
    attachments.push({
      key: `acme/a-${index}`,
      port: `port-${index}`,
      direction: index % 2 === 0 ? 'ingress' : 'egress',
      classifiers: [{ protocol: 'tcp', destinationPorts: [80, 443] }],
      priority: 100,
      onAttach: 'reset',
      onFailure: 'open',
      isDraining: false,
    })
  }
  const switchPorts = ports.map(({ key, ofport, mac, vlan }) => ({
    interfaceId: key,
    name: key,
    ofport,
    mac,
    vlan,
    trunk: false,
    linkUp: true,
  }))
  return { generation, domains: [domain], ports, attachments, switchPorts }
}

const hex = (value: number): string => (value & 255).toString(16).padStart(2, '0')

test(
  `${ATTACHMENTS} attachments are compiled, applied, compared and taken over`,
  { skip: !usable },
  async (t) => {
    const bench = new Harness()
    const timed = async <T>(what: string, task: () => Promise<T>): Promise<T> => {
      const startedAt = performance.now()
      const result = await task()
      const ms = performance.now() - startedAt
      t.diagnostic(`${what}: ${Math.round(ms)} ms`)
      assert.ok(ms < LIMIT_MS, `${what} took ${Math.round(ms)} ms`)
      return result
    }
    try {
      await bench.start({ guests: [] })
      const domain = bench.desired([]).domains[0]
      const all = desired(1, ATTACHMENTS, domain)
      const first = await timed('first apply', () => bench.controller.setDesired(all))
      assert.ok(first.added > 20_000)
      assert.deepEqual(first.refused, [])
      const same = await timed('nothing to do', () => bench.controller.setDesired(all))
      assert.deepEqual([same.added, same.removed], [0, 0])
      const one = desired(1, ATTACHMENTS - 1, domain)
      const less = await timed('one attachment fewer', () => bench.controller.setDesired(one))
      assert.ok(less.added === 0 && less.removed > 10 && less.removed < 100, `${less.removed}`)
      assert.equal(await timed('reconcile', () => bench.controller.reconcile()), null)
      await bench.controller.stop()
      bench.controller = await timed('restart', () => bench.newController())
      const again = await timed('new round', () => bench.controller.setDesired(one))
      assert.deepEqual([again.added, again.removed], [0, 0])
      await timed('clear', () => bench.controller.clear())
    } finally {
      await bench.stop()
    }
  },
)
