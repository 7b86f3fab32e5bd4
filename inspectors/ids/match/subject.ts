/**
 * What a section is matched against: bytes as a latin1 string. The lower-case twin is made when the first
 * `nocase` content asks, once for all rules.
 */
export class Subject {
  text: string
  /** Offset of `text[0]` in the whole buffer; above 0 in a sliding window. */
  base: number
  /** The end of `text` is the end of the buffer. */
  ended: boolean
  /** No more of the buffer will be shown: what is absent now stays absent. */
  final: boolean
  /** It has no end that could be waited for: what must be absent is absent when it was not seen so far. */
  readonly endless: boolean
  #folded: string | null = null

  constructor(text: string, base = 0, ended = true, final = true, endless = false) {
    this.text = text
    this.base = base
    this.ended = ended
    this.final = final
    this.endless = endless
  }

  /**
   * ASCII letters in lower case. Letters above 0x7f are folded too; who searches in it compares such a
   * match with `text` again (`ContentStep.exactHigh`).
   */
  get folded(): string {
    this.#folded ??= this.text.toLowerCase()
    return this.#folded
  }

  /** More of the same: what was there stays, and is not folded again. */
  grow(text: string, ended: boolean, final: boolean): void {
    if (this.#folded !== null && text.length > this.text.length)
      this.#folded += text.slice(this.text.length).toLowerCase()
    this.text = text
    this.ended = ended
    this.final = final
  }

  /** Puts another stretch in place. */
  set(text: string, base: number, ended: boolean, final: boolean): void {
    this.text = text
    this.base = base
    this.ended = ended
    this.final = final
    this.#folded = null
  }
}
