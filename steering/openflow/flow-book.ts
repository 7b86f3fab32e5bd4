import { setImmediate } from 'node:timers/promises'
import type { Flow } from '#steering/flows/flow.ts'
import { type CookieBase, cookieOf, renderFlow } from '#steering/flows/render.ts'
import type { FlowUnit } from '#steering/flows/units.ts'
import type { DesiredFlow } from './difference.ts'

/** Flows that are rendered before whatever else waits gets its turn: a few milliseconds. */
const FLOWS_AT_A_TIME = 1000

/** A flow in our words, and once it had to be compared with the switch, in those of ovs-ofctl. */
export interface BookedFlow {
  /** Table, priority and match: the renderer writes one way, so that equal texts are equal flows. */
  readonly identity: string
  /** The identity and the actions. */
  readonly text: string
  readonly cookie: bigint
  /** Filled in by Bridge.normalize. */
  normal: DesiredFlow | null
}

type Units = ReadonlyMap<string, readonly BookedFlow[]>

export interface BookChange {
  readonly units: Units
  readonly fresh: readonly (readonly BookedFlow[])[]
  readonly gone: readonly (readonly BookedFlow[])[]
  /** To be added, whether the switch has another one of that identity or none. */
  readonly added: readonly BookedFlow[]
  /** To be removed. */
  readonly removed: readonly BookedFlow[]
}

export function bookFlow(flow: Flow, base: CookieBase): BookedFlow {
  const text = renderFlow(flow)
  const identity = text.slice(0, text.indexOf(',actions='))
  return { identity, text, cookie: cookieOf(base, flow.cookie), normal: null }
}

/**
 * A bundle as `ovs-ofctl --bundle add-flows` reads it: additions first, so that a flow that goes to another
 * attachment is replaced and then no longer meant by the removal of its old cookie.
 *
 * @param isKept whether flows with that cookie stay; what is left of one that goes, goes at once
 */
export function changeText(
  added: readonly BookedFlow[],
  removed: readonly BookedFlow[],
  isKept: (cookie: bigint) => boolean,
): string {
  const lines = added.map(({ cookie, text }) => `add cookie=${hex(cookie)},${text}`)
  const gone = new Set<bigint>()
  for (const { cookie, identity } of removed)
    if (isKept(cookie)) lines.push(`delete_strict cookie=${hex(cookie)}/-1,${identity}`)
    else if (!gone.has(cookie)) {
      gone.add(cookie)
      lines.push(`delete cookie=${hex(cookie)}/-1`)
    }
  return `${lines.join('\n')}\n`
}

const hex = (value: bigint): string => `0x${value.toString(16)}`

/**
 * What was put in force last, by units. Two states are compared by the signatures of their units, and
 * flow by flow only where those differ: a small change of a large state is a small piece of work. Where
 * flows of two units have one identity, the later unit's counts.
 */
export class FlowBook {
  #units: Units = new Map()
  /** How many flows have an identity, where it is not one. */
  readonly #claims = new Map<string, number>()
  readonly #cookies = new Map<bigint, number>()

  get size(): number {
    return this.#claims.size
  }

  *flows(): Generator<BookedFlow> {
    for (const flows of this.#units.values()) yield* flows
  }

  /** Whether some flow still has a cookie once a change is in force. */
  keepsCookie(change: BookChange): (cookie: bigint) => boolean {
    const counts = new Map<bigint, number>()
    for (const { cookie } of change.gone.flat()) count(counts, cookie, -1)
    for (const { cookie } of change.fresh.flat()) count(counts, cookie, 1)
    return (cookie) => (this.#cookies.get(cookie) ?? 0) + (counts.get(cookie) ?? 0) > 0
  }

  /** What has to change for these units to be in force. Changes nothing here. */
  async plan(units: readonly FlowUnit[], base: CookieBase): Promise<BookChange> {
    const next = new Map<string, readonly BookedFlow[]>()
    const fresh: (readonly BookedFlow[])[] = []
    let rendered = 0
    for (const { signature, flows } of units) {
      let booked = this.#units.get(signature)
      if (booked === undefined) {
        booked = flows().map((flow) => bookFlow(flow, base))
        if (!next.has(signature)) fresh.push(booked)
        rendered += booked.length
        if (rendered > FLOWS_AT_A_TIME) {
          rendered = 0
          await setImmediate()
        }
      }
      next.set(signature, booked)
    }
    const gone = [...this.#units]
      .filter(([signature]) => !next.has(signature))
      .map(([, one]) => one)
    return { units: next, fresh, gone, ...this.#compare(next, fresh.flat(), gone.flat()) }
  }

  /** The change is in force. */
  commit({ units, fresh, gone }: BookChange): void {
    for (const flow of gone.flat()) {
      count(this.#claims, flow.identity, -1)
      count(this.#cookies, flow.cookie, -1)
    }
    for (const flow of fresh.flat()) {
      count(this.#claims, flow.identity, 1)
      count(this.#cookies, flow.cookie, 1)
    }
    this.#units = units
  }

  clear(): void {
    this.#units = new Map()
    this.#claims.clear()
    this.#cookies.clear()
  }

  #compare(
    next: Units,
    fresh: readonly BookedFlow[],
    gone: readonly BookedFlow[],
  ): Pick<BookChange, 'added' | 'removed'> {
    const claims = new Map<string, number>()
    for (const { identity } of gone) count(claims, identity, -1)
    for (const { identity } of fresh) count(claims, identity, 1)
    const before = new Map(gone.map((flow) => [flow.identity, flow]))
    const after = new Map(fresh.map((flow) => [flow.identity, flow]))
    const isContested = (identity: string): boolean => {
      const old = this.#claims.get(identity) ?? 0
      return old > 1 || old + (claims.get(identity) ?? 0) > 1
    }
    const touched = new Set([...before.keys(), ...after.keys()])
    const contested = new Set([...touched].filter(isContested))
    if (contested.size > 0) {
      winners(this.#units, contested, before)
      winners(next, contested, after)
    }
    const added: BookedFlow[] = []
    const removed: BookedFlow[] = []
    for (const identity of touched) {
      const old = before.get(identity)
      const now = after.get(identity)
      if (now === undefined) removed.push(old!)
      else if (old?.text !== now.text || old.cookie !== now.cookie) added.push(now)
    }
    return { added, removed }
  }
}

/** Sets for each identity the flow that counts among all of these, or takes it out where there is none. */
function winners(
  units: Units,
  identities: ReadonlySet<string>,
  into: Map<string, BookedFlow>,
): void {
  for (const identity of identities) into.delete(identity)
  for (const flows of units.values())
    for (const flow of flows) if (identities.has(flow.identity)) into.set(flow.identity, flow)
}

function count<K>(counts: Map<K, number>, key: K, by: number): void {
  const value = (counts.get(key) ?? 0) + by
  if (value === 0) counts.delete(key)
  else counts.set(key, value)
}
