import type { Action, Flow, Match, Prefix, Slice } from '#steering/flows/flow.ts'

/** A TCP segment, or a datagram, as the model knows it. */
export interface Segment {
  readonly inPort: number
  readonly ethSource: bigint
  readonly ethDestination: bigint
  readonly vlan: number | null
  readonly family: 4 | 6
  readonly source: bigint
  readonly destination: bigint
  readonly sourcePort: number
  readonly destinationPort: number
  readonly flags: 'syn' | 'syn-ack' | 'ack' | 'datagram'
}

/** Where a segment came out: a port of the switch, or handed back to the flows of others. */
export type Outcome =
  | { readonly kind: 'output'; readonly port: number; readonly segment: Segment }
  | { readonly kind: 'normal'; readonly segment: Segment }
  | { readonly kind: 'drop' }

interface Connection {
  mark: number
  label: bigint
}

const MAX_STEPS = 64

/**
 * The smallest switch that can run our flows: tables, registers, and a conntrack without TCP states (a
 * connection exists once committed). It is checked against the real switch by running the same cases
 * there (switch.e2e.ts); here it lets properties be tried on thousands of states.
 */
export class SwitchModel {
  readonly #tables = new Map<number, Flow[]>()
  readonly #zones = new Map<string, Connection>()

  constructor(flows: readonly Flow[]) {
    this.load(flows)
  }

