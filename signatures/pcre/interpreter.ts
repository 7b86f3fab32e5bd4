import { GREEDY, LAZY, Op, type Program, UNBOUNDED } from './program.ts'

/**
 * Backtracking interpreter with PCRE's semantics, for what no linear engine can run: lookaround,
 * backreferences, atomic and conditional groups. It is bounded by steps (PCRE's match limit) and by the
 * size of its stack, so it never takes longer than its budget; V8 gives no such promise.
 *
 * Choices and old values of registers lie on one stack of five words an entry. Forgetting choices
 * (atomic groups, lookaround) keeps the old values, so that backtracking over the group restores them.
 *
 * @see perlre, "Backtracking"; pcrepattern(3)
 */

const STRIDE = 5
const CHOICE = 0
const OLD_VALUE = 1
const GREEDY_RUN = 2
const LAZY_RUN = 3

/** Most entries of the backtrack stack (5 MB). */
const MAX_ENTRIES = 262_144
const FIRST_ENTRIES = 1024

const UNSET = -1

export class Interpreter {
  readonly #program: Program
  readonly #registers: Int32Array
  #value = ''
  /** Steps taken by the last `run`. */
  steps = 0
  /** The last `run` gave up. */
  exhausted = false

  constructor(program: Program) {
    this.#program = program
    this.#registers = new Int32Array(program.registers)
  }

  /** Start of a group of the last match, -1 when it took no part. */
  start(group: number): number {
    return this.#registers[group * 2]
  }

  end(group: number): number {
    return this.#registers[group * 2 + 1]
  }

  /**
   * Matches at one offset only.
   *
   * @param budget steps it may take
   * @returns offset after the match, -1 when there is none or the budget ran out
   */
  run(valueLatin1: string, from: number, budget: number): number {
    this.#value = valueLatin1
    this.#registers.fill(UNSET)
    this.exhausted = false
    this.steps = 0
    const end = this.#execute(from, budget)
    this.#value = ''
    if (end < 0) return -1
    this.#registers[0] = from
    this.#registers[1] = end
    return end
  }

  #execute(from: number, budget: number): number {
    const { code, sets } = this.#program
    const value = this.#value
    const registers = this.#registers
    const length = value.length
    let steps = 0
    let height = 0
    let pc = 0
    let at = from
    for (;;) {
      steps += 1
      if (steps > budget || height >= MAX_ENTRIES - 4) {
        this.steps = steps
        this.exhausted = true
        return -1
      }
      if ((height + 4) * STRIDE > stack.length) growStack()
      let ok = true
      switch (code[pc]) {
        case Op.match:
          this.steps = steps
          return at
        case Op.byte:
          ok = at < length && value.charCodeAt(at) === code[pc + 1]
          at += 1
          pc += 2
          break
        case Op.fold:
          ok = at < length && (value.charCodeAt(at) | 0x20) === code[pc + 1]
          at += 1
          pc += 2
          break
        case Op.set:
          ok = at < length && inSet(sets, code[pc + 1], value.charCodeAt(at))
          at += 1
          pc += 2
          break
        case Op.split:
          push(height, CHOICE, code[pc + 2], at, 0, 0)
          height += 1
          pc = code[pc + 1]!
          break
        case Op.jump:
          pc = code[pc + 1]!
          break
        case Op.save: {
          const register = code[pc + 1]
          push(height, OLD_VALUE, register, registers[register], 0, 0)
          height += 1
          registers[register] = at
          pc += 2
          break
        }
        case Op.restore:
          at = registers[code[pc + 1]]!
          pc += 2
          break
        case Op.close: {
          const slot = code[pc + 1] * 2
          push(height, OLD_VALUE, slot, registers[slot], 0, 0)
          push(height + 1, OLD_VALUE, slot + 1, registers[slot + 1], 0, 0)
          height += 2
          registers[slot] = registers[code[pc + 2]]!
          registers[slot + 1] = at
          pc += 3
          break
        }
        case Op.assert:
          ok = holds(code[pc + 1], value, at)
          pc += 2
          break
        case Op.back: {
          const start = registers[code[pc + 1] * 2]
          const end = registers[code[pc + 1] * 2 + 1]
          ok = start >= 0 && sameText(value, start, end, at, code[pc + 2] === 1)
          steps += (end - start) >> 3
          at += end - start
          pc += 3
          break
        }
        case Op.mark: {
          const register = code[pc + 1]
          push(height, OLD_VALUE, register, registers[register], 0, 0)
          height += 1
          registers[register] = height
          pc += 2
          break
        }
        case Op.cut: {
          const mark = registers[code[pc + 1]]
          steps += (height - mark) >> 3
          height = forgetChoices(mark, height)
          pc += 2
          break
        }
        case Op.refuse: {
          const mark = registers[code[pc + 1]]
          while (height > mark) {
            height -= 1
            const entry = height * STRIDE
            if (stack[entry] === OLD_VALUE) registers[stack[entry + 1]] = stack[entry + 2]!
          }
          ok = false
          break
        }
        case Op.behind:
          at -= code[pc + 1]
          ok = at >= 0
          pc += 2
          break
        case Op.run: {
          const set = code[pc + 1]
          const min = code[pc + 2]
          const max = code[pc + 3]
          const mode = code[pc + 4]
          const limit = max === UNBOUNDED || at + max > length ? length : at + max
          const need = at + min
          pc += 5
          if (mode === LAZY) {
            let stop = at
            while (stop < need && stop < length && inSet(sets, set, value.charCodeAt(stop)))
              stop += 1
            steps += (stop - at) >> 3
            ok = stop === need
            at = stop
            if (ok && at < limit) {
              push(height, LAZY_RUN, pc, at, set, limit)
              height += 1
            }
            break
          }
          let stop = at
          while (stop < limit && inSet(sets, set, value.charCodeAt(stop))) stop += 1
          steps += (stop - at) >> 3
          ok = stop >= need
          if (ok && mode === GREEDY && stop > need) {
            push(height, GREEDY_RUN, pc, need, stop, 0)
            height += 1
          }
          at = stop
          break
        }
        case Op.count: {
          const counter = code[pc + 1]
          const offset = code[pc + 2]
          push(height, OLD_VALUE, counter, registers[counter], 0, 0)
          push(height + 1, OLD_VALUE, offset, registers[offset], 0, 0)
          height += 2
          registers[counter] = 0
          registers[offset] = UNSET
          pc += 3
          break
        }
        case Op.loop: {
          const rounds = registers[code[pc + 1]]
          const enter = code[pc + 6]
          const exit = code[pc + 7]
          // A round that consumed nothing ends the loop once there are enough.
          if (rounds < code[pc + 3]) pc = enter
          else if (rounds > 0 && at === registers[code[pc + 2]]) pc = exit
          else if (rounds >= code[pc + 4]) pc = exit
          else {
            const isLazy = code[pc + 5] === LAZY
            push(height, CHOICE, isLazy ? enter : exit, at, 0, 0)
            height += 1
            pc = isLazy ? exit : enter
          }
          break
        }
        case Op.enter: {
          const counter = code[pc + 1]
          const offset = code[pc + 2]
          push(height, OLD_VALUE, counter, registers[counter], 0, 0)
          push(height + 1, OLD_VALUE, offset, registers[offset], 0, 0)
          height += 2
          registers[counter] += 1
          registers[offset] = at
          pc += 3
          break
        }
        case Op.unless:
          pc = registers[code[pc + 1] * 2] < 0 ? code[pc + 2] : pc + 3
          break
        default:
          throw new Error(`no such operation: ${code[pc]}`)
      }
      if (ok) continue
      // Backtrack to the last choice.
      for (;;) {
        if (height === 0) {
          this.steps = steps
          return -1
        }
        const entry = (height - 1) * STRIDE
        const kind = stack[entry]
        if (kind === OLD_VALUE) {
          registers[stack[entry + 1]] = stack[entry + 2]!
          height -= 1
          continue
        }
        pc = stack[entry + 1]!
        if (kind === CHOICE) {
          at = stack[entry + 2]!
          height -= 1
          break
        }
        if (kind === GREEDY_RUN) {
          at = stack[entry + 3] - 1
          if (at === stack[entry + 2]) height -= 1
          else stack[entry + 3] = at
          break
        }
        // Lazy run: one byte more.
        at = stack[entry + 2]!
        if (!inSet(sets, stack[entry + 3], value.charCodeAt(at))) {
          height -= 1
          continue
        }
        at += 1
        if (at === stack[entry + 4]) height -= 1
        else stack[entry + 2] = at
        break
      }
    }
  }
}

