import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { after, before, describe, test } from 'node:test'
import type { SwitchError } from '#steering/openflow/errors.ts'
import type { Drift } from '#steering/openflow/switch-controller-interface.ts'
import { Random } from '#test/bench/random.ts'
import { runCommand } from '#test/topology/run-command.ts'
import { waitUntil } from '#test/topology/wait-until.ts'
import { Harness } from './stand-in/harness.ts'
import { NEAR_AND_FAR } from './stand-in/near-and-far.ts'

const usable =
  process.getuid?.() === 0 && (await runCommand(['sh', '-c', 'command -v ovs-vswitchd'])).code === 0

/** What the controller keeps of its attachments' windows. */
interface WindowsOfState {
  readonly attachments: readonly [key: string, record: { readonly learnUntil: number }][]
}

describe('what is in force on a real switch stays in force', { skip: !usable }, () => {
  const bench = new Harness()

  before(async () => {
    await bench.start(NEAR_AND_FAR)
    await bench.serve('web', 80)
  })
  after(() => bench.stop())

  const asked = (guest: string, host: string): ReturnType<Harness['asked']> =>
    bench.asked(guest, host)

  test('a new agent takes over under load and no connection fails', async () => {
    // No learning window, whose end would take a flow away.
    const sketches = [{ guest: 'web', direction: 'ingress', onAttach: 'reset' }] as const
    await bench.attach(sketches)
    const before = bench.inspectors[0].accepted.length
    const load = bench.load('near', '10.9.0.2', 3_000)
    for (let restart = 0; restart < 3; restart++) {
      await bench.controller.stop()
      bench.controller = await bench.newController()
      const realized = await bench.attach(sketches)
      // The flows that write the generation into labels, and no others.
      assert.deepEqual([realized.added, realized.removed], [14, 0])
    }
    const { ok, failed } = await load
    assert.deepEqual(failed, {})
    assert.ok(ok > 100, `${ok} connections`)
    assert.equal(bench.inspectors[0].accepted.length - before, ok)
  })

  test('attaching and detaching under load fails no connection', async () => {
    await bench.attach([])
    const load = bench.load('far', '10.9.0.2', 3_000)
    for (let round = 0; round < 4; round++) {
      await bench.attach([{ guest: 'web', direction: 'ingress' }])
      await bench.attach([{ guest: 'web', direction: 'ingress', isDraining: true }])
    }
    const { ok, failed } = await load
    assert.deepEqual(failed, {})
    assert.ok(ok > 100, `${ok} connections`)
  })

  test('a state that is set while a learning window ends is not taken back', async () => {
    // How long before the window is shut the next state is set: carrying that out takes longer.
    for (const leadMs of [5, 15, 30, 50]) {
      await bench.attach([{ guest: 'web', direction: 'ingress' }])
      const file = await readFile(join(bench.topology.folder, 'steering.json'), 'utf8')
      const [[, { learnUntil }]] = (JSON.parse(file) as WindowsOfState).attachments
      const waitMs = learnUntil - Date.now() - leadMs
      assert.ok(waitMs > 0, `${waitMs} ms left of the window`)
      await delay(waitMs)
      await bench.attach([])
      await delay(300)
      assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 0, 0])
    }
  })

  for (const seed of [1, 2])
    test(`whatever is asked in whatever order, what was set last stays (${seed})`, async () => {
      const random = new Random(seed)
      const { topology } = bench
      await bench.controller.stop()
      bench.controller = await bench.newController({ learningMs: 150, reconcileMs: 60 })
      const { controller } = bench
      let desired = bench.desired([])
      let isRefused = false
      await controller.setDesired(desired)
      const asked: Promise<unknown>[] = []
      const steps: readonly (() => Promise<void> | void)[] = [
        () => {
          const guests = (['web', 'near'] as const).filter(() => random.chance(70))
          desired = bench.desired(
            guests.map((guest) => ({
              guest,
              direction: random.pick(['ingress', 'egress']),
              isDraining: random.chance(30),
              onAttach: random.pick(['new-only', 'reset']),
              onFailure: random.pick(['open', 'closed']),
            })),
          )
          // Flows that are taken away while it looks whether it has them: the agent asks again.
          isRefused = false
          const refused = (error: SwitchError): void => {
            assert.equal(error.code, 'NOT_IN_FORCE')
            isRefused = true
          }
          asked.push(controller.setDesired(desired).catch(refused))
        },
        () => {
          const listening = [...bench.domains].filter(() => random.chance(60))
          asked.push(controller.setListening(new Set(listening)).settled)
        },
        () => void asked.push(controller.reconcile()),
        () => {
          const table = `table=${100 + random.below(20)}`
          asked.push(topology.ofctl('del-flows', topology.managementSocket, table))
        },
        () => delay(random.below(250)),
        () => delay(random.below(250)),
      ]
      for (let round = 0; round < 8; round++) {
        for (let step = 0; step < 6; step++) await random.pick(steps)()
        await Promise.all(asked.splice(0))
        if (isRefused) await controller.setDesired(desired)
        isRefused = false
        await controller.setListening(bench.domains).settled
        await delay(800) // the last windows end, and what was taken away is put back
        const { added, removed } = await controller.setDesired(desired)
        assert.deepEqual([round, added, removed], [round, 0, 0])
      }
      assert.equal(await controller.reconcile(), null)
      await controller.stop()
      // One that knows nothing of what was asked reads the switch, and finds what was set last.
      bench.controller = await bench.newController()
      const { added, removed } = await bench.controller.setDesired(desired)
      assert.deepEqual([added, removed], [0, 0])
    })

  test('drift is found, repaired and told; flows of others stay', async () => {
    const { topology, controller } = bench
    // No learning window, whose end would repair as well.
    await bench.attach([{ guest: 'web', direction: 'ingress', onAttach: 'reset', name: 'd' }])
    const told: Drift[] = []
    const deafen = controller.onDrift((drift) => told.push(drift))
    await topology.ofctl('del-flows', topology.managementSocket, 'table=108')
    await topology.ofctl(
      'add-flow',
      topology.managementSocket,
      'cookie=0x9c15000100000000,table=0,priority=61000,tcp,tp_dst=80,actions=drop',
    )
    await topology.ofctl(
      'add-flow',
      topology.managementSocket,
      'cookie=0x1234,table=0,priority=50,udp,tp_dst=9,actions=drop',
    )
    assert.deepEqual(await controller.reconcile(), { missing: 15, unexpected: 1 })
    assert.equal(await controller.reconcile(), null)
    assert.deepEqual(told, [{ missing: 15, unexpected: 1 }])
    deafen()
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 1, 0])
    await controller.clear()
    const left = await topology.ofctl('dump-flows', topology.managementSocket)
    assert.match(left, /cookie=0x1234/)
    assert.doesNotMatch(left, /cookie=0x9c15/)
    await topology.ofctl('del-flows', topology.managementSocket, 'udp')
  })

  test('a restart of ovs-vswitchd is noticed and its tables are filled again', async () => {
    const { topology } = bench
    await bench.attach([{ guest: 'web', direction: 'ingress' }])
    await topology.killSwitch()
    await topology.startSwitch()
    await topology.addBaseFlow()
    await waitUntil('our flows to be back', async () => {
      const dump = await topology.ofctl('dump-flows', topology.managementSocket)
      return dump.includes('table=121')
    })
    await bench.attach([{ guest: 'web', direction: 'ingress' }])
    await waitUntil('the inspector to see a connection', async () => {
      return (await asked('near', '10.9.0.2')).join() === '10.9.0.3 hello,1,0'
    })
  })
})
