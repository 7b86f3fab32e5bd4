import type { CompiledPattern } from '#signatures/pcre/pattern.ts'

/** A number, or the name of a variable that `byte_extract` or `byte_math` sets earlier in the rule. */
export type Operand = number | string

export type Endian = 'big' | 'little' | 'dce'
/** `auto`: hex after 0x, octal after 0, otherwise decimal. */
export type NumberBase = 'dec' | 'hex' | 'oct' | 'auto'

/** How bytes become a number: `byte_test`, `byte_jump`, `byte_extract`, `byte_math`. */
export interface NumberSource {
  readonly bytes: Operand
  readonly offset: Operand
  readonly relative: boolean
  readonly endian: Endian
  /** Text digits in place of binary; null: binary. */
  readonly base: NumberBase | null
  /** Applied after reading, then shifted right by its trailing zeros; null: none. */
  readonly bitmask: number | null
}

export interface ContentMatch {
  readonly kind: 'content'
  /** Bytes looked for, latin1. */
  readonly pattern: string
  readonly negated: boolean
  readonly nocase: boolean
  readonly startsWith: boolean
  readonly endsWith: boolean
  readonly offset: Operand | null
  readonly depth: Operand | null
  /** Non-null `distance` or `within` makes the match relative to the end of the one before. */
  readonly distance: Operand | null
  readonly within: Operand | null
  readonly fastPattern: boolean
  /** The part of the pattern that goes into the prefilter; null: all of it. */
  readonly fastPatternChop: { readonly offset: number; readonly length: number } | null
}

export interface PcreMatch {
  readonly kind: 'pcre'
  readonly pattern: CompiledPattern
  readonly negated: boolean
  readonly relative: boolean
}

export type Comparison = '<' | '>' | '=' | '<=' | '>=' | '&' | '^'

export interface ByteTest {
  readonly kind: 'byte_test'
  readonly source: NumberSource
  readonly negated: boolean
  readonly comparison: Comparison
  readonly value: Operand
}

export interface ByteJump {
  readonly kind: 'byte_jump'
  readonly source: NumberSource
  readonly multiplier: number
  readonly align: boolean
  readonly from: 'here' | 'beginning' | 'end'
  readonly postOffset: Operand
}

export interface ByteExtract {
  readonly kind: 'byte_extract'
  readonly source: NumberSource
  readonly multiplier: number
  /** Result is rounded up to a multiple of this; 0: not. */
  readonly align: 0 | 2 | 4
  readonly variable: string
}

export interface ByteMath {
  readonly kind: 'byte_math'
  readonly source: NumberSource
  readonly operator: '+' | '-' | '*' | '/' | '<<' | '>>'
  readonly operand: Operand
  readonly variable: string
}

export interface IsDataAt {
  readonly kind: 'isdataat'
  readonly position: Operand
  readonly relative: boolean
  readonly negated: boolean
}

/** `min` and `max` are inclusive; `-1` and `Infinity` leave an end open. `number-range.ts` asks it. */
export interface NumberRange {
  readonly min: number
  readonly max: number
  readonly negated: boolean
  /** Bits that are compared; left out: the whole number. */
  readonly mask?: number
}

/** `bsize`, and `urilen` on a URI buffer. */
export interface BufferSize extends NumberRange {
  readonly kind: 'bsize'
}

export interface Base64Decode {
  readonly kind: 'base64_decode'
  /** Most encoded bytes that are decoded; 0: to the end. */
  readonly bytes: number
  readonly offset: number
  readonly relative: boolean
  /** Matches of the `base64_data` buffer that follows, in order. */
  readonly matches: BufferMatch[]
}

/** `absent`: the buffer does not exist at all (or, with `orElse`, the other matches hold). */
export interface Absent {
  readonly kind: 'absent'
  readonly orElse: boolean
}

/** Shannon entropy of a stretch of the buffer, 0 to 8 bits per byte. */
export interface Entropy {
  readonly kind: 'entropy'
  /** 0: to the end. */
  readonly bytes: number
  readonly offset: number
  readonly comparison: '<' | '>' | '=' | '!=' | '<=' | '>='
  readonly value: number
}

/** Which of a list of numbers a range is asked of. */
export type NumberIndex =
  /** One of them; with `orAbsent` an empty list will do. */
  | { readonly kind: 'any'; readonly orAbsent: boolean }
  | { readonly kind: 'all'; readonly orAbsent: boolean }
  /** From the end where negative; with `orAbsent` a place that does not exist will do. */
  | { readonly kind: 'at'; readonly position: number; readonly orAbsent: boolean }
  /** So many of them. */
  | { readonly kind: 'times'; readonly times: NumberRange }

/** Compares the numbers of a number buffer (`BufferRow.numbers`). */
export interface NumbersMatch {
  readonly kind: 'numbers'
  /** Asked of the numbers, or with `count` of how many there are. */
  readonly range: NumberRange
  /** Ranges that do as well. */
  readonly others?: readonly NumberRange[]
  readonly count: boolean
  readonly index: NumberIndex
  /** Part of the list that is looked at, as `Array.slice` takes it; null: all of it. */
  readonly slice: readonly [number, number] | null
}

export type DatasetType = 'string' | 'md5' | 'sha256' | 'ipv4' | 'ip'

/** Where the values of a set come from. */
export interface DatasetSource {
  readonly name: string
  /** Null: another rule tells. */
  readonly type: DatasetType | null
  /** Relative to the folder of the rule's file; null: it begins empty. */
  readonly file: string | null
  /** The file need not be there. */
  readonly isState: boolean
  readonly format: 'csv' | 'json' | 'ndjson'
  /** Dotted paths within a JSON entry, and to the list of entries; empty: the whole. */
  readonly valueKey: string
  readonly arrayKey: string
  /** Name under which an alert quotes the entry; null: it does not. */
  readonly contextKey: string | null
  /** The value itself is left out of what is quoted. */
  readonly removesKey: boolean
  /** A domain stands for those below it. */
  readonly isSubdomain: boolean
  /** Memory that the set may take. */
  readonly maxBytes: number
}

/** Whether the buffer is in a set; `set` and `unset` change it when the whole rule matches. */
export type DatasetMatch = DatasetSource &
  (
    | {
        readonly kind: 'dataset'
        readonly operation: 'set' | 'unset' | 'isset' | 'isnotset'
      }
    | {
        readonly kind: 'datarep'
        readonly comparison: '>' | '<' | '='
        readonly value: number
      }
  )

export type BufferMatch =
  | ContentMatch
  | PcreMatch
  | ByteTest
  | ByteJump
  | ByteExtract
  | ByteMath
  | IsDataAt
  | BufferSize
  | Base64Decode
  | Absent
  | Entropy
  | NumbersMatch
  | DatasetMatch
