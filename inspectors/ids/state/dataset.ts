import { addressBytes } from '#signatures/suricata/address.ts'
import type { DatasetType } from '#signatures/suricata/buffer-match.ts'

/** Most entries of one set, and longest value of one. */
export const MAX_SET_ENTRIES = 5_000_000
export const MAX_VALUE_BYTES = 65_535
/** What an entry costs beside its value. */
const ENTRY_BYTES = 64

/** What a set knows of a value: its reputation, or what the file says about it. */
export interface SetEntry {
  readonly reputation: number
  /** Null: nothing. */
  readonly context: Readonly<Record<string, unknown>> | null
}

const NO_ENTRY: SetEntry = { reputation: 0, context: null }

/** Values of one type that rules ask for and add to, shared by all connections of an inspector. */
export class Dataset {
  readonly type: DatasetType
  readonly #isSubdomain: boolean
  readonly #maxBytes: number
  readonly #entries = new Map<string, SetEntry>()
  #bytes = 0

  constructor(type: DatasetType, maxBytes: number, isSubdomain: boolean) {
    this.type = type
    this.#maxBytes = maxBytes
    this.#isSubdomain = isSubdomain
  }

  get size(): number {
    return this.#entries.size
  }

  /** @param value bytes of a buffer, latin1; null: it is not there, or no value of this type */
  find(value: string): SetEntry | null {
    const key = keyOf(this.type, value)
    if (key === null) return null
    const found = this.#entries.get(key)
    if (found !== undefined || !this.#isSubdomain) return found ?? null
    return this.#parent(key)
  }

  /** @returns false when there is no room for it or it is no value of this type */
  add(value: string, entry: SetEntry = NO_ENTRY): boolean {
    const key = keyOf(this.type, value)
    if (key === null || key.length > MAX_VALUE_BYTES) return false
    const cost = key.length + ENTRY_BYTES
    if (this.#entries.size >= MAX_SET_ENTRIES || this.#bytes + cost > this.#maxBytes) return false
    if (!this.#entries.has(key)) this.#bytes += cost
    this.#entries.set(key, entry)
    return true
  }

  remove(value: string): void {
    const key = keyOf(this.type, value)
    if (key !== null && this.#entries.delete(key)) this.#bytes -= key.length + ENTRY_BYTES
  }

  /** The nearest domain above, written with a dot before it or without. */
  #parent(name: string): SetEntry | null {
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const found = this.#entries.get(name.slice(dot)) ?? this.#entries.get(name.slice(dot + 1))
      if (found !== undefined) return found
    }
    return null
  }
}

const BYTES: Readonly<Record<DatasetType, readonly number[] | null>> = {
  string: null,
  md5: [16],
  sha256: [32],
  ipv4: [4],
  ip: [4, 16],
}

/** IPv4 addresses are kept with their 4 bytes however they are written. */
function keyOf(type: DatasetType, value: string): string | null {
  const sizes = BYTES[type]
  if (sizes === null) return value
  if (!sizes.includes(value.length)) return null
  return value.length === 16 && type === 'ip' && value.startsWith(V4_MAPPED)
    ? value.slice(V4_MAPPED.length)
    : value
}

const V4_MAPPED = '\0\0\0\0\0\0\0\0\0\0\xff\xff'

/**
 * Bytes of a value as a file has it: base64 for strings, hex for sums, text for addresses; `isPlain` where strings
 * are written as they are.
 *
 * @returns latin1; null when it is no value of this type
 */
export function valueBytes(type: DatasetType, text: string, isPlain: boolean): string | null {
  switch (type) {
    case 'string':
      if (isPlain) return Buffer.from(text, 'utf8').toString('latin1')
      return /^[A-Za-z0-9+/]+={0,2}$/.test(text)
        ? Buffer.from(text, 'base64').toString('latin1')
        : null
    case 'md5':
    case 'sha256':
      return /^[0-9a-fA-F]+$/.test(text) && text.length === (type === 'md5' ? 32 : 64)
        ? Buffer.from(text, 'hex').toString('latin1')
        : null
    case 'ipv4':
    case 'ip':
      return addressBytes(text)
  }
}
