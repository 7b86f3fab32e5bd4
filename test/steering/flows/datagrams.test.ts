import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { compile } from '#steering/flows/compile.ts'
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

test('each datagram is judged by itself, and both legs have their way, there and back', () => {
  let redirected = 0
  fc.assert(
    fc.property(arbitraryState, connection, (state, sketch) => {
      const aim = state.attachments[sketch.guest % 6]
      if (aim === undefined) return
      const { port: guest, direction } = aim
      const { family } = sketch
      const entries = aim.classifiers.find((one) => one.protocol === 'udp')?.destinationPorts
      const entry = entries === undefined || entries === 'any' ? sketch.serverPort : entries[0]
      const serverPort = typeof entry === 'number' ? entry : entry.to
      const address = guest.addresses.find((prefix) => prefix.family === family)!.value
      const remote = family === 4 ? 0x0a0000c8n : 0xfdffn << 112n
      const attachments = chosen(state, guest, direction, family, remote, serverPort, 'udp')
      if (attachments.length !== 1) return
      const [attachment] = attachments
      // What answers one attachment's classifier may be what another one describes.
      if (state.attachments.some((one) => one.port === guest && one !== attachment)) return
      const far = { inPort: FAR_PORT, ethSource: FAR_MAC, ethDestination: guest.mac }
      const near = { inPort: guest.ofport, ethSource: guest.mac, ethDestination: FAR_MAC }
      const wire: Wire = {
        vlan: guest.vlan,
        family,
        source: direction === 'ingress' ? remote : address,
        destination: direction === 'ingress' ? address : remote,
        sourcePort: sketch.clientPort,
        destinationPort: serverPort,
        flags: 'datagram',
      }
      const back = reversed(wire, 'datagram')
      const asked: Segment =
        direction === 'ingress' ? { ...wire, ...far } : { ...wire, ...near, vlan: null }
      const answered: Segment = {
        ...back,
        ...(direction === 'ingress' ? { ...near, vlan: null } : far),
      }
      const own = { inPort: guest.inspector, ethSource: 1n, ethDestination: 2n, vlan: null }
      const [toServer, toClient] =
        direction === 'ingress' ? (['guest', 'far'] as const) : (['far', 'guest'] as const)
      const model = new SwitchModel(compile(state))
      const { isListening } = state.domains.find((one) => one.ofport === guest.inspector)!
      const isOpen = attachment.onFailure === 'open'
      const pass = (): void => {
        if (isOpen) assertNormal(model.send(asked), asked)
        else assert.equal(model.send(asked).kind, 'drop')
        if (isOpen) assertNormal(model.send(answered), answered)
        else assert.equal(model.send(answered).kind, 'drop')
      }
      if (!isListening) {
        pass()
        return
      }
      redirected++
      // Whoever speaks first: an answer to what was asked before the attachment is inspected, too.
      for (const isAnswer of sketch.remote === 'inside' ? [false, true, false] : [true, false]) {
        assertOutput(model.send(isAnswer ? answered : asked), guest.inspector)
        const left = model.send({ ...(isAnswer ? back : wire), ...own })
        assertReaches(left, isAnswer ? toClient : toServer, guest)
      }
      // No worker listens any more: the very next datagram goes by onFailure, known or not.
      const domains = state.domains.map((one) => ({ ...one, isListening: false }))
      model.load(compile({ ...state, domains }))
      pass()
      // Detached: nothing is inspected any more, whatever conntrack remembers.
      const detached = state.attachments.map((one) =>
        one === attachment ? { ...one, isDraining: true } : one,
      )
      model.load(compile({ ...state, attachments: detached }))
      assertNormal(model.send(asked), asked)
      assertNormal(model.send(answered), answered)
    }),
    { numRuns: 3000 },
  )
  assert.ok(redirected > 50, `only ${redirected} cases were redirected`)
})
