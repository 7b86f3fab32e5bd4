/**
 * The loops of a gram filter in WebAssembly: they read unaligned words, four of them at a time, and have no bounds to
 * check, which makes them faster than the same loops over typed arrays (word by word they were two to three times as
 * fast). The engine has to know vectors of 128 bits. The module is written here instruction by instruction, so there is
 * neither a build step nor a binary that nobody can review; `gram-filter.ts` says what is looked for, and
 * `aho-corasick.ts` is the twin that tests compare it with.
 *
 *     scan(filter, text, from, length, minEnd, hits, stamp, count) -> count
 *         sixteen bytes at a time: whether the four grams in them may be those of long patterns, and the gate at each of
 *         their eight pairs; then patterns of one byte
 *     pair(filter, at)
 *         the gate is open: the grams of shorter patterns that may stand here
 *     probe(table, gram, at)
 *         the bits of the table are set for this gram: each entry with it whose other gram is in the text too goes to
 *         `whole`
 *     whole(id, begin)
 *         the pattern stands there, ends within the newest bytes and was not found before: found[count++] = id
 *
 * Nothing here checks where it reads and writes: that all is inside of the memory is up to who lays out the tables. What
 * a text can change are places in it, and these stay within MAX_PATTERN_BYTES of what a step reads.
 *
 * @see WebAssembly Core Specification 2.0, 5.4 (instructions), 5.5 (modules)
 */
import {
  FOLD,
  LANE_MULTIPLIER,
  LANE_SHIFT,
  MAX_PATTERN_BYTES,
  MULTIPLIER,
  PLACE_BITS,
  SECOND_SHIFT,
} from './gram-tables.ts'

/** The part of the WebAssembly API that is used; Node's types leave it to those of browsers. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number; maximum: number }) => KernelMemory
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
}

export interface KernelMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

export interface GramKernel {
  /** @returns how many are found, those of earlier scans counted with them */
  scan(
    filter: number,
    text: number,
    from: number,
    length: number,
    minEnd: number,
    hits: number,
    stamp: number,
    count: number,
  ): number
}

export const PAGE_BYTES = 65_536

/** Words that a scan keeps for its parts, and a table of lower case, at the beginning of the memory. */
const FILTER = 0
const TEXT = 4
const LENGTH = 8
const MIN_END = 12
const HITS = 16
const STAMP = 20
const COUNT = 24
/** Byte offset of 16 bytes: byte i is `1 << (i & 7)`. */
export const BIT_TABLE = 32
/** Byte offset of 256 bytes: each in lower case. */
export const LOWER_TABLE = 64
/** What lies behind is free for tables. */
export const KERNEL_BYTES = LOWER_TABLE + 256
/** A scan reads the text so many bytes at a time, beyond its end too. */
export const STEP_BYTES = 16

/** Byte offsets in what describes a table of grams; a table whose `bits` are 0 is not there. */
export const TABLE = {
  bits: 0,
  shift: 4,
  bucketShift: 8,
  buckets: 12,
  entries: 16,
  keep: 20,
} as const
export const TABLE_BYTES = 24
/** Byte offsets in what describes a filter: four tables, then addresses. */
export const FILTER_PARTS = {
  long: 0,
  middle: TABLE_BYTES,
  short: 2 * TABLE_BYTES,
  two: 3 * TABLE_BYTES,
  gate: 4 * TABLE_BYTES,
  starts: 4 * TABLE_BYTES + 4,
  bytes: 4 * TABLE_BYTES + 8,
  idOfByte: 4 * TABLE_BYTES + 12,
  byteCount: 4 * TABLE_BYTES + 16,
} as const
export const FILTER_BYTES = 4 * TABLE_BYTES + 20
/** In what describes hits: addresses of the stamps and of the ids. */
export const HITS_PARTS = { stamps: 0, ids: 4 } as const
export const HITS_BYTES = 8

const I32 = 0x7f
const V128 = 0x7b
const BLOCK = [0x02, 0x40]
const LOOP = [0x03, 0x40]
const IF = [0x04, 0x40]
const END = [0x0b]
const RETURN = [0x0f]
const IS_ZERO = [0x45]
const EQUAL = [0x46]
const DIFFERS = [0x47]
const LESS = [0x48]
const LESS_UNSIGNED = [0x49]
const MORE = [0x4a]
const AT_MOST = [0x4c]
const ADD = [0x6a]
const SUBTRACT = [0x6b]
const MULTIPLY = [0x6c]
const AND = [0x71]
const OR = [0x72]
const SHIFT_LEFT = [0x74]
const SHIFT_RIGHT = [0x76]
const VECTOR_SPLAT = [0xfd, 0x11]
const VECTOR_SWIZZLE = [0xfd, 0x0e]
const VECTOR_EQUAL = [0xfd, 0x37]
const VECTOR_AND = [0xfd, 0x4e]
const VECTOR_OR = [0xfd, 0x50]
const VECTOR_BITMASK = [0xfd, 0xa4, 0x01]
const VECTOR_SHIFT_LEFT = [0xfd, 0xab, 0x01]
const VECTOR_SHIFT_RIGHT = [0xfd, 0xad, 0x01]
const VECTOR_MULTIPLY = [0xfd, 0xb5, 0x01]
const VECTOR_LOAD = [0xfd, 0x00, 0, 0]