/** One stack for all interpreters of the thread: none runs inside another. */
let stack = new Int32Array(FIRST_ENTRIES * STRIDE)

function growStack(): void {
  const larger = new Int32Array(Math.min(stack.length * 4, MAX_ENTRIES * STRIDE))
  larger.set(stack)
  stack = larger
}

function push(height: number, kind: number, a: number, b: number, c: number, d: number): void {
  const entry = height * STRIDE
  stack[entry] = kind
  stack[entry + 1] = a
  stack[entry + 2] = b
  stack[entry + 3] = c
  stack[entry + 4] = d
}

/** Closes the ranks of old values above `mark`; choices between them are gone. */
function forgetChoices(mark: number, height: number): number {
  let kept = mark
  for (let index = mark; index < height; index += 1) {
    if (stack[index * STRIDE] !== OLD_VALUE) continue
    if (kept !== index) stack.copyWithin(kept * STRIDE, index * STRIDE, (index + 1) * STRIDE)
    kept += 1
  }
  return kept
}

function inSet(sets: Uint32Array, set: number, byte: number): boolean {
  return (sets[set + (byte >> 5)] & (1 << (byte & 31))) !== 0
}

function sameText(value: string, start: number, end: number, at: number, fold: boolean): boolean {
  if (at + end - start > value.length) return false
  for (let index = 0; index < end - start; index += 1) {
    const left = value.charCodeAt(start + index)
    const right = value.charCodeAt(at + index)
    if (left === right) continue
    if (!fold || (left ^ right) !== 0x20) return false
    const letter = left | 0x20
    if (letter < 0x61 || letter > 0x7a) return false
  }
  return true
}

/** The order is that of `ASSERTIONS`. */
function holds(assertion: number, value: string, at: number): boolean {
  const length = value.length
  switch (assertion) {
    case 0:
      return at === 0
    case 1:
      return at === length
    case 2:
      return at === length || (at === length - 1 && value.charCodeAt(at) === 10)
    case 3:
      return at === 0 || (at < length && value.charCodeAt(at - 1) === 10)
    case 4:
      return at === length || value.charCodeAt(at) === 10
    case 5:
      return isWordAt(value, at - 1) !== isWordAt(value, at)
    default:
      return isWordAt(value, at - 1) === isWordAt(value, at)
  }
}

function isWordAt(value: string, at: number): boolean {
  if (at < 0 || at >= value.length) return false
  const code = value.charCodeAt(at)
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x5f
  )
}
