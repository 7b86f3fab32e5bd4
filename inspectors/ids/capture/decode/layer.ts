import type { PacketEvent } from '#signatures/suricata/packet-events.ts'
import { type Carrier, type IpFields, Packet, type TransportFields } from '../packet.ts'
import type { DecoderCounts } from './counters.ts'

/** Most headers that are stepped over in one frame. */
export const MAX_LAYERS = 16
export const MAX_VLANS = 3

/** What the layers of one frame share while it is decoded. */
export class Decoding {
  readonly counts: DecoderCounts
  readonly found: Packet[] = []
  timeMs = 0
  #layers = 0
  #isInvalid = false

  constructor(counts: DecoderCounts) {
    this.counts = counts
  }

  begin(timeMs: number): void {
    this.found.length = 0
    this.timeMs = timeMs
    this.#layers = 0
    this.#isInvalid = false
  }

  /** False when the frame nests too deep: its decoding ends. */
  enter(carrier: Carrier): boolean {
    this.#layers += 1
    if (this.#layers <= MAX_LAYERS) return true
    this.fault(carrier, 'too_many_layers')
    return false
  }

  /** A packet of the frame. */
  emit(carrier: Carrier, ip: IpFields | null, transport: TransportFields | null): Packet {
    const packet = Packet.of(carrier, ip, transport)
    this.found.push(packet)
    return packet
  }

  /** Decoding ends here, below whatever was found of the frame: a packet without IP header says why. */
  fault(carrier: Carrier, event: string): void {
    this.emit(carrier, null, null).note(`decoder.${event}`)
    this.invalid()
  }

  /** Counts the frame once. */
  invalid(): void {
    if (this.#isInvalid) return
    this.#isInvalid = true
    this.counts.invalid += 1
  }
}

export function noteAll(packet: Packet, events: readonly string[]): void {
  for (const event of events) packet.note(`decoder.${event}` satisfies PacketEvent)
}
