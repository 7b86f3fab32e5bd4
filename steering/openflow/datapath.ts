import { setTimeout as delay } from 'node:timers/promises'
import type { DesiredAttachment } from '#steering/flows/desired.ts'
import { isWanted } from '#steering/flows/is-wanted.ts'
import { MARK_INSPECTED, ZONES_PER_PORT } from '#steering/flows/layout.ts'
import { RpcError } from '#steering/ovsdb/errors.ts'
import {
  MAX_CONNECTION_DUMP_BYTES,
  type TrackedConnection,
  flushTuple,
  readConntrack,
} from './conntrack.ts'
import type { ControlSocket } from './control-socket.ts'
import { FIRST_ZONE, LAST_ZONE } from './id-store.ts'

/** Waits for the datapath: at least, and so many times as long as its last round took. */
const MIN_REVALIDATION_MS = 100
const ROUNDS_WAITED = 4
const UNKNOWN_ROUND_MS = 200

/**
 * What ovs-vswitchd knows of connections and has cached of our flows, through its control socket. When
 * ovs-vswitchd is gone, so is all of that.
 */
export class Datapath {
  readonly #control: ControlSocket

  constructor(control: ControlSocket) {
    this.#control = control
  }

  /**
   * Waits until the datapath has given up what it had cached of the flows before: the round of
   * revalidation that is under way, and, as that may have begun before the change, one more. The switch
   * begins one as soon as flows change. It may be over when we ask, and a switch at rest makes no other
   * for a while: so the wait is bounded by what such rounds take.
   *
   * On a connection of its own: ovs-vswitchd answers one request after the other on each.
   */
  async revalidate(): Promise<void> {
    await this.#whileThere(() =>
      this.#control.aside(async (run) => {
        const roundMs = longestRoundMs(await run('upcall/show'))
        const boundMs = MIN_REVALIDATION_MS + ROUNDS_WAITED * roundMs
        const rounds = run('revalidator/wait').then(() => run('revalidator/wait'))
        await Promise.race([rounds.catch(() => {}), delay(boundMs, undefined, { ref: false })])
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
      if (!(error instanceof RpcError)) throw error
    }
  }
}

/** Of `upcall/show`, for each datapath: `  dump duration : 1ms`. */
function longestRoundMs(text: string): number {
  const rounds = [...text.matchAll(/dump duration *: *(\d+)ms/g)].map((match) => Number(match[1]))
  return rounds.length === 0 ? UNKNOWN_ROUND_MS : Math.max(...rounds)
}
