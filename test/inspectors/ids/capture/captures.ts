import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { FrameDecoder } from '#inspectors/ids/capture/decode/frame-decoder.ts'
import type { Packet } from '#inspectors/ids/capture/packet.ts'
import type { CapturedPacket } from '#inspectors/ids/capture/pcap-file.ts'
import { createIds, type Ids } from '#inspectors/ids/ids.ts'
import { isPacketBuffer, PAYLOAD } from '#signatures/suricata/buffers.ts'
import { parseRules } from '#signatures/suricata/parse-rules.ts'
import type { BufferMatch } from '#signatures/suricata/buffer-match.ts'
import type { Rule } from '#signatures/suricata/rule.ts'
import { ACK, RST, SYN, URG } from './frames.ts'
import { readCapture } from './read-capture.ts'

const SHARED = resolve(import.meta.dirname, '../../../../../shared/data')
const SUITE = join(SHARED, 'suricata-verify')
export const ALL_RULES = join(SHARED, 'et-open', 'emerging-all.rules')

/** Why captures cannot be had here; null when they can. */
export const missingCaptures: string | null = existsSync(join(SUITE, 'index.json'))
  ? null
  : 'the captures of ../shared/data/suricata-verify are not there'

/** Captures of the suite that are no larger than so many bytes. */
export function capturePaths(maxBytes: number): readonly string[] {
  return globSync('tests/**/*.{pcap,pcapng}', { cwd: SUITE })
    .sort()
    .map((path) => join(SUITE, path))
    .filter((path) => readFileSync(path).length <= maxBytes)
}

export interface RuledCapture {
  readonly name: string
  readonly capture: string
  readonly rules: string
}

export function ruledCaptures(): readonly RuledCapture[] {
  const index = JSON.parse(readFileSync(join(SUITE, 'index.json'), 'utf8')) as readonly {
    readonly name: string
    readonly pcap: string
    readonly rules: string
  }[]
  return index.map(({ name, pcap, rules }) => ({
    name,
    capture: join(SUITE, pcap),
    rules: join(SUITE, rules),
  }))
}

export function packetsOf(path: string): readonly CapturedPacket[] {
  const result = readCapture(readFileSync(path))
  return result.ok ? result.packets : []
}

/** Checks of one packet, or of what had come with the packets so far. */
const PACKET_CHECKS: ReadonlySet<string> = new Set(['dsize', 'stream_size', 'flow-count'])

/**
 * Nothing that the rule asks depends on where packets begin and end, by what it is made of. Left out are rules that
 *
 * - are about packets: other transports than TCP, header fields, sizes, counts, `tcp-pkt`, `no_stream`, or no buffer at
 *   all (a packet is then asked what is known of its flow so far);
 * - ask raw bytes for a place (`offset`, `depth`, `startswith`, `endswith`) and name no protocol: as with Suricata they
 *   are matched with single packets beside the stream;
 * - ask that raw bytes are absent from a stream. A stream has no end to wait for, so what counts is what came so far.
 *
 * Raw bytes beside HTTP buffers are those of the message, which has a beginning and an end.
 */
export function isFreeOfPackets(rule: Rule): boolean {
  if (rule.protocol.transport !== 'tcp' || rule.protocol.payload === 'packet') return false
  if (rule.sections.length === 0 && rule.fileChecks.length === 0) return false
  if (rule.packetChecks.length > 0 || rule.flow.stream === 'no_stream') return false
  if (rule.flowChecks.some(({ kind }) => PACKET_CHECKS.has(kind))) return false
  if (rule.sections.some(({ buffer }) => isPacketBuffer(buffer))) return false
  if (rule.application === 'http' && rule.sections.some(({ buffer }) => buffer !== PAYLOAD))
    return true
  return rule.sections.every(
    ({ buffer, matches }) =>
      buffer !== PAYLOAD ||
      matches.every((match) => {
        if (match.kind !== 'content') return !asksForAbsence(match)
        const isPlaced =
          match.offset !== null || match.depth !== null || match.startsWith || match.endsWith
        return !match.negated && (rule.application !== null || !isPlaced)
      }),
  )
}

