import type { SourcePosition } from './diagnostic.ts'

/** Bytes of one directive with its continuation lines. CRS's longest has 13 kB. */
export const MAX_LOGICAL_LINE = 1_048_576

/**
 * A directive's text with continuation lines joined (`\` at the end of a line, as Apache reads its
 * files), and the way back to lines and columns.
 */
export class LogicalLine {
  readonly text: string
  readonly file: string
  /** Offset in `text` where each physical line begins, ascending. */
  readonly #starts: readonly number[]
  readonly #firstLine: number

  constructor(file: string, firstLine: number, text: string, starts: readonly number[]) {
    this.file = file
    this.text = text
    this.#firstLine = firstLine
    this.#starts = starts
  }

  positionAt(offset: number): SourcePosition {
    let index = 0
    while (index + 1 < this.#starts.length && this.#starts[index + 1] <= offset) index += 1
    const column = offset - this.#starts[index] + 1
    return { file: this.file, line: this.#firstLine + index, column }
  }
}

/** Splits a file into logical lines; empty ones and comments are left out. */
export function logicalLines(file: string, textLatin1: string): LogicalLine[] {
  const lines: LogicalLine[] = []
  const physical = textLatin1.split('\n')
  let index = 0
  while (index < physical.length) {
    const firstLine = index + 1
    const pieces: string[] = []
    const starts: number[] = []
    let length = 0
    let continued = true
    while (continued && index < physical.length) {
      let piece = withoutCarriageReturn(physical[index])
      continued = piece.endsWith('\\')
      if (continued) piece = piece.slice(0, -1)
      starts.push(length)
      pieces.push(piece)
      length += piece.length
      index += 1
    }
    const text = pieces.join('')
    const first = text.trimStart()
    if (first !== '' && !first.startsWith('#')) {
      lines.push(new LogicalLine(file, firstLine, text, starts))
    }
  }
  return lines
}

function withoutCarriageReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}
