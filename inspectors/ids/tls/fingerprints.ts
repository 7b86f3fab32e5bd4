import { createHash } from 'node:crypto'
import { type Hello, isGrease } from './hello.ts'

/**
 * JA3 text of a ClientHello: version, suites, extensions, groups and point formats, GREASE left out.
 *
 * @see https://github.com/salesforce/ja3
 */
export function ja3String(hello: Hello): string {
  return [
    String(hello.legacyVersion),
    decimals(hello.suites),
    decimals(hello.extensions),
    decimals(hello.groups),
    hello.pointFormats.join('-'),
  ].join(',')
}

/** JA3S text of a ServerHello: version, suite and extensions. */
export function ja3sString(hello: Hello): string {
  return [String(hello.legacyVersion), decimals(hello.suites), decimals(hello.extensions)].join(',')
}

export function md5Hex(text: string): string {
  return createHash('md5').update(text, 'latin1').digest('hex')
}

const JA4_VERSIONS: ReadonlyMap<number, string> = new Map([
  [0x0304, '13'],
  [0x0303, '12'],
  [0x0302, '11'],
  [0x0301, '10'],
  [0x0300, 's3'],
  [0x0002, 's2'],
])

/**
 * JA4 of a ClientHello over TCP.
 *
 * @see https://github.com/FoxIO-LLC/ja4, technical details of JA4
 */
export function ja4(hello: Hello): string {
  const suites = hello.suites.filter((value) => !isGrease(value))
  const extensions = hello.extensions.filter((value) => !isGrease(value))
  const first = hello.alpn[0] ?? ''
  const head = [
    't',
    JA4_VERSIONS.get(hello.version) ?? '00',
    hello.serverName === null ? 'i' : 'd',
    String(Math.min(99, suites.length)).padStart(2, '0'),
    String(Math.min(99, extensions.length)).padStart(2, '0'),
    alpnEnds(first),
  ].join('')
  const hashed = extensions.filter((value) => value !== 0 && value !== 16)
  const signatures = hello.signatureAlgorithms
    .filter((value) => !isGrease(value))
    .map(hex4)
    .join(',')
  const sortedExtensions = hashed.map(hex4).sort().join(',')
  const tail = signatures === '' ? sortedExtensions : `${sortedExtensions}_${signatures}`
  return `${head}_${shortHash(suites.map(hex4).sort().join(','))}_${shortHash(sortedExtensions === '' ? '' : tail)}`
}

function alpnEnds(alpn: string): string {
  if (alpn === '') return '00'
  const ends = alpn[0] + alpn[alpn.length - 1]
  if (/^[0-9A-Za-z]{2}$/.test(ends)) return ends
  const hex = Buffer.from(alpn, 'latin1').toString('hex')
  return hex[0] + hex[hex.length - 1]
}

function shortHash(text: string): string {
  if (text === '') return '000000000000'
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

function hex4(value: number): string {
  return value.toString(16).padStart(4, '0')
}

function decimals(values: readonly number[]): string {
  return values.filter((value) => !isGrease(value)).join('-')
}
