import type {
  ByteJump,
  ByteMath,
  ByteTest,
  NumberSource,
  Operand,
} from '#signatures/suricata/buffer-match.ts'

/** Values of `byte_extract` and `byte_math` in the rule being evaluated. */
export type Variables = Map<string, number>

export function operandValue(operand: Operand, variables: Variables): number {
  return typeof operand === 'number' ? operand : (variables.get(operand) ?? 0)
}

/**
 * Result of `readNumber`; one object, read before the next call. `isDceLittle` is the byte order of the DCE/RPC packet
 * that is being looked at, for numbers that are to be read in it.
 */
export const reading = { value: 0, end: 0, isDceLittle: true }

/**
 * Reads the number a byte keyword points to.
 *
 * @param previous end of the match before, for relative sources
 * @returns false when the bytes do not exist or are no digits; else `reading` holds value and end
 */
export function readNumber(
  source: NumberSource,
  text: string,
  previous: number,
  variables: Variables,
): boolean {
  const bytes = operandValue(source.bytes, variables)
  const start = (source.relative ? previous : 0) + operandValue(source.offset, variables)
  if (start < 0 || bytes < 0 || start + bytes > text.length) return false
  reading.end = start + bytes
  if (bytes === 0) {
    reading.value = 0
    return true
  }
  const read =
    source.base === null ? binary(source, text, start, bytes) : digits(source, text, start, bytes)
  if (!read) return false
  if (source.bitmask !== null) reading.value = masked(reading.value, source.bitmask)
  return true
}

/** Numbers are unsigned with 64 bits; what `byte_math` made negative has wrapped around. */
function unsigned(value: number): number {
  return value < 0 ? value + 2 ** 64 : value
}

/** Result of `byte_math`; null: division by zero. Below zero it stands for the wrapped number. */
export function calculate(
  operator: ByteMath['operator'],
  left: number,
  right: number,
): number | null {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return right === 0 ? null : Math.floor(unsigned(left) / unsigned(right))
    case '<<':
      return Number(BigInt.asUintN(64, BigInt(left) << BigInt(Math.min(unsigned(right), 64))))
    case '>>':
      return Math.floor(unsigned(left) / 2 ** unsigned(right))
  }
}

/** Compares as `byte_test` does. */
export function compare(test: ByteTest, read: number, against: number): boolean {
  const value = unsigned(read)
  const wanted = unsigned(against)
  let holds: boolean
  switch (test.comparison) {
    case '<':
      holds = value < wanted
      break
    case '>':
      holds = value > wanted
      break
    case '<=':
      holds = value <= wanted
      break
    case '>=':
      holds = value >= wanted
      break
    case '=':
      holds = value === wanted
      break
    case '&':
      holds = (BigInt(value) & BigInt(wanted)) !== 0n
      break
    case '^':
      holds = (BigInt(value) ^ BigInt(wanted)) !== 0n
      break
  }
  return holds !== test.negated
}

/** Where `byte_jump` lands: at the beginning when it leads before it, beyond the end when it leads there. */
export function jumpTarget(
  jump: ByteJump,
  value: number,
  end: number,
  length: number,
  variables: Variables,
): number {
  let distance = value * jump.multiplier
  if (jump.align && distance % 4 !== 0) distance += 4 - (distance % 4)
  const base = jump.from === 'beginning' ? 0 : jump.from === 'end' ? length : end
  return Math.max(0, base + distance + operandValue(jump.postOffset, variables))
}

function binary(source: NumberSource, text: string, start: number, bytes: number): boolean {
  if (bytes > 8) return false
  const little = source.endian === 'dce' ? reading.isDceLittle : source.endian === 'little'
  let value = 0
  for (let index = 0; index < bytes; index += 1) {
    const at = little ? start + bytes - 1 - index : start + index
    value = value * 256 + text.charCodeAt(at)
  }
  reading.value = value
  return true
}

/** Text digits: blanks before are skipped, the number ends at the first other character. */
function digits(source: NumberSource, text: string, start: number, bytes: number): boolean {
  const piece = text.slice(start, start + bytes)
  const base = source.base === 'auto' ? autoBase(piece) : source.base
  const form =
    base === 'hex'
      ? /^\s*(?:0[xX])?([0-9a-fA-F]+)/
      : base === 'oct'
        ? /^\s*([0-7]+)/
        : /^\s*([0-9]+)/
  const found = form.exec(piece)
  if (found === null) return false
  const value = Number.parseInt(found[1], base === 'hex' ? 16 : base === 'oct' ? 8 : 10)
  if (!Number.isSafeInteger(value)) return false
  reading.value = value
  reading.end = start + found[0].length
  return true
}

function autoBase(piece: string): 'dec' | 'hex' | 'oct' {
  if (/^\s*0[xX]/.test(piece)) return 'hex'
  return /^\s*0[0-7]/.test(piece) ? 'oct' : 'dec'
}

function masked(value: number, mask: number): number {
  let shifted = BigInt(value) & BigInt(mask)
  for (let bit = BigInt(mask); (bit & 1n) === 0n && bit !== 0n; bit >>= 1n) shifted >>= 1n
  return Number(shifted)
}
