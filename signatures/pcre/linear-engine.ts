import v8 from 'node:v8'
import type { Engine } from './engine.ts'

/**
 * V8's regular expressions on patterns that its linear engine can run as well: the backtracking one,
 * compiled to machine code, starts; after `--regexp-backtracks-before-fallback` backtracks (50,000,
 * well under a millisecond) it gives up and the linear one answers. Should the backtrack stack overflow
 * instead (tens of megabytes of input), the `l` flag asks for the linear engine at once.
 *
 * The flags must be set before a pattern is compiled, so this module is the only maker of such patterns.
 */
v8.setFlagsFromString('--enable-experimental-regexp-engine')
v8.setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')

/** Source with captures, made at the first `exec`. */
export interface ExecSource {
  readonly source: string
  readonly tailGroups: readonly number[]
  readonly groupNumbers: readonly number[]
}

export class LinearEngine implements Engine {
  readonly #testSource: string
  readonly #sticky: boolean
  readonly #execSource: () => ExecSource
  #testing: RegExp | null = null
  #testingFrom: RegExp | null = null
  #executing: RegExp | null = null
  #exec: ExecSource | null = null
  #match: RegExpExecArray | null = null
  end = -1
  exhausted = false

  /**
   * @param testSource source that tells whether there is a match
   * @param execSource makes the source that tells where, and what the groups are
   * @param sticky matches only where the search starts
   */
  constructor(testSource: string, execSource: () => ExecSource, sticky: boolean) {
    this.#testSource = testSource
    this.#execSource = execSource
    this.#sticky = sticky
  }

  test(value: string, from: number): boolean {
    if (from > 0) return this.#testFrom(value, from)
    const regex = (this.#testing ??= new RegExp(this.#testSource, this.#sticky ? 'y' : ''))
    regex.lastIndex = 0
    try {
      return regex.test(value)
    } catch {
      this.#testing = new RegExp(this.#testSource, this.#sticky ? 'ly' : 'l')
      return this.#testing.test(value)
    }
  }

  #testFrom(value: string, from: number): boolean {
    const regex = (this.#testingFrom ??= new RegExp(this.#testSource, this.#sticky ? 'gy' : 'g'))
    regex.lastIndex = from
    try {
      return regex.test(value)
    } catch {
      this.#testingFrom = new RegExp(this.#testSource, this.#sticky ? 'gly' : 'gl')
      this.#testingFrom.lastIndex = from
      return this.#testingFrom.test(value)
    }
  }

  exec(value: string, from: number): number {
    const exec = (this.#exec ??= this.#execSource())
    const regex = (this.#executing ??= new RegExp(exec.source, this.#sticky ? 'gy' : 'g'))
    regex.lastIndex = from
    try {
      this.#match = regex.exec(value)
    } catch {
      this.#executing = new RegExp(exec.source, this.#sticky ? 'gly' : 'gl')
      this.#executing.lastIndex = from
      this.#match = this.#executing.exec(value)
    }
    const match = this.#match
    if (match === null) {
      this.end = -1
      return -1
    }
    this.end = match.index + match[0].length
    for (const group of exec.tailGroups) if (match[group] !== undefined) this.end -= 1
    return match.index
  }

  capture(group: number): string | null {
    const match = this.#match
    if (match === null) return null
    if (group === 0) return match[0].slice(0, this.end - match.index)
    const number = this.#exec?.groupNumbers[group]
    return number === undefined ? null : (match[number] ?? null)
  }
}