/** Assertions of a pattern about an end, or about what does not follow or come before. */
const NEGATIVE_ASSERTION = /\$|\\[zZ]|\(\?<?!/

function asksForAbsence(match: BufferMatch): boolean {
  if (match.kind === 'pcre') return match.negated || NEGATIVE_ASSERTION.test(match.pattern.source)
  return match.kind === 'isdataat' && match.negated
}

/** Sets are kept from replay to replay; of some faults it matters in which segment they are. */
const REMEMBERED = /\b(?:dataset|datarep|app-layer-event)\b/

/**
 * An IDS over those rules of a file that a predicate takes; null: there are none.
 *
 * @param now milliseconds since the epoch
 */
export function idsOfFile(
  path: string,
  takes: (rule: Rule) => boolean,
  now = (): number => 0,
): Ids | null {
  const text = readFileSync(path, 'latin1')
  const lines = text.split('\n')
  const kept = parseRules(text, path)
    .rules.filter(takes)
    .map(({ line }) => lines[line - 1])
    .filter((line) => !line.trimEnd().endsWith('\\') && !REMEMBERED.test(line))
  if (kept.length === 0) return null
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-rules-'))
  try {
    const file = join(folder, 'kept.rules')
    writeFileSync(file, kept.join('\n'), 'latin1')
    return createIds({ mode: 'detect', rulePaths: [file], packets: true, now })
  } catch {
    return null
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Numbers by a seed (mulberry32): a failure can be played again. */
export function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (((mixed ^ (mixed >>> 14)) >>> 0) % 0x7fff_ffff) % below
  }
}

/**
 * Cuts segments of connections whose beginning is in the capture: each packet becomes several, some of them twice, some
 * in another order.
 */
export class Resegmenter {
  readonly #decoder = new FrameDecoder()
  readonly #random: (below: number) => number
  readonly #mostBytes: number
  readonly #begun = new Set<string>()

  constructor(mostBytes: number, random: (below: number) => number) {
    this.#mostBytes = mostBytes
    this.#random = random
  }

  cut(captured: CapturedPacket): readonly CapturedPacket[] {
    const { linkType, bytes, timeMs } = captured
    const [packet, ...more] = this.#decoder.decode(linkType, bytes, timeMs)
    if (more.length > 0 || packet?.tcp === undefined || packet.tcp === null) return [captured]
    const { source, sourcePort, destination, destinationPort, tcp, payload } = packet
    const flow = [`${source} ${sourcePort}`, `${destination} ${destinationPort}`].sort().join()
    if ((tcp.flags & SYN) !== 0) this.#begun.add(flow)
    const isSpecial = (tcp.flags & (SYN | RST | URG)) !== 0 || (tcp.flags & ACK) === 0
    if (isSpecial || !this.#begun.has(flow) || payload.length < 2 || packet.frame.bytes !== bytes)
      return [captured]
    return this.#pieces(captured, packet)
  }

  #pieces(captured: CapturedPacket, packet: Packet): CapturedPacket[] {
    const random = this.#random
    const pieces: CapturedPacket[] = []
    for (let at = 0; at < packet.payload.length;) {
      const bytes = 1 + random(this.#mostBytes)
      pieces.push({ ...captured, bytes: pieceOf(packet, at, at + bytes) })
      if (random(8) === 0) pieces.push(pieces[random(pieces.length)])
      at += bytes
    }
    if (random(3) === 0) {
      const [one, other] = [random(pieces.length), random(pieces.length)]
      ;[pieces[one], pieces[other]] = [pieces[other], pieces[one]]
    }
    return pieces
  }
}

const FIN_AND_PUSH = 0x09

function pieceOf(packet: Packet, from: number, to: number): Buffer {
  const { bytes } = packet.frame
  const offsetOf = (part: Buffer): number => part.byteOffset - bytes.byteOffset
  const isLast = to >= packet.payload.length
  const body = packet.payload.subarray(from, to)
  const piece = Buffer.concat([bytes.subarray(0, offsetOf(packet.payload)), body])
  const ip = offsetOf(packet.ipHeader)
  const tcp = offsetOf(packet.transportHeader)
  const less = packet.payload.length - body.length
  if (packet.version === 4) piece.writeUInt16BE(piece.readUInt16BE(ip + 2) - less, ip + 2)
  else piece.writeUInt16BE(piece.readUInt16BE(ip + 4) - less, ip + 4)
  piece.writeUInt32BE((packet.tcp!.sequence + from) >>> 0, tcp + 4)
  if (!isLast) piece[tcp + 13] &= ~FIN_AND_PUSH
  return piece
}
