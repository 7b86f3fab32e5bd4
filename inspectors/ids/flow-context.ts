import type { Connection } from '#inspectors/inspector.ts'
import { addressBytes } from '#signatures/suricata/address.ts'
import { isWithin } from '#signatures/suricata/number-range.ts'
import { coversApplication } from '#signatures/suricata/protocols.ts'
import type { FlowCheck, ProtocolMode } from '#signatures/suricata/checks.ts'
import type { Engine } from './engine.ts'
import type { CompiledRule, Side } from './program/compiled-rule.ts'
import type { PortPlan } from './program/port-plans.ts'
import { FlowState } from './state/flow-state.ts'
import type { Endpoints } from './state/thresholds.ts'

const UNKNOWN = 0
const HOLDS = 1
const FAILS = 2

/** What is known of a TLS connection, for `tls.version` and `ssl_state`. */
export interface TlsFacts {
  readonly version: number | null
  readonly states: readonly string[]
}

/** Addresses, bits and protocol of one connection, and the checks of a rule that need no buffer. */
export class FlowContext {
  readonly state: FlowState
  /** Rules that its ports let take part. */
  readonly plan: PortPlan
  /** Application protocol by its bytes; null: not known (yet); `failed`: bytes enough, none known. */
  application: string | null = null
  /** What each direction's own bytes say; null: nothing. */
  readonly spoken: Record<Side, string | null> = { request: null, response: null }
  /** Protocol before the connection changed to another one; null: it did not. */
  originalApplication: string | null = null
  tls: TlsFacts | null = null
  /** Packets of a capture, with this one. */
  readonly counts: Readonly<Record<Side, { pkts: number; bytes: number }>> = {
    request: { pkts: 0, bytes: 0 },
    response: { pkts: 0, bytes: 0 },
  }
  /** Payload bytes of each direction so far, and of the newest chunk. */
  toServerBytes = 0
  toClientBytes = 0
  chunkBytes = 0
  /** Addresses as bytes, and what headers came to: made when a rule first asks. */
  #client: string | null = null
  #server: string | null = null
  readonly #connection: Connection
  #headers: Uint8Array | null = null
  readonly #headerCount: number
  readonly #endpoints: Readonly<Record<Side, Endpoints>>
  readonly #now: () => number

  constructor(connection: Connection, engine: Engine) {
    this.#connection = connection
    this.state = new FlowState(engine.hostBits)
    this.plan = engine.program.plans.of(connection.clientPort, connection.serverPort)
    this.#headerCount = engine.program.headerCount
    this.#now = engine.settings.now
    const { clientAddress, clientPort, serverAddress, serverPort, id } = connection
    this.#endpoints = {
      request: {
        source: clientAddress,
        destination: serverAddress,
        flow: id,
        sourcePort: clientPort,
        destinationPort: serverPort,
      },
      response: {
        source: serverAddress,
        destination: clientAddress,
        flow: id,
        sourcePort: serverPort,
        destinationPort: clientPort,
      },
    }
  }

  get #clientBytes(): string {
    return (this.#client ??= addressBytes(this.#connection.clientAddress) ?? '')
  }

  get #serverBytes(): string {
    return (this.#server ??= addressBytes(this.#connection.serverAddress) ?? '')
  }

  endpoints(side: Side): Endpoints {
    return side === 'request' ? this.#endpoints.request : this.#endpoints.response
  }

  /** Header, protocol and flow checks of a rule for data of this side. */
  admits(compiled: CompiledRule, side: Side): boolean {
    if (!this.headerHolds(compiled, side)) return false
    const { rule } = compiled
    if (
      rule.application !== null &&
      (this.application === null || !coversApplication(rule.application, this.application))
    )
      return false
    const checks = rule.flowChecks
    for (let index = 0; index < checks.length; index += 1)
      if (!this.#holds(checks[index], side)) return false
    return true
  }

  /** Addresses and ports are those that the rule is for; otherwise it holds for nothing of this side. */
  headerHolds(compiled: CompiledRule, side: Side): boolean {
    const { header } = compiled
    const at = header.id * 2 + (side === 'request' ? 0 : 1)
    const headers = (this.#headers ??= new Uint8Array(this.#headerCount * 2))
    let known = headers[at]
    if (known === UNKNOWN) {
      const { clientPort, serverPort } = this.#connection
      const holds =
        side === 'request'
          ? header.matches(this.#clientBytes, clientPort, this.#serverBytes, serverPort)
          : header.matches(this.#serverBytes, serverPort, this.#clientBytes, clientPort)
      known = holds ? HOLDS : FAILS
      headers[at] = known
    }
    return known === HOLDS
  }

  #holds(check: FlowCheck, side: Side): boolean {
    switch (check.kind) {
      case 'flowbits':
      case 'xbits':
      case 'flowint': {
        const { source, destination } = this.#endpoints[side]
        return this.state.holds(check, source, destination, this.#now())
      }
      case 'sameip':
        return this.#clientBytes === this.#serverBytes
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
        return [this.spoken[side] ?? this.application]
      case 'to_server':
        return [this.spoken.request ?? this.application]
      case 'to_client':
        return [this.spoken.response ?? this.application]
      case 'either':
        return [this.spoken.request ?? this.application, this.spoken.response ?? this.application]
      case 'final':
        return [this.application]
      case 'original':
        return [this.originalApplication]
    }
  }

  #countHolds(check: Extract<FlowCheck, { kind: 'flow-count' }>): boolean {
    if (check.what === 'age') {
      const seconds = Math.floor((this.#now() - this.#connection.openedAt) / 1000)
      return isWithin(check.range, seconds)
    }
    const server = isWithin(check.range, this.counts.request[check.what])
    const client = isWithin(check.range, this.counts.response[check.what])
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
    const client = compareSize(this.toServerBytes + 1, check.comparison, check.bytes)
    const server = compareSize(this.toClientBytes + 1, check.comparison, check.bytes)
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
