import type { Action, Flow, Match, Prefix, Slice } from './flow.ts'

/** Which cookies a render gives: owner and round fill the upper half. */
export interface CookieBase {
  readonly owner: number
  readonly round: number
}

/** Protocol numbers, and what conntrack calls its states. */
const NUMBERS = { tcp: 6, udp: 17, icmp6: 58 } as const
const STATES = { valid: '-inv', invalid: '+inv' } as const

/** Cookie of a flow: owner 16 | round 16 | attachment 32. */
export function cookieOf(base: CookieBase, attachment: number): bigint {
  return (
    (BigInt(base.owner & 0xffff) << 48n) |
    (BigInt(base.round & 0xffff) << 32n) |
    BigInt(attachment >>> 0)
  )
}

/**
 * A flow as ovs-ofctl reads it, without cookie and command.
 *
 * @throws RangeError when a number does not fit its field: a bug of the compiler's
 */
export function renderFlow(flow: Flow): string {
  const head = `table=${integer(flow.table, 0, 254)},priority=${integer(flow.priority, 0, 65_535)}`
  return `${[head, ...renderMatches(flow.match)].join(',')},actions=${renderActions(flow.actions)}`
}

function renderMatches(matches: readonly Match[]): string[] {
  const parts: string[] = []
  const registers = new Map<string, { value: bigint; mask: bigint }>()
  let labelValue = 0n
  let labelMask = 0n
  for (const match of matches) {
    if (match.on === 'register') {
      const name = registerName(match.slice)
      const before = registers.get(name) ?? { value: 0n, mask: 0n }
      const shift = BigInt(match.slice.from)
      registers.set(name, {
        value: before.value | (fitting(BigInt(match.value), match.slice) << shift),
        mask: before.mask | (onesOf(match.slice) << shift),
      })
    } else if (match.on === 'labelMac') {
      labelValue |= match.mac
      labelMask |= (1n << 48n) - 1n
    } else if (match.on === 'labelAttachment') {
      labelValue |= BigInt(match.attachment >>> 0) << 64n
      labelMask |= 0xffff_ffffn << 64n
    } else parts.push(renderMatch(match))
  }
  for (const [name, { value, mask }] of registers)
    parts.push(
      mask === 0xffff_ffffn ? `${name}=${hex(value)}` : `${name}=${hex(value)}/${hex(mask)}`,
    )
  if (labelMask !== 0n) parts.push(`ct_label=${hex(labelValue)}/${hex(labelMask)}`)
  return parts
}

function renderMatch(
  match: Exclude<Match, { on: 'register' | 'labelMac' | 'labelAttachment' }>,
): string {
  switch (match.on) {
    case 'protocol':
      return match.protocol
    case 'inPort':
      return `in_port=${integer(match.port, 1, 65_534)}`
    case 'ethDestination':
      return `dl_dst=${renderMac(match.mac)}`
    case 'tagged':
      return match.tagged ? 'vlan_tci=0x1000/0x1000' : 'vlan_tci=0x0000/0x1000'
    case 'source':
      return renderPrefix(match.prefix, 'nw_src', 'ipv6_src')
    case 'destination':
      return renderPrefix(match.prefix, 'nw_dst', 'ipv6_dst')
    case 'sourcePort':
      return `${match.protocol}_src=${renderMasked(match.value, match.mask)}`
    case 'destinationPort':
      return `${match.protocol}_dst=${renderMasked(match.value, match.mask)}`
    case 'trackedDestination':
      return `ct_nw_proto=${NUMBERS[match.protocol]},ct_tp_dst=${renderMasked(match.value, match.mask)}`
    case 'trackedProtocol':
      return `ct_nw_proto=${NUMBERS[match.protocol]}`
    case 'fragment':
      return match.fragment ? 'ip_frag=yes' : 'ip_frag=no'
    case 'firstSyn':
      return 'tcp_flags=+syn-ack'
    case 'notSyn':
      return 'tcp_flags=-syn'
    case 'synAck':
      return 'tcp_flags=+syn+ack'
    case 'icmpType':
      return `icmp_type=${integer(match.type, 0, 255)}`
    case 'tracked':
      return `ct_state=+trk${match.as === undefined ? '' : STATES[match.as]}`
    case 'mark':
      return `ct_mark=${hex(BigInt(integer(match.mark, 0, 0xffff_ffff)))}`
  }
}