  /** Changes the flows; connections stay. */
  load(flows: readonly Flow[]): void {
    this.#tables.clear()
    for (const flow of flows) {
      const table = this.#tables.get(flow.table)
      if (table === undefined) this.#tables.set(flow.table, [flow])
      else table.push(flow)
    }
    for (const table of this.#tables.values()) table.sort((a, b) => b.priority - a.priority)
  }

  send(segment: Segment): Outcome {
    return new Packet(this.#tables, this.#zones, segment).run()
  }
}

class Packet {
  readonly #tables: ReadonlyMap<number, readonly Flow[]>
  readonly #zones: Map<string, Connection>
  readonly #registers = new Map<string, bigint>()
  #segment: Segment
  #connection: Connection | null = null
  #isTracked = false
  #outcome: Outcome = { kind: 'drop' }
  #steps = 0

  constructor(
    tables: ReadonlyMap<number, readonly Flow[]>,
    zones: Map<string, Connection>,
    segment: Segment,
  ) {
    this.#tables = tables
    this.#zones = zones
    this.#segment = segment
  }

  run(): Outcome {
    this.#table(0)
    return this.#outcome
  }

  #table(number: number): void {
    if (++this.#steps > MAX_STEPS) throw new Error(`a frame loops, last in table ${number}`)
    const flow = this.#tables.get(number)?.find((one) => one.match.every((on) => this.#matches(on)))
    if (flow !== undefined) for (const action of flow.actions) this.#act(action)
    else if (number === 0) this.#outcome = { kind: 'normal', segment: this.#segment }
  }

  #matches(match: Match): boolean {
    const segment = this.#segment
    switch (match.on) {
      case 'protocol':
        return [
          segment.family === 4 ? 'ip' : 'ipv6',
          `${transportOf(segment)}${segment.family === 4 ? '' : '6'}`,
        ].includes(match.protocol)
      case 'inPort':
        return segment.inPort === match.port
      case 'ethDestination':
        return segment.ethDestination === match.mac
      case 'tagged':
        return (segment.vlan !== null) === match.tagged
      case 'source':
        return isWithin(segment.family, segment.source, match.prefix)
      case 'destination':
        return isWithin(segment.family, segment.destination, match.prefix)
      case 'sourcePort':
      case 'destinationPort':
        return (
          match.protocol === transportOf(segment) &&
          (segment[match.on] & match.mask) === match.value
        )
      case 'trackedDestination':
      case 'trackedProtocol':
      case 'icmpType':
        return false
      case 'fragment':
        return !match.fragment
      case 'firstSyn':
        return segment.flags === 'syn'
      case 'notSyn':
        return segment.flags === 'ack'
      case 'synAck':
        return segment.flags === 'syn-ack'
      case 'tracked':
        return this.#isTracked && match.as !== 'invalid'
      case 'mark':
        return (this.#connection?.mark ?? 0) === match.mark
      case 'labelMac':
        return ((this.#connection?.label ?? 0n) & 0xffff_ffff_ffffn) === match.mac
      case 'labelAttachment':
        return (
          (((this.#connection?.label ?? 0n) >> 64n) & 0xffff_ffffn) === BigInt(match.attachment)
        )
      case 'register':
        return this.#read(match.slice) === BigInt(match.value)
    }
  }

  #act(action: Action): void {
    switch (action.do) {
      case 'load':
        this.#write(action.to, action.value)
        break
      case 'move':
        this.#write(action.to, this.#read(action.from))
        break
      case 'track':
        this.#connection = this.#zones.get(this.#key(action.zone)) ?? null
        this.#isTracked = true
        this.#table(action.table)
        break
      case 'commit': {
        const key = this.#key(action.zone)
        const connection = this.#zones.get(key) ?? { mark: 0, label: 0n }
        connection.mark = action.mark
        if (action.label !== undefined)
          connection.label = patch(connection.label, action.label.to, this.#read(action.label.from))
        this.#zones.set(key, connection)
        break
      }
      case 'untrack':
        this.#connection = null
        this.#isTracked = false
        break
      case 'popVlan':
        this.#segment = { ...this.#segment, vlan: null }
        break
      case 'pushVlan':
        this.#segment = { ...this.#segment, vlan: 0 }
        break
      case 'output':
        this.#outcome = { kind: 'output', port: action.port, segment: this.#segment }
        break
      case 'outputTo':
        this.#outcome = {
          kind: 'output',
          port: Number(this.#read(action.slice)),
          segment: this.#segment,
        }
        break
      case 'goto':
      case 'resubmit':
        this.#table(action.table)
    }
  }

  /** One key for both directions of a connection. */
  #key(zone: Slice): string {
    const { source, destination, sourcePort, destinationPort } = this.#segment
    const ends = [`${source}:${sourcePort}`, `${destination}:${destinationPort}`].sort()
    return `${this.#read(zone)} ${transportOf(this.#segment)} ${ends.join(' ')}`
  }

  #read({ field, from, to }: Slice): bigint {
    const width = BigInt(to - from + 1)
    return (this.#whole(field) >> BigInt(from)) & ((1n << width) - 1n)
  }

  #whole(field: string): bigint {
    const segment = this.#segment
    switch (field) {
      case 'NXM_OF_ETH_SRC':
        return segment.ethSource
      case 'NXM_OF_ETH_DST':
        return segment.ethDestination
      case 'NXM_OF_IN_PORT':
        return BigInt(segment.inPort)
      case 'NXM_OF_VLAN_TCI':
        return segment.vlan === null ? 0n : 0x1000n | BigInt(segment.vlan)
      case 'OXM_OF_VLAN_VID':
        return BigInt(segment.vlan ?? 0)
      case 'NXM_NX_CT_LABEL':
        return this.#connection?.label ?? 0n
      default: {
        // xxregN is reg4N (its highest 32 bits) to reg4N+3.
        const wide = /XXREG(\d)$/.exec(field)
        if (wide === null) return this.#registers.get(field) ?? 0n
        let value = 0n
        for (let index = 0; index < 4; index++)
          value = (value << 32n) | (this.#registers.get(wideName(wide[1], index)) ?? 0n)
        return value
      }
    }
  }

  #write(slice: Slice, value: bigint): void {
    const whole = patch(this.#whole(slice.field), slice, value)
    const field: string = slice.field
    switch (field) {
      case 'NXM_OF_ETH_SRC':
        this.#segment = { ...this.#segment, ethSource: whole }
        break
      case 'NXM_OF_ETH_DST':
        this.#segment = { ...this.#segment, ethDestination: whole }
        break
      case 'NXM_OF_IN_PORT':
        this.#segment = { ...this.#segment, inPort: Number(whole) }
        break
      case 'OXM_OF_VLAN_VID':
        this.#segment = { ...this.#segment, vlan: Number(whole) }
        break
      default: {
        const wide = /XXREG(\d)$/.exec(field)
        if (wide === null) this.#registers.set(field, whole)
        else
          for (let index = 0; index < 4; index++)
            this.#registers.set(
              wideName(wide[1], index),
              (whole >> BigInt(96 - 32 * index)) & 0xffff_ffffn,
            )
      }
    }
  }
}

const transportOf = ({ flags }: Segment): 'tcp' | 'udp' => (flags === 'datagram' ? 'udp' : 'tcp')

const wideName = (wide: string, index: number): string => `NXM_NX_REG${4 * Number(wide) + index}`

function patch(whole: bigint, { from, to }: Slice, value: bigint): bigint {
  const ones = (1n << BigInt(to - from + 1)) - 1n
  return (whole & ~(ones << BigInt(from))) | ((value & ones) << BigInt(from))
}

function isWithin(family: 4 | 6, address: bigint, prefix: Prefix): boolean {
  if (family !== prefix.family) return false
  const host = BigInt((family === 4 ? 32 : 128) - prefix.length)
  return address >> host === prefix.value >> host
}
