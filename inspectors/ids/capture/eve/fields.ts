import { headerValue, type HttpTransaction } from '#inspectors/http/transaction.ts'
import type { TlsSession } from '../../tls/tls-session.ts'
import { ja3String, ja3sString, ja4, md5Hex } from '../../tls/fingerprints.ts'
import { FIN, ACK, type Packet, RST, SYN, UDP } from '../packet.ts'
import type { ReplayFlow } from '../replay-flow.ts'

export const MAX_TEXT = 4096

type Fields = Record<string, unknown>

/** EVE's `http` object of a transaction of a capture. */
/** @param extended all that is told of an exchange; otherwise who asked for what alone */
export function httpRecord(transaction: HttpTransaction, extended = true): Fields {
  const { request, response } = transaction
  const fields: Fields = {}
  const host = headerValue(request.headers, 'host')
  if (host !== null) {
    const name = shown(host.includes(':') ? host.replace(/:\d*$/, '') : host)
    if (name !== null) fields.hostname = name
    const port = host.includes(':') ? /:(\d{1,5})$/.exec(host) : null
    if (port !== null) fields.http_port = Number(port[1])
  }
  const url = shown(request.target)
  if (url !== null) fields.url = url
  const agent = shown(headerValue(request.headers, 'user-agent'))
  if (agent !== null) fields.http_user_agent = agent
  if (response !== null) {
    const type = headerValue(response.headers, 'content-type')
    const mediaType = shown(type === null ? null : type.replace(/[;\s][^]*$/, ''))
    if (mediaType !== null) fields.http_content_type = mediaType
  }
  if (!extended) return fields
  const referer = shown(headerValue(request.headers, 'referer'))
  if (referer !== null) fields.http_refer = referer
  const method = shown(request.method)
  if (method !== null) fields.http_method = method
  const protocol = shown(request.protocol)
  if (protocol !== null) fields.protocol = protocol
  if (response !== null) {
    if (response.status > 0) fields.status = response.status
    const location = shown(headerValue(response.headers, 'location'))
    if (location !== null) fields.redirect = location
  }
  fields.length = transaction.responseBodyBytes
  return fields
}

/** As much of a value as records show; null: there is none. */
function shown(value: string | null): string | null {
  return value === null || value === '' ? null : value.slice(0, MAX_TEXT)
}

const VERSIONS: ReadonlyMap<number, string> = new Map([
  [0x0300, 'SSLv3'],
  [0x0301, 'TLSv1'],
  [0x0302, 'TLS 1.1'],
  [0x0303, 'TLS 1.2'],
  [0x0304, 'TLS 1.3'],
])

/** EVE's `tls` object of a handshake. */
export function tlsRecord(session: TlsSession): Fields {
  const { client, server, certificate, version } = session
  return {
    ...(certificate === null
      ? {}
      : {
          subject: certificate.subject,
          issuerdn: certificate.issuer,
          serial: certificate.serial,
          fingerprint: certificate.fingerprint,
          ...(certificate.notBefore === null ? {} : { notbefore: dateText(certificate.notBefore) }),
          ...(certificate.notAfter === null ? {} : { notafter: dateText(certificate.notAfter) }),
          ...(certificate.alternativeNames.length === 0
            ? {}
            : { subjectaltname: certificate.alternativeNames }),
        }),
    ...(session.isResumed ? { session_resumed: true } : {}),
    ...(client === null || client.serverName === null ? {} : { sni: client.serverName }),
    ...(version === null ? {} : { version: VERSIONS.get(version) ?? 'UNDETERMINED' }),
    ...(client === null || client.isSslV2
      ? {}
      : {
          ja3: { hash: md5Hex(ja3String(client)), string: ja3String(client) },
          ja4: ja4(client),
          ...(client.alpn.length === 0 ? {} : { client_alpns: client.alpn }),
        }),
    ...(server === null
      ? {}
      : {
          ja3s: { hash: md5Hex(ja3sString(server)), string: ja3sString(server) },
          ...(server.alpn.length === 0 ? {} : { server_alpns: server.alpn }),
        }),
  }
}

/** @param seconds since the epoch */
function dateText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19)
}

/** EVE's `tcp` object of a flow. */
export function tcpRecord(flow: ReplayFlow): Fields {
  if (flow.tcp === null) return {}
  const ours = flow.tcp.flags('to_server')
  const theirs = flow.tcp.flags('to_client')
  const all = ours | theirs
  const names: Fields = {}
  const bits: readonly (readonly [string, number])[] = [
    ['syn', SYN],
    ['fin', FIN],
    ['rst', RST],
    ['psh', 8],
    ['ack', ACK],
    ['urg', 32],
    ['ecn', 64],
    ['cwr', 128],
  ]
  for (const [name, bit] of bits) if ((all & bit) !== 0) names[name] = true
  const hex = (flags: number): string => flags.toString(16).padStart(2, '0')
  return {
    tcp: {
      tcp_flags: hex(all),
      tcp_flags_ts: hex(ours),
      tcp_flags_tc: hex(theirs),
      ...names,
      ...(flow.isFollowed
        ? {
            state: flow.tcp.state,
            ts_max_regions: flow.tcp.regions('to_server'),
            tc_max_regions: flow.tcp.regions('to_client'),
          }
        : {}),
      ...(flow.tcp.gaps('to_server') > 0 ? { ts_gap: true } : {}),
      ...(flow.tcp.gaps('to_client') > 0 ? { tc_gap: true } : {}),
    },
  }
}

/** EVE's `drop` object of a packet. */
export function dropRecord(packet: Packet, reason: string): Fields {
  const { tcp, icmp } = packet
  const flag = (bit: number): boolean => tcp !== null && (tcp.flags & bit) !== 0
  return {
    len: packet.ipBytes,
    tos: packet.tos,
    ttl: packet.ttl,
    ipid: packet.id & 0xffff,
    ...(tcp === null
      ? {}
      : {
          tcpseq: tcp.sequence >>> 0,
          tcpack: tcp.acknowledgement >>> 0,
          tcpwin: tcp.window,
          syn: flag(SYN),
          ack: flag(ACK),
          psh: flag(8),
          rst: flag(RST),
          urg: flag(32),
          fin: flag(FIN),
          tcpres: 0,
          tcpurgp: tcp.urgent,
        }),
    ...(packet.protocol === UDP ? { udplen: packet.payload.length + 8 } : {}),
    ...(icmp === null ? {} : { icmp_id: icmp.id, icmp_seq: icmp.sequence }),
    reason,
  }
}
