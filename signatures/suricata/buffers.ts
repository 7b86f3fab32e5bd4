/**
 * The sticky buffers: one row each drives the parser, validation, prefilter and documentation.
 *
 * `sides` says in which direction the buffer exists: `request` to the server, `response` to the client.
 * `multiple` buffers have several instances in one transaction; a section matches when one does.
 * `priority` orders the choice of the fast pattern: the lowest is looked at first.
 */
export type BufferSide = 'request' | 'response' | 'both'

export interface BufferRow {
  readonly name: string
  readonly aliases: readonly string[]
  /** Application protocols that have it; empty: any. */
  readonly applications: readonly string[]
  readonly sides: BufferSide
  readonly multiple: boolean
  /** Arrives in pieces: matched over a sliding window. */
  readonly streaming: boolean
  readonly priority: number
  /** Not text but numbers: a keyword compares them, and it is no sticky buffer. */
  readonly numbers: boolean
  /** It can be named as a sticky buffer; otherwise a keyword of its own looks into it. */
  readonly isSticky: boolean
  readonly summary: string
}

const HTTP = ['http']
const FILE = ['http', 'smtp', 'ftp-data', 'smb', 'nfs', 'ftp']

interface Extra {
  readonly aliases?: readonly string[]
  readonly multiple?: boolean
  readonly streaming?: boolean
  readonly priority?: number
  readonly numbers?: boolean
  readonly hidden?: boolean
}

function row(
  name: string,
  applications: readonly string[],
  sides: BufferSide,
  summary: string,
  extra: Extra = {},
): BufferRow {
  return {
    name,
    aliases: extra.aliases ?? [],
    applications,
    sides,
    multiple: extra.multiple ?? false,
    streaming: extra.streaming ?? false,
    priority: extra.priority ?? 2,
    numbers: extra.numbers ?? false,
    isSticky: extra.numbers !== true && extra.hidden !== true,
    summary,
  }
}

/** Name of the section that holds matches made before any sticky buffer. */
export const PAYLOAD = 'payload'

