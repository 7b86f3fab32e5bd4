import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { compile } from '#steering/flows/compile.ts'
import { portMasks } from '#steering/flows/port-masks.ts'
import { cookieOf, renderFlow } from '#steering/flows/render.ts'
import { arbitraryState } from './arbitrary-state.ts'
import { type Segment, SwitchModel } from './switch-model.ts'
import {
  FAR_MAC,
  FAR_PORT,
  type Wire,
  assertNormal,
  assertOutput,
  assertReaches,
  chosen,
  connection,
  reversed,
} from './wire.ts'

describe('compile', () => {
  test('both legs of a redirected connection have their way, there and back', () => {
    let redirected = 0
    fc.assert(
      fc.property(arbitraryState, connection, (state, sketch) => {
        // Mostly at an attachment's port, and at a server port that its classifier names.
        const aim = state.attachments[sketch.guest % 6]
        const guest = aim?.port ?? state.ports[sketch.guest % state.ports.length]
        const { family } = sketch
        const direction = aim?.direction ?? sketch.direction
        const entries = aim?.classifiers[0].destinationPorts ?? 'any'
        const entry = entries === 'any' ? sketch.serverPort : entries[0]
        const serverPort = typeof entry === 'number' ? entry : entry.to
        const address = guest.addresses.find((prefix) => prefix.family === family)!.value
        const remote =
          family === 4
            ? sketch.remote === 'inside'
              ? 0x0a0000c8n
              : 0xcb007105n
            : sketch.remote === 'inside'
              ? 0xfdffn << 112n
              : 0x2001n << 112n
        const attachments = chosen(state, guest, direction, family, remote, serverPort)
        if (attachments.length !== 1) return // none, or a tie that the API refuses
        const [attachment] = attachments
        const model = new SwitchModel(compile(state))
        const far = { inPort: FAR_PORT, ethSource: FAR_MAC, ethDestination: guest.mac }
        const near = { inPort: guest.ofport, ethSource: guest.mac, ethDestination: FAR_MAC }
        const wire: Wire = {
          vlan: guest.vlan,
          family,
          source: direction === 'ingress' ? remote : address,
          destination: direction === 'ingress' ? address : remote,
          sourcePort: sketch.clientPort,
          destinationPort: serverPort,
          flags: 'syn',
        }
        const fromClient: Segment =
          direction === 'ingress' ? { ...wire, ...far } : { ...wire, ...near, vlan: null }
        const fromServer: Segment = {
          ...reversed(wire, 'ack'),
          ...(direction === 'ingress' ? { ...near, vlan: null } : far),
        }
        const inspector = guest.inspector
        const first = model.send(fromClient)
        const { isListening } = state.domains.find((one) => one.ofport === guest.inspector)!
        if (!isListening && attachment.onFailure === 'closed') {
          assert.equal(first.kind, 'drop')
          return
        }
        if (!isListening) {
          assertNormal(first, fromClient)
          assertNormal(model.send({ ...fromClient, flags: 'ack' }), fromClient)
          assertNormal(model.send(fromServer), fromServer)
          return
        }
        redirected++
        assertOutput(first, inspector)
        const own = { inPort: inspector, ethSource: 1n, ethDestination: 2n, vlan: null }
        // The inspector answers the client, opens the second leg, and both go on.
        const answer = model.send({ ...reversed(wire, 'syn-ack'), ...own })
        assertReaches(answer, direction === 'ingress' ? 'far' : 'guest', guest)
        const second = model.send({ ...wire, ...own })
        assertReaches(second, direction === 'ingress' ? 'guest' : 'far', guest)
        assertOutput(model.send({ ...fromServer, flags: 'syn-ack' }), inspector)
        for (const flags of ['ack', 'ack'] as const) {
          assertOutput(model.send({ ...fromClient, flags }), inspector)
          assertOutput(model.send({ ...fromServer, flags }), inspector)
          assertReaches(
            model.send({ ...wire, ...own, flags }),
            direction === 'ingress' ? 'guest' : 'far',
            guest,
          )
          assertReaches(
            model.send({ ...reversed(wire, flags), ...own }),
            direction === 'ingress' ? 'far' : 'guest',
            guest,
          )
        }
        // Whatever the attachment becomes, the connection stays where it is.
        for (const [isDraining, onFailure] of [
          [true, 'open'],
          [false, 'open'],
          [false, 'closed'],
        ] as const) {
          const attachments = state.attachments.map((one) =>
            one === attachment ? { ...one, isDraining, onFailure } : one,
          )
          const domains = state.domains.map((one) => ({ ...one, isListening: false }))
          model.load(compile({ ...state, domains, attachments }))
          assertOutput(model.send({ ...fromClient, flags: 'ack' }), inspector)
          assertOutput(model.send(fromServer), inspector)
        }
      }),
      { numRuns: 1000 },
    )
    assert.ok(redirected > 50, `only ${redirected} cases were redirected`)
  })

  test('nothing leaves an inspector that no connection explains', () => {
    fc.assert(
      fc.property(
        arbitraryState,
        connection,
        fc.constantFrom('syn', 'ack', 'datagram'),
        (state, one, flags) => {
          const guest = state.ports[one.guest % state.ports.length]
          const address = guest.addresses.find((prefix) => prefix.family === one.family)!.value
          const model = new SwitchModel(compile(state))
          for (const [source, destination] of [
            [address, 77n],
            [77n, address],
            [77n, 78n],
          ] as const)
            assert.equal(
              model.send({
                inPort: guest.inspector,
                ethSource: 1n,
                ethDestination: guest.mac,
                vlan: null,
                family: one.family,
                source,
                destination,
                sourcePort: one.clientPort,
                destinationPort: one.serverPort,
                flags,
              }).kind,
              'drop',
            )
        },
      ),
    )
  })

  test('connections of ports without attachments pass unchanged', () => {
    fc.assert(
      fc.property(arbitraryState, connection, (state, one) => {
        const segment: Segment = {
          inPort: FAR_PORT,
          ethSource: FAR_MAC,
          ethDestination: FAR_MAC + 1n,
          vlan: null,
          family: one.family,
          source: 1n,
          destination: state.ports[0].addresses[0].value,
          sourcePort: one.clientPort,
          destinationPort: one.serverPort,
          flags: 'syn',
        }
        assertNormal(new SwitchModel(compile(state)).send(segment), segment)
      }),
    )
  })

  test('no flow without our cookie, none in tables of others but guarded entries', () => {
    fc.assert(
      fc.property(arbitraryState, (state) => {
        for (const flow of compile(state)) {
          const cookie = cookieOf({ owner: 0x9c15, round: 7 }, flow.cookie)
          assert.equal(cookie >> 32n, 0x9c15_0007n)
          assert.equal(Number(cookie & 0xffff_ffffn), flow.cookie)
          const isOwn = flow.table >= state.firstTable && flow.table < state.firstTable + 22
          assert.ok(isOwn || (flow.table === 0 && flow.priority >= state.entryPriority))
          if (flow.table === 0) assert.match(renderFlow(flow), /reg13=0x0\/0x80000000/)
        }
      }),
    )
  })

  test('no two attached ports share a zone, and no two legs', () => {
    fc.assert(
      fc.property(arbitraryState, (state) => {
        const owners = new Map<number, string>()
        for (const flow of compile(state)) {
          const select = flow.actions.filter(
            (action) => action.do === 'load' && action.to.to === 31,
          )
          const [legs, others] = select
          if (legs?.do !== 'load' || others?.do !== 'load') continue
          if (legs.to.field !== 'NXM_NX_REG0' || others.to.field !== 'NXM_NX_REG1') continue
          const zones = [legs, others].flatMap(({ value }) => [
            Number(value & 0xffffn),
            Number(value >> 16n),
          ])
          assert.equal(new Set(zones).size, 4)
          for (const zone of zones) {
            const before = owners.get(zone)
            assert.ok(before === undefined || before === zones.join(), `zone ${zone} is shared`)
            owners.set(zone, zones.join())
          }
        }
      }),
    )
  })

  test('is deterministic, and no two of its flows have one identity', () => {
    fc.assert(
      fc.property(arbitraryState, (state) => {
        const texts = compile(state).map(renderFlow)
        assert.deepEqual(compile(structuredClone(state)).map(renderFlow), texts)
      }),
    )
  })

  const hasOfctl = spawnSync('ovs-ofctl', ['--version']).status === 0
  test('ovs-ofctl reads what is rendered', { skip: !hasOfctl }, () => {
    fc.assert(
      fc.property(arbitraryState, (state) => {
        const input = compile(state).map(renderFlow).join('\n')
        const result = spawnSync('ovs-ofctl', ['-O', 'OpenFlow15', 'parse-flows', '-'], { input })
        assert.equal(result.status, 0, String(result.stderr))
        assert.doesNotMatch(String(result.stdout), /decode error/)
      }),
      { numRuns: 25 },
    )
  })
})

describe('portMasks', () => {
  test('match exactly the ports given', () => {
    const entry = fc.oneof(
      fc.integer({ min: 1, max: 65_535 }),
      fc
        .tuple(fc.integer({ min: 1, max: 65_535 }), fc.nat({ max: 3000 }))
        .map(([from, size]) => ({ from, to: Math.min(65_535, from + size) })),
    )
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 6 }), (entries) => {
        const expected = new Uint8Array(65_536)
        for (const one of entries)
          if (typeof one === 'number') expected[one] = 1
          else expected.fill(1, one.from, one.to + 1)
        const actual = new Uint8Array(65_536)
        const masks = portMasks(entries)
        assert.ok(masks !== 'any')
        for (const { value, mask } of masks)
          for (let port = value; port <= (value | (~mask & 0xffff)); port++) actual[port]++
        assert.deepEqual(actual, expected)
      }),
    )
    assert.equal(portMasks('any'), 'any')
    assert.equal(portMasks([{ from: 1, to: 65_535 }]).length, 16)
  })
})
