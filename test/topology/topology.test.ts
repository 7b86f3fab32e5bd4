import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { runCommand } from './run-command.ts'
import { Topology } from './topology.ts'

const usable =
  process.getuid?.() === 0 && (await runCommand(['sh', '-c', 'command -v ovs-vswitchd'])).code === 0

const SERVER = `require('net').createServer((c) => c.end('hello ' + c.remoteAddress))
  .listen(80, () => console.log('up'))`
const client = (host: string): string =>
  `require('net').connect(80, '${host}').on('error', (e) => console.log(e.code)).pipe(process.stdout)`

async function build(topology: Topology): Promise<void> {
  await topology.start()
  await topology.addGuest({
    name: 'server',
    interfaceId: 'if-server',
    addresses: ['10.9.0.2/24', 'fd09::2/64'],
    gateways: ['10.9.0.254', 'fd09::fe'],
    vlan: 7,
  })
  await topology.addGuest({
    name: 'near',
    interfaceId: 'if-near',
    addresses: ['10.9.0.3/24', 'fd09::3/64'],
    vlan: 7,
  })
  await topology.addGuest({
    name: 'far',
    interfaceId: 'if-far',
    addresses: ['10.8.0.3/24', 'fd08::3/64'],
    gateways: ['10.8.0.254', 'fd08::fe'],
    vlan: 8,
  })
  await topology.addRouter({
    name: 'router',
    legs: [
      { interfaceId: 'if-r7', addresses: ['10.9.0.254/24', 'fd09::fe/64'], vlan: 7 },
      { interfaceId: 'if-r8', addresses: ['10.8.0.254/24', 'fd08::fe/64'], vlan: 8 },
    ],
  })
}

test(
  'two topologies side by side connect their guests, and nothing stays',
  {
    skip: !usable,
  },
  async () => {
    const first = new Topology()
    const second = new Topology()
    try {
      await Promise.all([build(first), build(second)])
      for (const topology of [first, second]) {
        const server = topology.spawn('server', [process.execPath, '-e', SERVER], { stdio: 'pipe' })
        await once(server.stdout!, 'data')
        for (const [guest, host, own] of [
          ['near', '10.9.0.2', '::ffff:10.9.0.3'],
          ['near', 'fd09::2', 'fd09::3'],
          ['far', '10.9.0.2', '::ffff:10.8.0.3'],
          ['far', 'fd09::2', 'fd08::3'],
        ] as const) {
          const answer = await topology.exec(guest, [process.execPath, '-e', client(host)])
          assert.equal(answer, `hello ${own}`)
        }
      }
    } finally {
      await first.stop()
      await second.stop()
      await second.stop()
    }
    const { stdout } = await runCommand(['ip', 'netns', 'list'])
    for (const topology of [first, second])
      assert.equal(stdout.includes(topology.switchNamespace), false)
  },
)
