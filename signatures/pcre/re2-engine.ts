import { createRequire } from 'node:module'
import type RE2 from 're2'
import type { Engine } from './engine.ts'
import { MAX_V8_BYTES } from './hybrid-engine.ts'
import type { ExecSource } from './linear-engine.ts'

/**
 * RE2, for long values and for patterns whose counted repeats are too large for V8's linear engine. RE2
 * reads UTF-8: a latin1 value is given to it as the UTF-8 of its characters, so that one byte is one code
 * point. As that conversion costs more than matching does, a looser pattern for V8 may be asked first where
 * the value is short, and a converted value is kept for the next pattern.
 */
export class Re2Engine implements Engine {
  readonly #candidates: Engine | null
  readonly #testing: RE2
  readonly #regex: RE2
  readonly #exec: ExecSource
  #match: RE2BufferMatch | null = null
  #value = ''
  #start = -1
  end = -1
  readonly exhausted = false

  /** @throws SyntaxError when RE2 refuses the pattern (its program would be too large) */
  constructor(candidates: Engine | null, testSource: string, exec: ExecSource, sticky: boolean) {
    this.#testing = new (re2())(testSource, sticky ? 'y' : '')
    this.#candidates = candidates
    this.#exec = exec
    this.#regex = new (re2())(exec.source, sticky ? 'gy' : 'g')
  }

  test(value: string, from: number): boolean {
    if (!this.#isCandidate(value, from)) return false
    if (from > 0) return this.#find(value, from) !== null
    this.#testing.lastIndex = 0

    return this.#testing.test(toUtf8(value))
  }

  exec(value: string, from: number): number {
    this.#match = this.#isCandidate(value, from) ? this.#find(value, from) : null
    const match = this.#match
    if (match === null) {
      this.end = -1
      return -1
    }
    this.#value = value
    this.#start = fromUtf8(value, match.index)
    let length = match[0]!.length
    for (const group of this.#exec.tailGroups) if (match[group] !== undefined) length -= 1
    this.end = fromUtf8(value, match.index + length)
    return this.#start
  }

  capture(group: number): string | null {
    if (this.end < 0) return null
    if (group === 0) return this.#value.slice(this.#start, this.end)
    const number = this.#exec.groupNumbers[group]
    const bytes = number === undefined ? undefined : this.#match?.[number]
    return bytes === undefined ? null : bytes.toString('utf8')
  }

  #isCandidate(value: string, from: number): boolean {
    if (this.#candidates === null || value.length > MAX_V8_BYTES) return true
    return this.#candidates.test(value, from)
  }

  #find(value: string, from: number): RE2BufferMatch | null {
    const bytes = toUtf8(value)
    this.#regex.lastIndex = from === 0 ? 0 : toUtf8Offset(value, from)
    return this.#regex.exec(bytes) as RE2BufferMatch | null
  }
}

/** What `exec` returns for a Buffer; `index` counts bytes. */
interface RE2BufferMatch {
  readonly index: number
  readonly [group: number]: Buffer | undefined
}

let loaded: typeof RE2 | null = null

/** Loaded at the first use: most rule sets never need it. */
function re2(): typeof RE2 {
  loaded ??= createRequire(import.meta.url)('re2') as typeof RE2
  return loaded
}

/** Longest value whose conversion is kept. */
const MAX_KEPT_BYTES = 1_048_576

let keptValue = ''
let keptBytes: Buffer = Buffer.alloc(0)

function toUtf8(value: string): Buffer {
  if (value === keptValue) return keptBytes
  const bytes = Buffer.from(value, 'utf8')
  if (value.length <= MAX_KEPT_BYTES) {
    keptValue = value
    keptBytes = bytes
  }
  return bytes
}

function toUtf8Offset(value: string, offset: number): number {
  return Buffer.byteLength(value.slice(0, offset), 'utf8')
}

function fromUtf8(value: string, offset: number): number {
  const bytes = toUtf8(value)
  if (bytes.length === value.length) return offset
  return bytes.toString('utf8', 0, offset).length
}
