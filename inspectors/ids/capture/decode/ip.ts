import type { IpFields } from '../packet.ts'

/**
 * An IP header that was read. `body` is what it carries; null where the header ends the packet's decoding (cut off,
 * damaged); `events` say what is wrong with it.
 */
export interface IpResult {
  readonly ip: IpFields | null
  readonly body: Buffer | null
  readonly events: readonly string[]
}

/** Extension headers that are stepped over. */
export const MAX_EXTENSIONS = 16

const NOTHING: readonly string[] = []
const NO_OPTIONS: readonly number[] = []

function broken(event: string): IpResult {
  return { ip: null, body: null, events: [event] }
}

/** Reads an IPv4 header (RFC 791) with its options. */
export function readIpv4(data: Buffer): IpResult {
  if (data.length < 20) return broken('ipv4.pkt_too_small')
  if (data[0] >> 4 !== 4) return broken('ipv4.wrong_ip_version')
  const headerBytes = (data[0] & 15) * 4
  if (headerBytes < 20) return broken('ipv4.hlen_too_small')
  const total = (data[2] << 8) | data[3]
  if (total < headerBytes) return broken('ipv4.iplen_smaller_than_hlen')
  const isCut = data.length < total
  const events: string[] = []
  if (isCut) events.push('ipv4.trunc_pkt')
  const protocol = data[9]
  if (protocol === 58) events.push('ipv4.icmpv6')
  const isHeaderWhole = headerBytes <= data.length
  return {
    ip: {
      version: 4,
      header: data.subarray(0, Math.min(headerBytes, data.length)),
      protocol,
      ttl: data[8],
      tos: data[1],
      id: (data[4] << 8) | data[5],
      fragment: (data[6] << 8) | data[7],
      options:
        headerBytes === 20 || !isHeaderWhole ? NO_OPTIONS : readOptions(data, headerBytes, events),
      bytes: total,
    },
    body: isCut || protocol === 58 ? null : data.subarray(headerBytes, total),
    events: events.length === 0 ? NOTHING : events,
  }
}

const END_OF_OPTIONS = 0
const NO_OPERATION = 1
/** Options with their lengths; 0: varies. */
const OPTION_BYTES: ReadonlyMap<number, number> = new Map([
  [7, 0],
  [25, 8],
  [68, 0],
  [130, 0],
  [131, 0],
  [133, 0],
  [134, 0],
  [136, 4],
  [137, 0],
  [148, 4],
])

function readOptions(data: Buffer, end: number, events: string[]): readonly number[] {
  const found: number[] = []
  for (let at = 20; at < end;) {
    const kind = data[at]
    found.push(kind)
    if (kind === END_OF_OPTIONS) break
    if (kind === NO_OPERATION) {
      at += 1
      continue
    }
    const length = at + 1 < end ? data[at + 1] : 0
    if (length < 2 || at + length > end) {
      events.push('ipv4.opt_invalid_len')
      break
    }
    const wanted = OPTION_BYTES.get(kind)
    if (wanted === undefined) events.push('ipv4.opt_unknown')
    else if (wanted !== 0 && wanted !== length) events.push('ipv4.opt_invalid_len')
    else if ((kind === 7 || kind === 131 || kind === 137) && !isRouteSound(data, at, length))
      events.push('ipv4.opt_malformed')
    if (found.indexOf(kind) !== found.length - 1) events.push('ipv4.opt_duplicate')
    at += length
  }
  return found
}

/** Record route and source routes: a pointer, at least 4, then addresses. */
function isRouteSound(data: Buffer, at: number, length: number): boolean {
  return length >= 3 && (length - 3) % 4 === 0 && data[at + 2] >= 4 && data[at + 2] % 4 === 0
}

const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const AUTHENTICATION = 51
const NO_NEXT = 59
const DESTINATION = 60
/** Mobility, HIP and Shim6 (RFC 6564 form). */
const OTHER_EXTENSIONS = new Set([135, 139, 140])

/** Names of the extension headers that may stand once; destination options twice. */
const ONCE: ReadonlyMap<number, string> = new Map([
  [HOP_BY_HOP, 'hh'],
  [ROUTING, 'rh'],
  [FRAGMENT, 'fh'],
  [AUTHENTICATION, 'ah'],
])

/** Next headers that a packet may end with. */
const KNOWN_NEXT = new Set([1, 2, 4, 6, 17, 41, 47, 50, 58, 59, 89, 103, 132, 136])

