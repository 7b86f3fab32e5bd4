import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { runCommand } from '#test/topology/run-command.ts'
import { Harness } from './stand-in/harness.ts'

const usable =
  process.getuid?.() === 0 && (await runCommand(['sh', '-c', 'command -v ovs-vswitchd'])).code === 0

describe('steering on a real switch', { skip: !usable }, () => {
  const bench = new Harness()

  before(async () => {
    await bench.start({
      guests: [
        {
          name: 'web',
          interfaceId: 'if-web',
          addresses: ['10.9.0.2/24', 'fd09::2/64'],
          gateways: ['10.9.0.254', 'fd09::fe'],
          vlan: 7,
        },
        {
          name: 'near',
          interfaceId: 'if-near',
          addresses: ['10.9.0.3/24', 'fd09::3/64'],
          gateways: ['10.9.0.254', 'fd09::fe'],
          vlan: 7,
        },
        {
          name: 'far',
          interfaceId: 'if-far',
          addresses: ['10.8.0.3/24', 'fd08::3/64'],
          gateways: ['10.8.0.254', 'fd08::fe'],
          vlan: 8,
        },
      ],
      router: {
        name: 'router',
        legs: [
          { interfaceId: 'if-r7', addresses: ['10.9.0.254/24', 'fd09::fe/64'], vlan: 7 },
          { interfaceId: 'if-r8', addresses: ['10.8.0.254/24', 'fd08::fe/64'], vlan: 8 },
        ],
      },
      inspectors: 2,
    })
    for (const guest of ['web', 'near', 'far']) await bench.serve(guest, 80, 81)
  })
  after(() => bench.stop())

  /** Asks, and tells how many connections each inspector saw of it. */
  async function asked(guest: string, host: string, port = 80): Promise<[string, number, number]> {
    const [one, two] = bench.inspectors
    const before = [one!.accepted.length, two!.accepted.length]
    const answer = await bench.ask(guest, host, port)
    return [
      answer.replace(/ \d+ /, ' '),
      one!.accepted.length - before[0]!,
      two!.accepted.length - before[1]!,
    ]
  }

  test('ingress: switched and routed, both families, other ports direct', async () => {
    await bench.attach([{ guest: 'web', direction: 'ingress' }])
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 1, 0])
    assert.deepEqual(await asked('near', 'fd09::2'), ['fd09::3 hello', 1, 0])
    assert.deepEqual(await asked('far', '10.9.0.2'), ['10.8.0.3 hello', 1, 0])
    assert.deepEqual(await asked('far', 'fd09::2'), ['fd08::3 hello', 1, 0])
    assert.deepEqual(await asked('near', '10.9.0.2', 81), ['10.9.0.3 hello', 0, 0])
    assert.deepEqual(await asked('web', '10.8.0.3'), ['10.9.0.2 hello', 0, 0])
    assert.deepEqual(await asked('web', 'fd09::3'), ['fd09::2 hello', 0, 0])
  })

  test('egress: switched and routed, both families, other ports direct', async () => {
    await bench.attach([{ guest: 'web', direction: 'egress' }])
    assert.deepEqual(await asked('web', '10.9.0.3'), ['10.9.0.2 hello', 1, 0])
    assert.deepEqual(await asked('web', 'fd09::3'), ['fd09::2 hello', 1, 0])
    assert.deepEqual(await asked('web', '10.8.0.3'), ['10.9.0.2 hello', 1, 0])
    assert.deepEqual(await asked('web', 'fd08::3'), ['fd09::2 hello', 1, 0])
    assert.deepEqual(await asked('web', 'fd08::3', 81), ['fd09::2 hello', 0, 0])
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 0, 0])
  })
})
