import type { DesiredAttachment } from '#steering/flows/desired.ts'
import { isWanted } from '#steering/flows/is-wanted.ts'
import { MARK_INSPECTED, ZONES_PER_PORT } from '#steering/flows/layout.ts'
import { RpcError } from '#steering/ovsdb/errors.ts'
import type { Bridge } from './bridge.ts'
import {
  MAX_CONNECTION_DUMP_BYTES,
  type TrackedConnection,
  flushTuple,
  readConntrack,
} from './conntrack.ts'
import type { ControlSocket } from './control-socket.ts'
import { SwitchError } from './errors.ts'
import { FIRST_ZONE, LAST_ZONE } from './id-store.ts'

/** Rounds of revalidation after which nothing older is cached: the first may have begun before a change. */
const ROUNDS = 2

/**
 * What ovs-vswitchd knows of connections and has cached of our flows, through its control socket. When
 * ovs-vswitchd is gone, so is all of that.
 */
export class Datapath {
  readonly #control: ControlSocket
  readonly #bridge: Bridge

  constructor(control: ControlSocket, bridge: Bridge) {
    this.#control = control
    this.#bridge = bridge
  }

  /**
   * Waits until the datapath has given up what it had cached of the flows before. The switch answers a
   * change before it looks its cached flows over, and tells only when a round of that has ended, not when
   * it began: so one round that may be under way is waited for, and one more. A switch at rest makes none
   * for half a second; each is asked for by a change that changes nothing. The first of these comes before
   * the waiting: a change is answered before the rounds hear of it, the one before it has been heard of then.
   *
   * On a connection of its own: ovs-vswitchd answers one request after the other on each.
   */
  async revalidate(): Promise<void> {
    await this.#whileThere(() =>
      this.#control.aside(async (run) => {
        await this.#bridge.touch()
        for (let round = 0; round < ROUNDS; round++)
          await Promise.all([run('revalidator/wait'), this.#bridge.touch()])
      }),
    )
  }

  /** Inspected connections that live, in our zones; one may be told once for each leg. */
  async inspected(): Promise<TrackedConnection[]> {
    const output = await this.#control.run('dpctl/dump-conntrack')
    return readConntrack(output.slice(0, MAX_CONNECTION_DUMP_BYTES)).filter(
      ({ zone, mark, isAlive }) =>
        mark === MARK_INSPECTED &&
        isAlive &&
        zone >= FIRST_ZONE &&
        zone < LAST_ZONE + ZONES_PER_PORT &&
        // Far and near zone both have it, the book only its SYN.
        (zone - FIRST_ZONE) % ZONES_PER_PORT <= 1,
    )
  }

  /** Forgets the connections of a zone that an attachment wants. */
  async forgetWanted(attachment: DesiredAttachment, zone: number): Promise<void> {
    await this.#whileThere(async () => {
      const output = await this.#control.run('dpctl/dump-conntrack', `zone=${zone}`)
      for (const { tuple } of readConntrack(output.slice(0, MAX_CONNECTION_DUMP_BYTES)))
        if (isWanted(attachment, tuple))
          await this.#control.run('dpctl/flush-conntrack', `zone=${zone}`, flushTuple(tuple))
    })
  }

  /** Forgets all connections of the zones of a port. */
  async flushPort(firstZone: number): Promise<void> {
    for (let zone = firstZone; zone < firstZone + ZONES_PER_PORT; zone++)
      await this.#whileThere(() => this.#control.run('dpctl/flush-conntrack', `zone=${zone}`))
  }

  async #whileThere(task: () => Promise<unknown>): Promise<void> {
    try {
      await task()
    } catch (error) {
      if (!(error instanceof RpcError || error instanceof SwitchError)) throw error
    }
  }
}