type Code = readonly number[]

const code = (...parts: readonly Code[]): number[] => parts.flat()
const get = (local: number): number[] => [0x20, local]
const set = (local: number): number[] => [0x21, local]
const tee = (local: number): number[] => [0x22, local]
const call = (index: number): number[] => [0x10, index]
const branch = (depth: number): number[] => [0x0c, depth]
const branchIf = (depth: number): number[] => [0x0d, depth]
const constant = (value: number): number[] => [0x41, ...signed(value)]
const load = (offset: number): number[] => [0x28, 0, ...unsigned(offset)]
const loadByte = (offset: number): number[] => [0x2d, 0, ...unsigned(offset)]
const store = (offset: number): number[] => [0x36, 0, ...unsigned(offset)]
/** Word `lane` of a vector. */
const lane = (index: number): number[] => [0xfd, 0x1b, index]
/** The vector with the word at an address in place of its own. */
const loadLane = (index: number): number[] => [0xfd, 0x56, 0, 0, index]
/** A word at a fixed place of the memory. */
const cell = (address: number): number[] => code(constant(0), load(address))
const keep = (address: number, value: Code): number[] => code(constant(0), value, store(address))
const increase = (local: number, by: number): number[] =>
  code(get(local), constant(by), ADD, set(local))
/** Address of word `index` behind `base`. */
const wordAt = (base: Code, index: Code): number[] =>
  code(base, index, constant(2), SHIFT_LEFT, ADD)
/** `value | ((value & FOLD) >>> 1)` of a local. */
const folded = (local: number): number[] =>
  code(get(local), get(local), constant(FOLD), AND, constant(1), SHIFT_RIGHT, OR)

function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value >>> 0
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return [...bytes, rest]
}

function signed(value: number): number[] {
  const bytes: number[] = []
  let rest = value | 0
  for (; rest < -64 || rest > 63; rest >>= 7) bytes.push((rest & 0x7f) | 0x80)
  return [...bytes, rest & 0x7f]
}

const WHOLE = 0
const PROBE = 1
const SCAN = 2

function whole(): number[] {
  const [id, begin, size, place, text, pattern] = [0, 1, 2, 3, 4, 5]
  const stampOfId = wordAt(code(cell(HITS), load(HITS_PARTS.stamps)), get(id))
  return body(
    [4, 0],
    code(stampOfId, load(0), cell(STAMP), EQUAL, IF, RETURN, END),
    code(get(begin), constant(0), LESS, IF, RETURN, END),
    code(wordAt(code(cell(FILTER), load(FILTER_PARTS.starts)), get(id)), tee(place), load(4)),
    code(get(place), load(0), tee(pattern), SUBTRACT, set(size)),
    code(get(begin), get(size), ADD, tee(place), cell(LENGTH), MORE, IF, RETURN, END),
    code(get(place), cell(MIN_END), AT_MOST, IF, RETURN, END),
    code(cell(FILTER), load(FILTER_PARTS.bytes), get(pattern), ADD, set(pattern)),
    code(cell(TEXT), get(begin), ADD, set(text)),
    code(LOOP),
    code(get(text), loadByte(0), loadByte(LOWER_TABLE), get(pattern), loadByte(0), DIFFERS),
    code(IF, RETURN, END, increase(text, 1), increase(pattern, 1)),
    code(get(size), constant(1), SUBTRACT, tee(size), branchIf(0), END),
    code(stampOfId, cell(STAMP), store(0)),
    code(wordAt(code(cell(HITS), load(HITS_PARTS.ids)), cell(COUNT)), get(id), store(0)),
    keep(COUNT, code(cell(COUNT), constant(1), ADD)),
  )
}

