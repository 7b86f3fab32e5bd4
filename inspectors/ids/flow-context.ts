import type { Connection } from '#inspectors/inspector.ts'
import { addressBytes } from '#signatures/suricata/address.ts'
import { isWithin } from '#signatures/suricata/number-range.ts'
import { coversApplication } from '#signatures/suricata/protocols.ts'
import type { FlowCheck, ProtocolMode } from '#signatures/suricata/checks.ts'
import type { Effect } from '#signatures/suricata/rule.ts'
import { Direction } from './direction.ts'
import type { Engine } from './engine.ts'
import type { CompiledRule, Side } from './program/compiled-rule.ts'
import type { FlowKind } from './program/flow-kinds.ts'
import type { PortPlan } from './program/port-plans.ts'
import { FlowState } from './state/flow-state.ts'
import type { Endpoints } from './state/thresholds.ts'

/** What is known of a TLS connection, for `tls.version` and `ssl_state`. */
export interface TlsFacts {
  readonly version: number | null
  readonly states: readonly string[]
}

/** Addresses, bits and protocol of one connection, and the checks of a rule that need no buffer. */
export class FlowContext {
  readonly #connection: Connection
  readonly #engine: Engine
  readonly #kind: FlowKind
  readonly request = new Direction()
  readonly response = new Direction()
  /** Application protocol by its bytes; null: not known (yet); `failed`: bytes enough, none known. */
  application: string | null = null
  /** The flow was passed, or is not to be looked at: nothing more of it is evaluated. */
  passes = false
  /** Payload bytes of the newest chunk. */
  chunkBytes = 0
  /** Null: no rule has set anything. */
  #state: FlowState | null = null
  /** Protocol before the connection changed to another one; null: it did not. */
  originalApplication: string | null = null
  tls: TlsFacts | null = null

  constructor(connection: Connection, engine: Engine) {
    this.#connection = connection
    this.#engine = engine
    this.#kind = engine.program.flowKinds.of(connection)
  }

  /** Rules that its ports let take part. */
  get plan(): PortPlan {
    return this.#kind.plan
  }

  /** Bits and numbers that rules have set. */
  get state(): FlowState {
    return this.#state ?? this.#engine.nothingSet
  }

  direction(side: Side): Direction {
    return side === 'request' ? this.request : this.response
  }

  /** Ends of the data of a side. */
  endpoints(side: Side): Endpoints {
    const { clientAddress, clientPort, serverAddress, serverPort, id } = this.#connection
    const isRequest = side === 'request'
    return {
      source: isRequest ? clientAddress : serverAddress,
      destination: isRequest ? serverAddress : clientAddress,
      flow: id,
      sourcePort: isRequest ? clientPort : serverPort,
      destinationPort: isRequest ? serverPort : clientPort,
    }
  }

  /** What a rule sets when it matches data between these ends. */
  apply(effects: readonly Effect[], { source, destination }: Endpoints, now: number): void {
    if (effects.length === 0) return
    this.#state ??= new FlowState(this.#engine.hostBits)
    for (const effect of effects) this.#state.apply(effect, source, destination, now)
  }

