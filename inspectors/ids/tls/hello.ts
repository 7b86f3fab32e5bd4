/**
 * ClientHello and ServerHello (RFC 8446, 4.1.2 and 4.1.3).
 *
 *   hello := version(2) random(32) session<0..32> suites extensions<0..2^16-1>
 */

/** Most extensions, suites and names that are read. */
export const MAX_HELLO_ITEMS = 1024

export interface Hello {
  /** Version field of the message. */
  readonly legacyVersion: number
  /** Highest offered, or the one chosen, `supported_versions` included. */
  readonly version: number
  readonly random: Buffer
  /** Offered suites; of a ServerHello the one chosen. */
  readonly suites: readonly number[]
  /** Types in the order sent. */
  readonly extensions: readonly number[]
  readonly serverName: string | null
  readonly alpn: readonly string[]
  readonly groups: readonly number[]
  readonly pointFormats: readonly number[]
  readonly signatureAlgorithms: readonly number[]
  readonly versions: readonly number[]
  /** Identifies a session that goes on; empty: a new one. */
  readonly sessionId: Buffer
  /** A session ticket came with it (RFC 5077). */
  readonly hasTicket: boolean
  /** In the form of SSL 2, which has no extensions. */
  readonly isSslV2: boolean
}

const SESSION_TICKET = 35

/**
 * ClientHello in the form of SSL 2, as clients once sent it to servers that may know SSL 3 or TLS (RFC 5246, E.2).
 *
 *   hello := type(1) version(2) suitesBytes(2) sessionBytes(2) challengeBytes(2) suites(3 each) session challenge
 *
 * @param body the record behind its two length bytes
 */
export function parseSslV2Hello(body: Buffer): Hello | null {
  const reader = new Reader(body)
  reader.u8()
  const version = reader.u16()
  const suiteBytes = reader.u16()
  const sessionBytes = reader.u16()
  const challengeBytes = reader.u16()
  const specs = reader.bytes(suiteBytes)
  const sessionId = reader.bytes(sessionBytes)
  const random = reader.bytes(challengeBytes)
  if (reader.failed || suiteBytes % 3 !== 0) return null
  const suites: number[] = []
  // Three bytes each; those of TLS begin with 0.
  for (let at = 0; at + 3 <= specs.length && suites.length < MAX_HELLO_ITEMS; at += 3)
    if (specs[at] === 0) suites.push(specs.readUInt16BE(at + 1))
  return {
    legacyVersion: version,
    version,
    random,
    suites,
    extensions: [],
    serverName: null,
    alpn: [],
    groups: [],
    pointFormats: [],
    signatureAlgorithms: [],
    versions: [],
    sessionId,
    hasTicket: false,
    isSslV2: true,
  }
}

/** RFC 8701: values that mean nothing and are sent to keep others honest. */
export function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff)
}

/** @returns null when the message is cut or does not add up */
export function parseHello(body: Buffer, kind: 'client' | 'server'): Hello | null {
  const reader = new Reader(body)
  const legacyVersion = reader.u16()
  const random = reader.bytes(32)
  const sessionId = reader.bytes(reader.u8())
  let suites: number[]
  if (kind === 'client') {
    suites = reader.u16List(reader.u16())
    reader.bytes(reader.u8())
  } else {
    suites = [reader.u16()]
    reader.u8()
  }
  const hello = {
    legacyVersion,
    version: legacyVersion,
    random,
    suites,
    extensions: [] as number[],
    serverName: null as string | null,
    alpn: [] as string[],
    groups: [] as number[],
    pointFormats: [] as number[],
    signatureAlgorithms: [] as number[],
    versions: [] as number[],
    sessionId,
    hasTicket: false,
    isSslV2: false,
  }
  if (reader.failed) return null
  if (reader.left === 0) return hello
  const extensions = new Reader(reader.bytes(reader.u16()))
  while (extensions.left >= 4 && hello.extensions.length < MAX_HELLO_ITEMS) {
    const type = extensions.u16()
    const data = new Reader(extensions.bytes(extensions.u16()))
    if (extensions.failed) break
    hello.extensions.push(type)
    if (type === SESSION_TICKET && data.left > 0) hello.hasTicket = true
    readExtension(type, data, kind, hello)
  }
  const offered = hello.versions.filter((version) => !isGrease(version))
  if (offered.length > 0) hello.version = Math.max(...offered)
  return hello
}

function readExtension(
  type: number,
  data: Reader,
  kind: 'client' | 'server',
  hello: {
    serverName: string | null
    alpn: string[]
    groups: number[]
    pointFormats: number[]
    signatureAlgorithms: number[]
    versions: number[]
  },
): void {
  switch (type) {
    case 0: {
      data.u16()
      const nameType = data.u8()
      const name = data.bytes(data.u16())
      if (nameType === 0 && !data.failed && hello.serverName === null)
        hello.serverName = name.toString('latin1')
      return
    }
    case 10:
      hello.groups = data.u16List(data.u16())
      return
    case 11:
      hello.pointFormats = [...data.bytes(data.u8())]
      return
    case 13:
      hello.signatureAlgorithms = data.u16List(data.u16())
      return
    case 16: {
      const list = new Reader(data.bytes(data.u16()))
      while (list.left > 0 && !list.failed && hello.alpn.length < MAX_HELLO_ITEMS)
        hello.alpn.push(list.bytes(list.u8()).toString('latin1'))
      return
    }
    case 43:
      hello.versions = kind === 'client' ? data.u16List(data.u8()) : [data.u16()]
  }
}

const NO_BYTES = Buffer.alloc(0)

/** Reads numbers and runs of bytes; beyond the end it gives zeros and `failed`. */
class Reader {
  readonly #bytes: Buffer
  #at = 0
  failed = false

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  u8(): number {
    if (this.left < 1) return this.#fail()
    this.#at += 1
    return this.#bytes[this.#at - 1]
  }

  u16(): number {
    if (this.left < 2) return this.#fail()
    this.#at += 2
    return this.#bytes.readUInt16BE(this.#at - 2)
  }

  bytes(count: number): Buffer {
    if (this.left < count) {
      this.#fail()
      return NO_BYTES
    }
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  u16List(byteLength: number): number[] {
    const run = this.bytes(byteLength)
    const list: number[] = []
    for (let at = 0; at + 1 < run.length && list.length < MAX_HELLO_ITEMS; at += 2)
      list.push(run.readUInt16BE(at))
    return list
  }

  #fail(): number {
    this.failed = true
    return 0
  }
}