function probe(): number[] {
  const [table, gram, at, entry, end, other] = [0, 1, 2, 3, 4, 5]
  const hash = code(get(gram), constant(MULTIPLIER), MULTIPLY, get(table), load(TABLE.shift))
  const bucket = code(hash, SHIFT_RIGHT, get(table), load(TABLE.bucketShift), SHIFT_RIGHT)
  const entryAt = (offset: number): number[] =>
    code(get(other), load(offset), constant(4), SHIFT_LEFT, get(table), load(TABLE.entries), ADD)
  return body(
    [3, 0],
    code(wordAt(code(get(table), load(TABLE.buckets)), bucket), set(other)),
    code(entryAt(0), set(entry), entryAt(4), set(end)),
    code(BLOCK, LOOP, get(entry), get(end), LESS_UNSIGNED, IS_ZERO, branchIf(1)),
    code(get(entry), load(0), get(gram), EQUAL, IF),
    code(cell(TEXT), get(at), ADD, get(entry), load(12), ADD, load(0)),
    code(get(table), load(TABLE.keep), AND, set(other), folded(other)),
    code(get(entry), load(8), EQUAL, IF),
    code(get(entry), load(4), constant(PLACE_BITS), SHIFT_RIGHT),
    code(get(at), get(entry), load(4), constant(MAX_PATTERN_BYTES - 1), AND, SUBTRACT, call(WHOLE)),
    code(END, END, increase(entry, 16), branch(0), END, END),
  )
}

function scan(): number[] {
  const [filter, text, from, length, minEnd, hits, stamp, count] = [0, 1, 2, 3, 4, 5, 6, 7]
  const [at, end, word, found, longBits, shift, gate, left] = [8, 9, 10, 11, 12, 13, 14, 15]
  const [grams, places, words, fold, multiplier, laneMultiplier, lanes, bitTable] = [
    16, 17, 18, 19, 20, 21, 22, 23,
  ]
  const splat = (value: number, into: number): number[] =>
    code(constant(value), VECTOR_SPLAT, set(into))
  /** Bit `pair` of the gate, among others; a shift takes the low five bits of its count. */
  const isOpen = (pairInWord: Code, wordInGate: number): number[] =>
    code(
      get(gate),
      get(word),
      constant(wordInGate),
      SHIFT_RIGHT,
      constant(0x1ffc),
      AND,
      ADD,
    ).concat(code(load(0), pairInWord, SHIFT_RIGHT, constant(1), AND))
  const place = code(get(at), get(text), SUBTRACT)
  const placeOn = (bytes: number): number[] => code(place, constant(bytes), ADD)
  const nextStep = code(increase(at, STEP_BYTES), get(at), get(end), LESS_UNSIGNED, branchIf(0))
  const everyLane = [0, 1, 2, 3] as const
  const probeLong = code(
    code(get(at), VECTOR_LOAD, tee(grams), get(grams), get(fold), VECTOR_AND),
    code(constant(1), VECTOR_SHIFT_RIGHT, VECTOR_OR, tee(grams), get(multiplier), VECTOR_MULTIPLY),
    code(get(shift), VECTOR_SHIFT_RIGHT, constant(2), VECTOR_SHIFT_LEFT, set(places)),
    code(get(bitTable), get(grams), get(laneMultiplier), VECTOR_MULTIPLY, constant(LANE_SHIFT)),
    code(VECTOR_SHIFT_RIGHT, get(lanes), VECTOR_AND, VECTOR_SWIZZLE, set(words)),
    // Places give way to what stands there, lane by lane.
    ...everyLane.map((index) =>
      code(get(places), lane(index), get(longBits), ADD, get(places), loadLane(index), set(places)),
    ),
    code(get(places), get(words), VECTOR_AND, get(words), VECTOR_EQUAL, VECTOR_BITMASK),
    code(tee(found), IF),
    ...everyLane.map((index) =>
      code(
        code(get(found), constant(1 << index), AND, IF),
        code(get(filter), get(grams), lane(index), placeOn(4 * index), call(PROBE), END),
      ),
    ),
    END,
  )
  const probePairs = code(
    ...everyLane.map((index) =>
      code(
        code(get(at), load(4 * index), set(word)),
        code(isOpen(get(word), 3), IF, get(filter), placeOn(4 * index), call(PAIR), END),
        code(isOpen(code(get(word), constant(16), SHIFT_RIGHT), 19), IF),
        code(get(filter), placeOn(4 * index + 2), call(PAIR), END),
      ),
    ),
  )
  return body(
    [8, 8],
    code(keep(FILTER, get(filter)), keep(TEXT, get(text)), keep(LENGTH, get(length))),
    code(keep(MIN_END, get(minEnd)), keep(HITS, get(hits)), keep(STAMP, get(stamp))),
    code(keep(COUNT, get(count))),
    code(get(text), get(from), constant(-4), AND, ADD, set(at)),
    code(get(text), get(length), ADD, set(end)),
    code(get(filter), load(FILTER_PARTS.long + TABLE.bits), set(longBits)),
    code(get(filter), load(FILTER_PARTS.long + TABLE.shift), constant(5), ADD, set(shift)),
    code(get(filter), load(FILTER_PARTS.gate), set(gate)),
    code(splat(FOLD, fold), splat(MULTIPLIER, multiplier), splat(0x0707_0707, lanes)),
    code(splat(LANE_MULTIPLIER, laneMultiplier), constant(BIT_TABLE), VECTOR_LOAD, set(bitTable)),
    code(get(at), get(end), LESS_UNSIGNED, IF),
    code(get(longBits), IF, get(gate), IF),
    code(LOOP, probeLong, probePairs, nextStep, END),
    code([0x05], LOOP, probeLong, nextStep, END, END),
    code([0x05], get(gate), IF),
    code(LOOP, probePairs, nextStep, END, END, END, END),
    // Bytes are common: all that are looked for are found soon.
    code(get(filter), load(FILTER_PARTS.byteCount), tee(left), IF),
    code(get(text), get(minEnd), ADD, set(at)),
    code(BLOCK, LOOP, get(at), get(end), LESS_UNSIGNED, IS_ZERO, branchIf(1)),
    code(wordAt(code(get(filter), load(FILTER_PARTS.idOfByte)), code(get(at), loadByte(0)))),
    code(load(0), tee(word), constant(0), LESS, IS_ZERO, IF),
    code(cell(COUNT), set(found), get(word), place, call(WHOLE)),
    code(get(left), cell(COUNT), get(found), SUBTRACT, SUBTRACT, tee(left), IS_ZERO),
    code(branchIf(2), END),
    code(increase(at, 1), branch(0), END, END, END),
    cell(COUNT),
  )
}