function renderActions(actions: readonly Action[]): string {
  return actions.length === 0 ? 'drop' : actions.map(renderAction).join(',')
}

function renderAction(action: Action): string {
  switch (action.do) {
    case 'load':
      return renderLoad(action.value, action.to)
    case 'move':
      return `move:${renderSlice(action.from)}->${renderSlice(action.to)}`
    case 'track':
      return `ct(zone=${renderSlice(action.zone)},table=${integer(action.table, 0, 254)})`
    case 'commit': {
      const mark = `set_field:${hex(BigInt(integer(action.mark, 0, 0xffff_ffff)))}->ct_mark`
      const label =
        action.label === undefined
          ? ''
          : `,move:${renderSlice(action.label.from)}->${renderSlice(action.label.to)}`
      return `ct(commit,zone=${renderSlice(action.zone)},exec(${mark}${label}))`
    }
    case 'untrack':
      return 'ct_clear'
    case 'popVlan':
      return 'pop_vlan'
    case 'pushVlan':
      return 'push_vlan:0x8100'
    case 'output':
      return `output:${integer(action.port, 1, 65_534)}`
    case 'outputTo':
      return `output:${renderSlice(action.slice)}`
    case 'goto':
      return `goto_table:${integer(action.table, 0, 254)}`
    case 'resubmit':
      return `resubmit(,${integer(action.table, 0, 254)})`
  }
}

/** `load` takes 64 bits; the 128-bit registers are only ever zeroed, as a whole, by `set_field`. */
function renderLoad(value: bigint, to: Slice): string {
  if (to.to - to.from < 64) return `load:${hex(fitting(value, to))}->${renderSlice(to)}`
  if (value !== 0n) throw new RangeError(`only zero is loaded into ${to.field}`)
  return `set_field:0x0->${to.field.slice('NXM_NX_'.length).toLowerCase()}`
}

function renderSlice({ field, from, to }: Slice): string {
  return from === to ? `${field}[${from}]` : `${field}[${from}..${to}]`
}

/** Canonical text of a MAC address. */
export function renderMac(mac: bigint): string {
  if (mac < 0n || mac >= 1n << 48n) throw new RangeError(`no MAC address: ${mac}`)
  return mac
    .toString(16)
    .padStart(12, '0')
    .replaceAll(/(..)(?!$)/g, '$1:')
}

function renderPrefix({ family, value, length }: Prefix, v4: string, v6: string): string {
  if (family === 4) {
    const octets = [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n)
    return `${v4}=${octets.join('.')}/${integer(length, 0, 32)}`
  }
  const groups = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n]
    .map((shift) => ((value >> shift) & 0xffffn).toString(16))
    .join(':')
  return `${v6}=${groups}/${integer(length, 0, 128)}`
}

function renderMasked(value: number, mask: number): string {
  const bits = integer(mask, 0, 0xffff)
  const number = integer(value, 0, 0xffff)
  return bits === 0xffff ? String(number) : `${hex(BigInt(number))}/${hex(BigInt(bits))}`
}

function registerName({ field }: Slice): string {
  const name = /^NXM_NX_(REG\d+)$/.exec(field)?.[1]
  if (name === undefined) throw new RangeError(`${field} is not matched as a register`)
  return name.toLowerCase()
}

const onesOf = ({ from, to }: Slice): bigint => (1n << BigInt(to - from + 1)) - 1n

function fitting(value: bigint, slice: Slice): bigint {
  if (value < 0n || value > onesOf(slice))
    throw new RangeError(`${value} does not fit ${renderSlice(slice)}`)
  return value
}

function integer(value: number, minimum: number, maximum: number): number {
  if (!Number.isInteger(value) || value < minimum || value > maximum)
    throw new RangeError(`${value} is not within ${minimum}..${maximum}`)
  return value
}

const hex = (value: bigint): string => `0x${value.toString(16)}`
