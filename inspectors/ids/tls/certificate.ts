/**
 * The parts of an X.509 certificate that rules ask for, read from DER without judging it.
 *
 *   Certificate    := SEQUENCE { TBSCertificate, ... }
 *   TBSCertificate := SEQUENCE { [0] version?, serial, algorithm, issuer, validity, subject, ..., [3] extensions? }
 *   Name           := SEQUENCE OF SET OF SEQUENCE { OID, text }
 */
import { createHash } from 'node:crypto'

/** Most attributes of a name, and alternative names, that are read. */
export const MAX_NAME_PARTS = 256

export interface CertificateFacts {
  /** `C=US, O=Example, CN=www.example.com`, in the order of the certificate; latin1. */
  readonly subject: string
  readonly issuer: string
  /** Hex pairs in upper case, colons between. */
  readonly serial: string
  /** SHA-1, hex pairs in lower case, colons between. */
  readonly fingerprint: string
  readonly alternativeNames: readonly string[]
  /** Bounds of the validity, seconds since the epoch; null: unreadable. */
  readonly notBefore: number | null
  readonly notAfter: number | null
}

const ATTRIBUTES: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.4', 'SN'],
  ['2.5.4.5', 'serialNumber'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.12', 'title'],
  ['2.5.4.13', 'description'],
  ['2.5.4.15', 'businessCategory'],
  ['2.5.4.17', 'postalCode'],
  ['2.5.4.42', 'GN'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  ['1.2.840.113549.1.9.1', 'Email'],
  ['1.3.6.1.4.1.311.60.2.1.1', 'jurisdictionLocality'],
  ['1.3.6.1.4.1.311.60.2.1.2', 'jurisdictionStateOrProvince'],
  ['1.3.6.1.4.1.311.60.2.1.3', 'jurisdictionCountry'],
])
const ALTERNATIVE_NAME = '2.5.29.17'

interface Element {
  readonly tag: number
  readonly body: Buffer
  /** Offset after the element in the bytes it was read from. */
  readonly end: number
}

/** @returns null when the bytes are no certificate */
export function parseCertificate(der: Buffer): CertificateFacts | null {
  const certificate = element(der, 0)
  const tbs = certificate === null ? null : element(certificate.body, 0)
  if (tbs === null || tbs.tag !== 0x30) return null
  const parts = children(tbs.body)
  if (parts[0]?.tag === 0xa0) parts.shift()
  const [serial, , issuer, validity, subject] = parts
  if (serial === undefined || issuer === undefined || subject === undefined || serial.tag !== 2)
    return null
  const extensions = parts.find((part) => part.tag === 0xa3)
  const [notBefore = null, notAfter = null] = children(validity.body).map(timeOf)
  return {
    subject: nameText(subject.body),
    issuer: nameText(issuer.body),
    serial: pairs(serial.body.toString('hex').toUpperCase()),
    fingerprint: pairs(createHash('sha1').update(der).digest('hex')),
    alternativeNames: extensions === undefined ? [] : alternativeNames(extensions.body),
    notBefore,
    notAfter,
  }
}

/** UTCTime (years 1950 to 2049) and GeneralizedTime, both in UTC (RFC 5280 section 4.1.2.5). */
function timeOf({ tag, body }: Element): number | null {
  const text = body.toString('latin1')
  const whole = tag === 0x17 ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const form = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?/.exec(whole)
  if (form === null) return null
  const [year, month, day, hour, minute, second = 0] = form
    .slice(1)
    .map((part) => (part === undefined ? undefined : Number(part)))
  return Date.UTC(year!, month! - 1, day, hour, minute, second) / 1000
}

function element(bytes: Buffer, at: number): Element | null {
  if (at + 2 > bytes.length) return null
  let length = bytes[at + 1]
  let start = at + 2
  if (length >= 0x80) {
    const size = length & 0x7f
    if (size === 0 || size > 4 || start + size > bytes.length) return null
    length = bytes.readUIntBE(start, size)
    start += size
  }
  if (start + length > bytes.length) return null
  return { tag: bytes[at], body: bytes.subarray(start, start + length), end: start + length }
}

function children(bytes: Buffer): Element[] {
  const found: Element[] = []
  for (let at = 0; found.length < MAX_NAME_PARTS;) {
    const next = element(bytes, at)
    if (next === null) break
    found.push(next)
    at = next.end
  }
  return found
}

function nameText(body: Buffer): string {
  const parts: string[] = []
  for (const set of children(body)) {
    for (const pair of children(set.body)) {
      const [type, value] = children(pair.body)
      if (type === undefined || value === undefined || parts.length >= MAX_NAME_PARTS) continue
      const oid = oidText(type.body)
      parts.push(`${ATTRIBUTES.get(oid) ?? oid}=${attributeText(value)}`)
    }
  }
  return parts.join(', ')
}

/** BMPString is UTF-16; the other string types are taken byte for byte. */
function attributeText(value: Element): string {
  if (value.tag !== 0x1e) return value.body.toString('latin1')
  let text = ''
  for (let at = 1; at < value.body.length; at += 2) text += String.fromCharCode(value.body[at])
  return text
}

function oidText(body: Buffer): string {
  if (body.length === 0) return ''
  const arcs = [
    Math.min(2, Math.floor(body[0] / 40)),
    body[0] - Math.min(2, Math.floor(body[0] / 40)) * 40,
  ]
  let value = 0
  for (let at = 1; at < body.length; at += 1) {
    value = (value * 128 + (body[at] & 0x7f)) % Number.MAX_SAFE_INTEGER
    if ((body[at] & 0x80) !== 0) continue
    arcs.push(value)
    value = 0
  }
  return arcs.join('.')
}

function alternativeNames(body: Buffer): string[] {
  const list = element(body, 0)
  if (list === null) return []
  for (const extension of children(list.body)) {
    const parts = children(extension.body)
    const value = parts.at(-1)
    if (value === undefined || parts[0].tag !== 6 || oidText(parts[0].body) !== ALTERNATIVE_NAME)
      continue
    const names = element(value.body, 0)
    if (names === null) return []
    return children(names.body).flatMap(({ tag, body: name }) => {
      if (tag === 0x81 || tag === 0x82 || tag === 0x86) return [name.toString('latin1')]
      if (tag === 0x87 && name.length === 4) return [[...name].join('.')]
      return []
    })
  }
  return []
}

function pairs(hex: string): string {
  return hex.replaceAll(/(..)(?=.)/g, '$1:')
}