const PAIR = 3

/** The gate is open at an even place. */
function pair(): number[] {
  const [filter, at, gram, product, bits] = [0, 1, 2, 3, 4]
  const probeTable = (part: number, kept: number, where: Code): number[] => {
    const hash = code(get(product), get(filter), load(part + TABLE.shift), SHIFT_RIGHT)
    const word = code(hash, constant(5), SHIFT_RIGHT)
    return code(
      code(get(filter), load(part + TABLE.bits), IF),
      code(cell(TEXT), where, ADD, load(0), constant(kept), AND, set(gram), folded(gram)),
      code(tee(gram), constant(MULTIPLIER), MULTIPLY, set(product)),
      code(wordAt(code(get(filter), load(part + TABLE.bits)), word), load(0), tee(bits)),
      code(hash, SHIFT_RIGHT),
      code(get(bits), get(product), constant(SECOND_SHIFT), SHIFT_RIGHT, SHIFT_RIGHT, AND),
      code(constant(1), AND, IF),
      code(get(filter), constant(part), ADD, get(gram), where, call(PROBE), END, END),
    )
  }
  const around = (distance: number): number[] =>
    probeTable(FILTER_PARTS.two, 0xffff, code(get(at), constant(distance), ADD))
  return body(
    [3, 0],
    probeTable(FILTER_PARTS.middle, 0xff_ffff, get(at)),
    probeTable(FILTER_PARTS.short, 0xffff, get(at)),
    around(-1),
    around(0),
    around(1),
  )
}

const vector = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()]
const sized = (bytes: Code): number[] => [...unsigned(bytes.length), ...bytes]
const section = (id: number, bytes: Code): number[] => [id, ...sized(bytes)]
const name = (text: string): number[] => sized([...Buffer.from(text)])
/** @param locals how many words and vectors it has beside its parameters */
const body = ([words, vectors]: readonly [number, number], ...parts: readonly Code[]): number[] =>
  sized(
    code(
      vector([
        [...unsigned(words), I32],
        [...unsigned(vectors), V128],
      ]),
      ...parts,
      END,
    ),
  )
const functionType = (parameters: number, results: number): number[] => [
  0x60,
  ...vector(Array.from({ length: parameters }, () => [I32])),
  ...vector(Array.from({ length: results }, () => [I32])),
]

/** Memory that may grow up to so many pages. */
export function createKernelMemory(initialPages: number, maximumPages: number): KernelMemory {
  return new WebAssembly.Memory({ initial: initialPages, maximum: maximumPages })
}

/** The loops over one memory. */
export function createGramKernel(memory: KernelMemory, maximumPages: number): GramKernel {
  const limits = [2, 1, ...unsigned(1), ...unsigned(maximumPages)]
  const bytes = code(
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, vector([functionType(2, 0), functionType(3, 0), functionType(8, 1)])),
    section(2, vector([[...name('m'), ...name('memory'), ...limits]])),
    section(3, vector([[0], [1], [2], [0]])),
    section(7, vector([[...name('scan'), 0, SCAN]])),
    section(10, vector([whole(), probe(), scan(), pair()])),
  )
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes)), {
    m: { memory },
  })
  return exports as GramKernel
}
