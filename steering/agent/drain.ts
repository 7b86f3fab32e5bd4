import type { ConnectionTuple, Steering } from '#steering/openflow/switch-controller-interface.ts'
import type { RunCommand } from '../domain/command.ts'
import { domainId } from '../domain/names.ts'
import { inNamespace } from '../domain/namespace.ts'
import type { FlowSync } from './flow-sync.ts'
import { type InForce, type InForceStore, isLetGo } from './in-force.ts'

/** How often detached attachments are asked for the connections they still have. */
const DRAIN_POLL_MS = 1000
/** A connection that lives longer after the detach is cut off. */
export const MAX_DRAIN_MS = 3_600_000
/** With `onDetach: reset`, whose end somebody waits for. */
const RESET_POLL_MS = 50
/** For `onDetach: reset`: time for the resets to be seen. */
export const MAX_RESET_MS = 5000
/** Sockets that are closed with one command. */
const RESET_BATCH = 64

export interface DrainStep {
  /** `tenant/id` of attachments that have no connection left, or whose time is over. */
  readonly finished: readonly string[]
  /** Connections to be reset now. */
  readonly reset: readonly {
    readonly key: string
    readonly connections: readonly ConnectionTuple[]
  }[]
}

/**
 * What to do about the detached attachments. Pure.
 *
 * @param inForce      that the switch leads no new connection through, if detached
 * @param connections  inspected connections by attachment
 * @param isOnSwitch   whether an attachment has flows: without, nothing of it can be inspected any more
 */
export function planDrain(
  inForce: InForce,
  connections: ReadonlyMap<string, readonly ConnectionTuple[]>,
  isOnSwitch: (key: string) => boolean,
  now: number,
): DrainStep {
  const finished: string[] = []
  const reset: { key: string; connections: readonly ConnectionTuple[] }[] = []
  for (const [key, { attachment, detachedAt }] of inForce) {
    if (detachedAt === null) continue
    const left = connections.get(key) ?? []
    const isReset = attachment.onDetach === 'reset'
    const isOver = now - detachedAt > (isReset ? MAX_RESET_MS : MAX_DRAIN_MS)
    if (left.length > 0 && (isReset || isOver)) reset.push({ key, connections: left })
    if (left.length === 0 || isOver || !isOnSwitch(key)) finished.push(key)
  }
  return { finished, reset }
}

export interface DrainerParts {
  readonly inForce: InForceStore
  readonly flows: FlowSync
  readonly steering: Steering
  /** Of a domain, by its id. */
  readonly namespaceOf: (id: string) => string | null
  readonly run: RunCommand
  readonly log: (message: string, fields: Record<string, unknown>) => void
}

/** Sees detached attachments to their end. */
export class Drainer {
  readonly #parts: DrainerParts
  #isResetting = false
  #wake: () => void = () => {}

  constructor(parts: DrainerParts) {
    this.#parts = parts
  }

  /** Waits for the time of the next step. */
  async pause(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = (): void => resolve()
    this.#wake = wake
    const timer = setTimeout(resolve, this.#isResetting ? RESET_POLL_MS : DRAIN_POLL_MS)
    signal.addEventListener('abort', wake, { once: true })
    if (signal.aborted) resolve()
    await promise
    signal.removeEventListener('abort', wake)
    clearTimeout(timer)
  }

  /** The switch has new flows: where connections are to be reset, that is done now. */
  flowsChanged(): void {
    const entries = [...this.#parts.inForce.entries.values()]
    if (entries.some((one) => one.detachedAt !== null && one.attachment.onDetach === 'reset'))
      this.#wake()
  }

  /** Takes out of force those that are done. @returns their keys: flows and workers have to follow */
  async step(): Promise<readonly string[]> {
    const { inForce, flows, steering, namespaceOf, run, log } = this.#parts
    const { realized, problem } = flows
    if (realized === null || problem !== null) return []
    const { modes, inForce: steered } = realized.plan
    // Of these alone: what is detached from here on still takes connections that are not among those asked for.
    const draining = new Map(
      [...inForce.entries].filter(([key, entry]) => isLetGo(entry, steered.get(key))),
    )
    if (draining.size === 0) return []
    const connections = await steering.connections()
    const step = planDrain(draining, connections, (key) => modes.has(key), Date.now())
    this.#isResetting = step.reset.length > 0
    for (const { key, connections: left } of step.reset) {
      const entry = draining.get(key)
      const namespace = entry === undefined ? null : namespaceOf(domainId(entry.port))
      if (namespace === null) continue
      await resetConnections(run, namespace, left)
      log('connections reset', { attachment: key, connections: left.length })
    }
    if (step.finished.length === 0) return []
    await inForce.update((entries) => {
      for (const key of step.finished)
        if (entries.get(key) === draining.get(key)) entries.delete(key)
    })
    return step.finished
  }
}

/**
 * Closes the inspector's sockets of connections, both legs; the kernel sends each peer a reset.
 * Connections that ended meanwhile are no error.
 */
export async function resetConnections(
  run: RunCommand,
  namespace: string,
  connections: readonly ConnectionTuple[],
): Promise<void> {
  for (let start = 0; start < connections.length; start += RESET_BATCH) {
    const filter = connections
      .slice(start, start + RESET_BATCH)
      .flatMap((tuple) => [toClient(tuple), toServer(tuple)])
      .join(' or ')
    await run([...inNamespace(namespace), 'ss', '-K', '-t', '-n', '-H', filter])
  }
}

/** The leg to the client: accepted, so in IPv6 form for IPv4 too, which `ss` matches as IPv4. */
function toClient(tuple: ConnectionTuple): string {
  return legFilter(
    endpoint(tuple.family, tuple.destinationAddress, tuple.destinationPort),
    endpoint(tuple.family, tuple.sourceAddress, tuple.sourcePort),
  )
}

function toServer(tuple: ConnectionTuple): string {
  return legFilter(
    endpoint(tuple.family, tuple.sourceAddress, tuple.sourcePort),
    endpoint(tuple.family, tuple.destinationAddress, tuple.destinationPort),
  )
}

function legFilter(local: string, remote: string): string {
  return `( src ${local} and dst ${remote} )`
}

function endpoint(family: 4 | 6, address: string, port: number): string {
  return family === 4 ? `${address}:${port}` : `[${address}]:${port}`
}
