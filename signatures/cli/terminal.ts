/** What the commands write to; tests pass their own. */
export interface Terminal {
  /** Results. */
  readonly out: Sink
  /** Messages and progress. */
  readonly err: Sink
  /** Colours on `out`. */
  readonly color: boolean
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
}

export interface Sink {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const STYLES = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33' } as const

/** `text` in a style where the terminal has colours, otherwise as it is. */
export function styled(terminal: Terminal, style: keyof typeof STYLES, text: string): string {
  return terminal.color ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text
}

/** `1,234` */
export function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** `1 rule`, `2 rules` */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** Columns padded to their widest cell; the last is not. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)))
  }
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at]))).join('  ')
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}