export const BUFFERS: readonly BufferRow[] = [
  row(PAYLOAD, [], 'both', 'Payload of the packet or stream', { streaming: true, priority: 3 }),
  row('http.uri', HTTP, 'request', 'Request URI, decoded and normalised'),
  row('http.uri.raw', HTTP, 'request', 'Request URI as sent'),
  row('http.method', HTTP, 'request', 'Request method', { priority: 4 }),
  row('http.host', HTTP, 'request', 'Host in lower case, without the port'),
  row('http.host.raw', HTTP, 'request', 'Host as sent'),
  row('http.header', HTTP, 'both', 'Header lines, cookies left out'),
  row('http.header.raw', HTTP, 'both', 'Header block as sent'),
  row('http.header_names', HTTP, 'both', 'Names of the headers, each in a line', {
    aliases: ['http_header_names'],
  }),
  row('http.request_header', HTTP, 'request', 'One "name: value" each', { multiple: true }),
  row('http.response_header', HTTP, 'response', 'One "name: value" each', { multiple: true }),
  row('http.user_agent', HTTP, 'request', 'Value of User-Agent'),
  row('http.cookie', HTTP, 'both', 'Value of Cookie or Set-Cookie'),
  row('http.request_body', HTTP, 'request', 'Body of the request', { streaming: true }),
  row('http.response_body', HTTP, 'response', 'Body of the response', { streaming: true }),
  row('http.stat_code', HTTP, 'response', 'Status code', { priority: 4 }),
  row('http.stat_msg', HTTP, 'response', 'Reason phrase', { priority: 3 }),
  row('http.content_type', HTTP, 'both', 'Value of Content-Type', {
    aliases: ['http_content_type'],
  }),
  row('http.content_len', HTTP, 'both', 'Value of Content-Length', {
    aliases: ['http_content_len'],
  }),
  row('http.connection', HTTP, 'both', 'Value of Connection', { aliases: ['http_connection'] }),
  row('http.accept', HTTP, 'request', 'Value of Accept', { aliases: ['http_accept'] }),
  row('http.accept_enc', HTTP, 'request', 'Value of Accept-Encoding', {
    aliases: ['http_accept_enc'],
  }),
  row('http.accept_lang', HTTP, 'request', 'Value of Accept-Language', {
    aliases: ['http_accept_lang'],
  }),
  row('http.referer', HTTP, 'request', 'Value of Referer', { aliases: ['http_referer'] }),
  row('http.location', HTTP, 'response', 'Value of Location'),
  row('http.server', HTTP, 'response', 'Value of Server'),
  row('http.protocol', HTTP, 'both', 'Protocol version as sent', { aliases: ['http_protocol'] }),
  row('http.start', HTTP, 'both', 'First line and header block', { aliases: ['http_start'] }),
  row('http.request_line', HTTP, 'request', 'Request line', { aliases: ['http_request_line'] }),
  row('http.response_line', HTTP, 'response', 'Status line', { aliases: ['http_response_line'] }),
  row('file.data', FILE, 'both', 'Body or file, content coding removed', {
    aliases: ['file_data'],
    streaming: true,
  }),
  row('file.name', FILE, 'both', 'Name of the file'),
  row('tls.sni', ['tls'], 'request', 'Server name of the ClientHello', { aliases: ['tls_sni'] }),
  row('tls.alpn', ['tls'], 'both', 'Application protocols offered or chosen', { multiple: true }),
  row('tls.random', ['tls'], 'both', 'Random of the hello, 32 bytes'),
  row('tls.random_time', ['tls'], 'both', 'First 4 bytes of the random'),
  row('tls.random_bytes', ['tls'], 'both', 'Last 28 bytes of the random'),
  row('tls.certs', ['tls'], 'both', 'Each certificate, DER', { multiple: true }),
  row('tls.cert_subject', ['tls'], 'both', 'Subject of the certificate', {
    aliases: ['tls_cert_subject'],
  }),
  row('tls.cert_issuer', ['tls'], 'both', 'Issuer of the certificate', {
    aliases: ['tls_cert_issuer'],
  }),
  row('tls.cert_serial', ['tls'], 'both', 'Serial number, hex pairs with colons', {
    aliases: ['tls_cert_serial'],
  }),
  row('tls.cert_fingerprint', ['tls'], 'both', 'SHA-1, hex pairs with colons', {
    aliases: ['tls_cert_fingerprint'],
  }),
  row('tls.subjectaltname', ['tls'], 'both', 'Each alternative name', { multiple: true }),
  row('ja3.hash', ['tls'], 'request', 'JA3 of the ClientHello, MD5 in hex', {
    aliases: ['ja3_hash'],
  }),
  row('ja3.string', ['tls'], 'request', 'JA3 of the ClientHello, text', {
    aliases: ['ja3_string'],
  }),
  row('ja3s.hash', ['tls'], 'response', 'JA3S of the ServerHello, MD5 in hex'),
  row('ja3s.string', ['tls'], 'response', 'JA3S of the ServerHello, text'),
  row('ja4.hash', ['tls'], 'request', 'JA4 of the ClientHello', { aliases: ['ja4_hash'] }),
  row('dns.query', ['dns'], 'request', 'Name of each question', {
    aliases: ['dns_query'],
    multiple: true,
  }),
  row('dns.query.name', ['dns'], 'both', 'Name of each question', { multiple: true }),
  row('dns.queries.rrname', ['dns'], 'both', 'Name of each question', { multiple: true }),
  row('dns.answer.name', ['dns'], 'both', 'Name of each answer', { multiple: true }),
  row('dns.answers.rrname', ['dns'], 'both', 'Name of each answer', { multiple: true }),
  row('dns.authorities.rrname', ['dns'], 'both', 'Name of each authority', { multiple: true }),
  row('dns.additionals.rrname', ['dns'], 'both', 'Name of each additional', { multiple: true }),
  row('dns.response.rrname', ['dns'], 'response', 'Each name of the response', { multiple: true }),
  row('ssh.proto', ['ssh'], 'both', 'Protocol version of the banner', { aliases: ['ssh_proto'] }),
  row('ssh.software', ['ssh'], 'both', 'Software version of the banner', {
    aliases: ['ssh_software'],
  }),
  row('ip.src', [], 'both', 'Source address, 4 or 16 bytes'),
  row('ip.dst', [], 'both', 'Destination address, 4 or 16 bytes'),
  row('tcp.hdr', [], 'both', 'TCP header'),
  row('udp.hdr', [], 'both', 'UDP header'),
  row('ipv4.hdr', [], 'both', 'IPv4 header'),
  row('ipv6.hdr', [], 'both', 'IPv6 header'),
  row('icmpv4.hdr', [], 'both', 'ICMPv4 header'),
  row('icmpv6.hdr', [], 'both', 'ICMPv6 header'),
  row('dns.opcode', ['dns'], 'both', 'Operation code', { numbers: true }),
  row('dns.rcode', ['dns'], 'both', 'Response code', { numbers: true }),
  row('dns.rrtype', ['dns'], 'both', 'Type of each question, of a response each answer', {
    numbers: true,
  }),
  row('tls.cert_chain_len', ['tls'], 'response', 'Certificates of the server', { numbers: true }),
  row('tls_cert_validity', ['tls'], 'response', '-1: not yet valid, 0: valid, 1: no more', {
    numbers: true,
  }),
  row('tls_cert_notbefore', ['tls'], 'response', 'Validity begins, seconds', { numbers: true }),
  row('tls_cert_notafter', ['tls'], 'response', 'Validity ends, seconds', { numbers: true }),
  row('dcerpc.stub_data', ['dcerpc'], 'both', 'Arguments or results of the call', {
    aliases: ['dce_stub_data'],
  }),
  row('dcerpc.iface', ['dcerpc'], 'both', 'UUID and version of the interface', { hidden: true }),
  row('dcerpc.opnum', ['dcerpc'], 'both', 'Number of the operation', { numbers: true }),
  row('vlan.id', [], 'both', 'VLAN of each tag', { numbers: true }),
  row('vlan.layers', [], 'both', 'Number of VLAN tags', { numbers: true }),
]