  /** Header, protocol and flow checks of a rule for data of this side. */
  admits(compiled: CompiledRule, side: Side): boolean {
    if (!this.headerHolds(compiled, side)) return false
    const { spoken, flowChecks: checks } = compiled
    if (
      spoken !== null &&
      (this.application === null || !coversApplication(spoken, this.application))
    )
      return false
    for (let index = 0; index < checks.length; index += 1)
      if (!this.#holds(checks[index], side)) return false
    return true
  }

  /** Addresses and ports are those that the rule is for; otherwise it holds for nothing of this side. */
  headerHolds({ header }: CompiledRule, side: Side): boolean {
    return this.#kind.headerHolds(header, side, this.#connection)
  }

  #holds(check: FlowCheck, side: Side): boolean {
    switch (check.kind) {
      case 'flowbits':
      case 'xbits':
      case 'flowint': {
        const { clientAddress: client, serverAddress: server } = this.#connection
        const now = this.#engine.settings.now()
        return side === 'request'
          ? this.state.holds(check, client, server, now)
          : this.state.holds(check, server, client, now)
      }
      case 'sameip': {
        const { clientAddress, serverAddress } = this.#connection
        return isSameAddress(clientAddress, serverAddress)
      }
      case 'dsize':
        return isWithin(check.range, this.chunkBytes)
      case 'stream_size':
        return this.#streamSize(check)
      case 'app-layer-protocol':
        return this.#protocolHolds(check, side)
      case 'flow-count':
        return this.#countHolds(check)
      case 'tls.version': {
        const version = this.tls?.version ?? null
        return (
          version !== null &&
          check.items.some((item) => (item.version === version) !== item.negated)
        )
      }
      case 'ssl_state': {
        const states = this.tls?.states ?? []
        const last = states.at(-1) ?? 'unknown'
        return check.states.includes(last) !== check.negated
      }
    }
  }

  #protocolHolds(check: Extract<FlowCheck, { kind: 'app-layer-protocol' }>, side: Side): boolean {
    const asked = this.#protocols(check.mode, side)
    if (check.names.includes('unknown') && asked.includes(null)) return true
    return asked.some((spoken) => {
      if (spoken === null) return false
      const isNamed = check.names.some((name) =>
        check.exact ? name === spoken : coversApplication(name, spoken),
      )
      return isNamed !== check.negated
    })
  }

  #protocols(mode: ProtocolMode, side: Side): readonly (string | null)[] {
    switch (mode) {
      case 'direction':
        return [this.direction(side).spoken ?? this.application]
      case 'to_server':
        return [this.request.spoken ?? this.application]
      case 'to_client':
        return [this.response.spoken ?? this.application]
      case 'either':
        return [this.request.spoken ?? this.application, this.response.spoken ?? this.application]
      case 'final':
        return [this.application]
      case 'original':
        return [this.originalApplication]
    }
  }

  #countHolds(check: Extract<FlowCheck, { kind: 'flow-count' }>): boolean {
    if (check.what === 'age') {
      const seconds = Math.floor((this.#engine.settings.now() - this.#connection.openedAt) / 1000)
      return isWithin(check.range, seconds)
    }
    const what = check.what === 'pkts' ? 'packets' : 'packetBytes'
    const server = isWithin(check.range, this.request[what])
    const client = isWithin(check.range, this.response[what])
    switch (check.side) {
      case 'toserver':
        return server
      case 'toclient':
        return client
      case 'both':
        return server && client
      case 'either':
        return server || client
    }
  }

  /** Sizes count from the sequence number of the SYN, which takes one. */
  #streamSize(check: Extract<FlowCheck, { kind: 'stream_size' }>): boolean {
    const client = compareSize(this.request.streamBytes + 1, check.comparison, check.bytes)
    const server = compareSize(this.response.streamBytes + 1, check.comparison, check.bytes)
    switch (check.side) {
      case 'client':
        return client
      case 'server':
        return server
      case 'both':
        return client && server
      case 'either':
        return client || server
    }
  }
}

/** An address can be written in more than one way, of version 6. */
function isSameAddress(one: string, other: string): boolean {
  if (one === other) return true
  return one.includes(':') && (addressBytes(one) ?? '') === (addressBytes(other) ?? '')
}

function compareSize(
  size: number,
  comparison: '<' | '>' | '=' | '<=' | '>=' | '!=',
  bytes: number,
): boolean {
  switch (comparison) {
    case '<':
      return size < bytes
    case '>':
      return size > bytes
    case '=':
      return size === bytes
    case '<=':
      return size <= bytes
    case '>=':
      return size >= bytes
    case '!=':
      return size !== bytes
  }
}