/** Reads an IPv6 header (RFC 8200) with its extension headers. */
export function readIpv6(data: Buffer): IpResult {
  if (data.length < 40) return broken('ipv6.pkt_too_small')
  if (data[0] >> 4 !== 6) return broken('ipv6.wrong_ip_version')
  const length = (data[4] << 8) | data[5]
  const end = 40 + length
  const isCut = data.length < end
  const events: string[] = []
  const chain = isCut ? null : readChain(data, end, events)
  if (isCut) events.push('ipv6.trunc_pkt')
  return {
    ip: {
      version: 6,
      // A fragment's extension headers are those of the packet that it is part of.
      header: data.subarray(
        0,
        chain === null || chain.fragment !== 0 ? 40 : Math.max(40, chain.at),
      ),
      protocol: chain === null ? data[6] : chain.next,
      ttl: data[7],
      tos: ((data[0] & 15) << 4) | (data[1] >> 4),
      id: chain === null ? 0 : chain.id,
      fragment: chain === null ? 0 : chain.fragment,
      options: NO_OPTIONS,
      bytes: end,
    },
    body: chain === null || chain.at < 0 ? null : data.subarray(chain.at, end),
    events: events.length === 0 ? NOTHING : events,
  }
}

interface Chain {
  next: number
  /** Of what follows the extension headers; -1: nothing can be read there. */
  at: number
  id: number
  fragment: number
}

function readChain(data: Buffer, end: number, events: string[]): Chain {
  const chain: Chain = { next: data[6], at: 40, id: 0, fragment: 0 }
  let seen = 0
  let destinations = 0
  for (let count = 0; count < MAX_EXTENSIONS; count += 1) {
    const { next, at } = chain
    const isOther = OTHER_EXTENSIONS.has(next)
    if (!isOther && next !== DESTINATION && !ONCE.has(next)) break
    const bytes = extensionBytes(data, at, end, next)
    if (bytes === 0) {
      events.push('ipv6.trunc_exthdr')
      chain.at = -1
      return chain
    }
    const name = ONCE.get(next)
    if (next === DESTINATION) {
      destinations += 1
      if (destinations > 2) events.push('ipv6.exthdr_dupl_dh')
    } else if (name !== undefined) {
      const bit = 1 << (next & 31)
      if ((seen & bit) !== 0) events.push(`ipv6.exthdr_dupl_${name}`)
      seen |= bit
    }
    noteFaults(data, at, at + bytes, next, events)
    chain.next = data[at]
    chain.at = at + bytes
    if (next === FRAGMENT) {
      const field = data.readUInt16BE(at + 2)
      chain.fragment = (field >> 3) | ((field & 1) << 13)
      chain.id = data.readUInt32BE(at + 4)
      // What a fragment other than the first carries is not a header.
      if (chain.fragment !== 0) return chain
      events.push('ipv6.exthdr_useless_fh')
    }
  }
  if (chain.next === NO_NEXT) {
    if (chain.at < end) events.push('ipv6.data_after_none_header')
    chain.at = -1
  } else if (chain.next === 1) {
    events.push('ipv6.icmpv4')
    chain.at = -1
  } else if (!KNOWN_NEXT.has(chain.next)) events.push('ipv6.unknown_next_header')
  return chain
}

/** Length of an extension header; 0 when it does not fit. */
function extensionBytes(data: Buffer, at: number, end: number, type: number): number {
  if (at + 8 > end) return 0
  const bytes =
    type === FRAGMENT ? 8 : type === AUTHENTICATION ? (data[at + 1] + 2) * 4 : 8 + data[at + 1] * 8
  return at + bytes > end ? 0 : bytes
}

function noteFaults(data: Buffer, at: number, end: number, type: number, events: string[]): void {
  if (type === ROUTING && data[at + 2] === 0) events.push('ipv6.rh_type_0')
  else if (type === AUTHENTICATION && data.readUInt16BE(at + 2) !== 0)
    events.push('ipv6.exthdr_ah_res_not_null')
  else if (type === FRAGMENT) {
    if (data[at + 1] !== 0 || (data[at + 3] & 6) !== 0)
      events.push('ipv6.fh_non_zero_reserved_field')
  } else if (type === HOP_BY_HOP || type === DESTINATION)
    noteOptions(data, at + 2, end, type === HOP_BY_HOP ? 'hopopts' : 'dstopts', events)
}

/** Pad1 and PadN; router alert, jumbo, home address, quick start and their kin are known. */
const KNOWN_OPTIONS = new Set([5, 0x26, 0x63, 0xc2, 0xc9, 0x8a, 0x8b, 0x8c, 0x04, 0x07, 0x08, 0x6d])

function noteOptions(data: Buffer, at: number, end: number, name: string, events: string[]): void {
  let onlyPadding = true
  for (let offset = at; offset < end;) {
    const kind = data[offset]
    if (kind === 0) {
      offset += 1
      continue
    }
    if (offset + 2 > end || offset + 2 + data[offset + 1] > end) {
      events.push('ipv6.exthdr_invalid_optlen')
      return
    }
    if (kind === 1) {
      if (data[offset + 1] === 0) events.push('ipv6.zero_len_padn')
    } else {
      onlyPadding = false
      if (!KNOWN_OPTIONS.has(kind)) events.push(`ipv6.${name}_unknown_opt`)
    }
    offset += 2 + data[offset + 1]
  }
  if (onlyPadding) events.push(`ipv6.${name}_only_padding`)
}
