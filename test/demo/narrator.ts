/** One line a step on standard output; with `--json` on standard error, so that the result stands alone. */
export class Narrator {
  readonly #stream: NodeJS.WriteStream
  #failed = 0

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  get failed(): number {
    return this.#failed
  }

  say(text: string): void {
    this.#stream.write(`      ${text}\n`)
  }

  /** A step that either holds or does not. @returns `holds` */
  step(holds: boolean, text: string): boolean {
    if (!holds) this.#failed++
    this.#stream.write(`${this.#mark(holds)}  ${text}\n`)
    return holds
  }

  #mark(holds: boolean): string {
    const mark = holds ? 'ok  ' : 'FAIL'
    if (!this.#stream.isTTY || process.env['NO_COLOR'] !== undefined) return mark
    return `\u001B[${holds ? 32 : 31}m${mark}\u001B[0m`
  }
}
