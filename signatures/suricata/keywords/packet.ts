import { integer } from '../arguments.ts'
import { numberRange } from '../number-range.ts'
import { DECODE_EVENTS, STREAM_EVENTS } from '../packet-events.ts'
import { RuleFault } from '../problem.ts'
import type { PacketCheck, PacketField } from '../checks.ts'
import { type Keyword, keyword } from './keyword.ts'

const FIELDS: readonly (readonly [PacketField, string, number])[] = [
  ['ttl', 'Time to live', 255],
  ['id', 'Identification of the IP packet', 65_535],
  ['fragoffset', 'Fragment offset', 65_535],
  ['window', 'TCP window', 65_535],
  ['ack', 'TCP acknowledgement number', 0xffff_ffff],
  ['seq', 'TCP sequence number', 0xffff_ffff],
  ['itype', 'ICMP type', 255],
  ['icode', 'ICMP code', 255],
  ['icmp_id', 'ICMP identifier', 65_535],
  ['icmp_seq', 'ICMP sequence number', 65_535],
  ['tcp.mss', 'Maximum segment size', 65_535],
  ['tos', 'Type of service', 255],
  ['icmpv6.mtu', 'MTU that a "packet too big" tells', 0xffff_ffff],
  ['tcp.wscale', 'TCP window scale', 255],
]

const TCP_FLAGS: ReadonlyMap<string, number> = new Map([
  ['F', 0x01],
  ['S', 0x02],
  ['R', 0x04],
  ['P', 0x08],
  ['A', 0x10],
  ['U', 0x20],
  ['E', 0x40],
  ['2', 0x40],
  ['C', 0x80],
  ['1', 0x80],
  ['0', 0],
])

const FRAGMENT_BITS: ReadonlyMap<string, number> = new Map([
  ['M', 0x2000],
  ['D', 0x4000],
  ['R', 0x8000],
])

const LAYERS = ['ipv4', 'tcpv4', 'tcpv6', 'udpv4', 'udpv6', 'icmpv4', 'icmpv6'] as const

const DECODE_NAMES = new Set(DECODE_EVENTS)

const IP_OPTIONS = new Set([
  'any',
  'rr',
  'eol',
  'nop',
  'ts',
  'sec',
  'esec',
  'lsrr',
  'ssrr',
  'satid',
  'lsrre',
])
const PROTOCOL_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['igmp', 2],
  ['tcp', 6],
  ['udp', 17],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['icmpv6', 58],
  ['ospf', 89],
  ['pim', 103],
  ['sctp', 132],
])

/** Keywords about the header of the packet. */
export const PACKET_KEYWORDS: readonly Keyword[] = [
  ...FIELDS.map(([field, summary, max]) =>
    keyword(field, 'packet', summary, { grammar: 'N | <N | >N | A<>B' }, (builder, argument) => {
      builder.packetChecks.push({ kind: 'number', field, range: numberRange(argument, max) })
    }),
  ),
  keyword(
    'ip_proto',
    'packet',
    'Protocol number of the IP header',
    { grammar: '[!|<|>]N|NAME' },
    (builder, argument) => {
      const form = /^([!<>]?)\s*([a-z0-9]+)$/i.exec(argument.trim())
      if (form === null)
        throw new RuleFault('bad-argument', `"${argument}" is not a protocol number`)
      const named = PROTOCOL_NUMBERS.get(form[2].toLowerCase())
      const value = named ?? integer(form[2], 0, 255)
      builder.packetChecks.push({
        kind: 'number',
        field: 'ip_proto',
        range: numberRange(`${form[1]}${value}`, 255),
      })
    },
  ),
  keyword(
    'flags',
    'packet',
    'TCP flags',
    { aliases: ['tcp.flags'], grammar: '[!|*|+]FSRPAUEC120[,IGNORED]' },
    (builder, argument) => {
      builder.packetChecks.push(tcpFlags(argument))
    },
  ),
  keyword('fragbits', 'packet', 'Fragment bits', { grammar: '[!|*|+]MDR' }, (builder, argument) => {
    const { mode, set } = bits(argument.trim(), FRAGMENT_BITS, 'fragbits')
    builder.packetChecks.push({ kind: 'fragbits', mode, set })
  }),
  ...LAYERS.map((of) =>
    keyword(
      `${of}-csum`,
      'packet',
      'Whether the sum of the header is right',
      { grammar: 'valid|invalid' },
      (builder, argument) => {
        const word = argument.trim().replaceAll('"', '').toLowerCase()
        if (word !== 'valid' && word !== 'invalid')
          throw new RuleFault('bad-argument', `${of}-csum is valid or invalid`)
        builder.packetChecks.push({ kind: 'checksum', of, isRight: word === 'valid' })
      },
    ),
  ),
  keyword(
    'decode-event',
    'packet',
    'Fault that the decoder found in the packet',
    { aliases: ['engine-event'], grammar: 'LAYER.NAME' },
    (builder, argument) => {
      const name = argument.trim()
      if (!DECODE_NAMES.has(name))
        throw new RuleFault('bad-argument', `"${name}" is not an event of the decoder`)
      builder.packetChecks.push({ kind: 'event', event: `decoder.${name}` })
    },
  ),
  keyword(
    'stream-event',
    'packet',
    'Fault that the stream engine found in the packet',
    { grammar: 'NAME' },
    (builder, argument) => {
      const name = argument.trim()
      const found = STREAM_EVENTS.find((event) => event === name)
      if (found === undefined)
        throw new RuleFault('bad-argument', `"${name}" is not an event of the stream engine`)
      builder.packetChecks.push({ kind: 'event', event: `stream.${found}` })
    },
  ),
  keyword('ipopts', 'packet', 'IP option', { grammar: 'NAME' }, (builder, argument) => {
    const option = argument.trim().toLowerCase()
    if (!IP_OPTIONS.has(option))
      throw new RuleFault('bad-argument', `"${option}" is not an IP option`)
    builder.packetChecks.push({ kind: 'ipopts', option })
  }),
]

type Mode = 'exact' | 'any' | 'all' | 'not'

function bits(
  text: string,
  table: ReadonlyMap<string, number>,
  name: string,
): { mode: Mode; set: number } {
  const form = /^([!*+]?)([A-Za-z0-9]+)([!*+]?)$/.exec(text)
  if (form === null) throw new RuleFault('bad-argument', `"${text}" is not a set of ${name}`)
  const sign = form[1] === '' ? form[3] : form[1]
  let set = 0
  for (const letter of form[2].toUpperCase()) {
    const bit = table.get(letter)
    if (bit === undefined) throw new RuleFault('bad-argument', `${name} has no letter "${letter}"`)
    set |= bit
  }
  const mode = sign === '!' ? 'not' : sign === '*' ? 'any' : sign === '+' ? 'all' : 'exact'
  return { mode, set }
}

function tcpFlags(argument: string): PacketCheck {
  const [wanted = '', ignored, ...rest] = argument.split(',').map((part) => part.trim())
  if (rest.length > 0) throw new RuleFault('bad-argument', 'flags takes SET[,IGNORED]')
  const { mode, set } = bits(wanted, TCP_FLAGS, 'flags')
  return {
    kind: 'flags',
    mode,
    set,
    ignored: ignored === undefined ? 0 : bits(ignored, TCP_FLAGS, 'flags').set,
  }
}
