import { Entry } from '../values/entry.ts'
import type { ParsedBody } from './parsed-body.ts'

/**
 * Strict JSON (RFC 8259) to arguments, without recursion and without a tree: each scalar becomes an
 * argument at once, so duplicate keys are all kept and depth costs no stack.
 *
 * Names are paths as ModSecurity v2 writes them: `{"a":{"b":1},"c":[2,3]}` gives `a.b` and twice `c.c`
 * (an element of an array goes by the array's own key), a top-level array `array.array`, a bare scalar
 * `json`. Values are text: strings with escapes resolved (UTF-8 bytes), numbers as written,
 * `true`, `false`, and nothing for `null`. Each key is part of a name and so in ARGS_NAMES; a key whose
 * value is an empty object or array still gets a name, with an empty value.
 */

export interface JsonLimits {
  readonly depth: number
  readonly arguments: number
}

interface Container {
  readonly isArray: boolean
  /** Path of the container itself; empty for a top-level object. */
  readonly path: string
  /** Key of the current member; for arrays the array's own. */
  key: string
}

const LITERALS: ReadonlyMap<string, string> = new Map([
  ['true', 'true'],
  ['false', 'false'],
  ['null', ''],
])

export function parseJson(textLatin1: string, limits: JsonLimits): ParsedBody {
  return new JsonReader(textLatin1, limits).read()
}

class JsonReader {
  readonly #text: string
  readonly #limits: JsonLimits
  readonly #args: Entry[] = []
  readonly #stack: Container[] = []
  #at = 0
  #error: string | null = null

  constructor(textLatin1: string, limits: JsonLimits) {
    this.#text = textLatin1
    this.#limits = limits
  }

  read(): ParsedBody {
    // A byte order mark is not JSON, and lenient readers skip it: read on, and say so.
    if (this.#text.startsWith('\xef\xbb\xbf')) this.#at = 3
    this.#skipBlanks()
    let expectsValue = true
    while (this.#error === null) {
      if (expectsValue) {
        expectsValue = this.#value()
      } else {
        if (this.#stack.length === 0) break
        expectsValue = this.#afterValue()
      }
    }
    if (this.#error === null) {
      this.#skipBlanks()
      if (this.#at < this.#text.length) this.#fail('text after the document')
      else if (this.#text.startsWith('\xef\xbb\xbf')) this.#fail('byte order mark')
    }
    return { args: this.#args, error: this.#error }
  }

  /** Reads a value or opens a container. Returns true when a value is expected next. */
  #value(): boolean {
    const text = this.#text
    const character = text[this.#at]
    if (character === '{' || character === '[') return this.#open(character === '[')
    if (character === '"') {
      const value = this.#string()
      if (value !== null) this.#add(value)
      return false
    }
    const scalar = SCALAR
    scalar.lastIndex = this.#at
    const match = scalar.exec(text)
    if (match === null) {
      this.#fail('a value is expected')
      return false
    }
    this.#at = scalar.lastIndex
    this.#add(LITERALS.get(match[0]) ?? match[0])
    return false
  }

  #open(isArray: boolean): boolean {
    if (this.#stack.length >= this.#limits.depth) {
      this.#fail(`more than ${this.#limits.depth} nested levels`)
      return false
    }
    this.#at += 1
    this.#skipBlanks()
    const parent = this.#stack.at(-1)
    const path = parent === undefined ? (isArray ? 'array' : '') : this.#path()
    const container = { isArray, path, key: isArray ? (parent?.key ?? 'array') : '' }
    if (this.#text[this.#at] === (isArray ? ']' : '}')) {
      this.#at += 1
      this.#add('')
      return false
    }
    this.#stack.push(container)
    if (!isArray) this.#key(container)
    return true
  }

  #afterValue(): boolean {
    const container = this.#stack.at(-1)!
    this.#skipBlanks()
    const character = this.#text[this.#at]
    this.#at += 1
    if (character === ',') {
      this.#skipBlanks()
      if (!container.isArray) this.#key(container)
      return true
    }
    if (character === (container.isArray ? ']' : '}')) {
      this.#stack.pop()
      return false
    }
    this.#at -= 1
    this.#fail(container.isArray ? '"," or "]" is expected' : '"," or "}" is expected')
    return false
  }

  #key(container: Container): void {
    if (this.#text[this.#at] !== '"') {
      this.#fail('a key is expected')
      return
    }
    const key = this.#string()
    if (key === null) return
    container.key = key
    this.#skipBlanks()
    if (this.#text[this.#at] !== ':') {
      this.#fail('":" is expected')
      return
    }
    this.#at += 1
    this.#skipBlanks()
  }

  #path(): string {
    const container = this.#stack.at(-1)
    if (container === undefined) return 'json'
    return container.path === '' ? container.key : `${container.path}.${container.key}`
  }

  #add(value: string): void {
    if (this.#args.length >= this.#limits.arguments) {
      this.#fail(`more than ${this.#limits.arguments} values`)
      return
    }
    this.#args.push(new Entry(this.#path(), value))
  }

  /** The string that starts here with its escapes resolved; null after an error. */
  #string(): string | null {
    const text = this.#text
    const end = this.#endOfString()
    if (end < 0) {
      this.#fail('string is not closed')
      return null
    }
    const raw = text.slice(this.#at + 1, end)
    this.#at = end + 1
    if (CONTROL.test(raw)) {
      this.#fail('control character in a string')
      return null
    }
    if (!raw.includes('\\')) return raw
    if (!ESCAPES.test(raw)) {
      this.#fail('unknown escape in a string')
      return null
    }
    return unescapeString(raw)
  }

  #endOfString(): number {
    const text = this.#text
    let from = this.#at + 1
    for (;;) {
      const quote = text.indexOf('"', from)
      if (quote < 0) return -1
      let backslashes = 0
      while (text[quote - 1 - backslashes] === '\\') backslashes += 1
      if (backslashes % 2 === 0) return quote
      from = quote + 1
    }
  }

  #skipBlanks(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#at += 1
    }
  }

  #fail(what: string): void {
    this.#error ??= `JSON: ${what} at byte ${this.#at}`
  }
}

const SCALAR = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y
// oxlint-disable-next-line no-control-regex -- JSON forbids exactly these
const CONTROL = /[\x00-\x1f]/
const ESCAPES = /^(?:[^\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*$/

const SIMPLE: ReadonlyMap<string, string> = new Map([
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])

/** Escapes to bytes; `\u` sequences become UTF-8, lone surrogates the bytes they would have. */
function unescapeString(raw: string): string {
  return raw.replaceAll(
    /\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\(.)/gs,
    (_all, high?: string, low?: string, unit?: string, simple?: string) => {
      if (high !== undefined && low !== undefined) {
        const lead = Number.parseInt(high, 16) - 0xd800
        const trail = Number.parseInt(low, 16) - 0xdc00
        return utf8(0x10000 + (lead << 10) + trail)
      }
      if (unit !== undefined) return utf8(Number.parseInt(unit, 16))
      return SIMPLE.get(simple ?? '') ?? simple ?? ''
    },
  )
}

function utf8(codePoint: number): string {
  const tail = (shift: number): number => 0x80 | ((codePoint >> shift) & 0x3f)
  if (codePoint < 0x80) return String.fromCharCode(codePoint)
  if (codePoint < 0x800) return String.fromCharCode(0xc0 | (codePoint >> 6), tail(0))
  if (codePoint < 0x10000) {
    return String.fromCharCode(0xe0 | (codePoint >> 12), tail(6), tail(0))
  }
  return String.fromCharCode(0xf0 | (codePoint >> 18), tail(12), tail(6), tail(0))
}