const BY_NAME = new Map<string, BufferRow>(
  BUFFERS.flatMap((buffer) => [buffer.name, ...buffer.aliases].map((name) => [name, buffer])),
)

export function bufferByName(name: string): BufferRow | undefined {
  return BY_NAME.get(name)
}

/** Buffers that only a decoded packet has. */
export function isPacketBuffer(name: string): boolean {
  return name.endsWith('.hdr') || name.startsWith('vlan.') || name === 'ip.src' || name === 'ip.dst'
}

/** Old modifiers that move the content before them into a buffer. */
export const LEGACY_MODIFIERS: readonly (readonly [string, string])[] = [
  ['http_uri', 'http.uri'],
  ['http_raw_uri', 'http.uri.raw'],
  ['http_method', 'http.method'],
  ['http_header', 'http.header'],
  ['http_raw_header', 'http.header.raw'],
  ['http_cookie', 'http.cookie'],
  ['http_host', 'http.host'],
  ['http_raw_host', 'http.host.raw'],
  ['http_user_agent', 'http.user_agent'],
  ['http_client_body', 'http.request_body'],
  ['http_server_body', 'http.response_body'],
  ['http_stat_code', 'http.stat_code'],
  ['http_stat_msg', 'http.stat_msg'],
]

/** Buffer letters of `pcre` modifiers. */
export const PCRE_BUFFER_LETTERS: ReadonlyMap<string, string> = new Map([
  ['U', 'http.uri'],
  ['I', 'http.uri.raw'],
  ['P', 'http.request_body'],
  ['Q', 'http.response_body'],
  ['H', 'http.header'],
  ['D', 'http.header.raw'],
  ['M', 'http.method'],
  ['C', 'http.cookie'],
  ['S', 'http.stat_code'],
  ['Y', 'http.stat_msg'],
  ['W', 'http.host'],
  ['Z', 'http.host.raw'],
  ['V', 'http.user_agent'],
])
