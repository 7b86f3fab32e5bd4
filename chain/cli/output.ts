import { wantsColour } from './config.ts'

/**
 * Text that may come from an attacker, safe for a terminal and a log: control characters (C0, C1, and
 * the marks that turn the direction of text) are written out as escapes.
 */
export function printable(text: string): string {
  return text.replaceAll(
    // oxlint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

/** Columns of a table: heading, and what a row shows there. */
export type Column<T> = readonly [heading: string, show: (row: T) => string | number]

/** A table for people, columns as wide as needed; two blanks between, nothing at the end of a line. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
  const cells = rows.map((row) => columns.map(([, show]) => printable(String(show(row)))))
  const all = [columns.map(([heading]) => heading), ...cells]
  const widths = columns.map((_, index) => Math.max(...all.map((line) => line[index].length)))
  return all
    .map((line) =>
      line
        .map((cell, index) => cell.padEnd(widths[index]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export interface Output {
  readonly isJson: boolean
  /** Results: stdout. */
  line(text: string): void
  /** One object, or one per line (NDJSON) when called again. */
  json(value: unknown): void
  /** Progress and explanations: stderr. */
  note(text: string): void
}

export function outputOf(isJson: boolean): Output {
  return {
    isJson,
    line: (text) => void process.stdout.write(`${text}\n`),
    json: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
    note: (text) => void process.stderr.write(`${text}\n`),
  }
}

const CODES = { red: 31, green: 32, yellow: 33, dim: 2 } as const

/** Colours a finished cell or line; plain off a terminal. */
export function coloured(colour: keyof typeof CODES, text: string): string {
  return wantsColour(process.stdout.isTTY) ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text
}

/** Colour of a state: what is in force, what is not, what is on the way. */
export function stateColour(state: string): keyof typeof CODES {
  if (state === 'realized' || state === 'live') return 'green'
  return state === 'pending' || state === 'draining' ? 'yellow' : 'red'
}
