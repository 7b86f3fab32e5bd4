/** Packets through the mirrored port that count as traffic. */
const MIN_PACKETS = 8
/** Of so many packets through the port one at least is mirrored; all are, but for what the switch speaks itself. */
const MAX_PACKETS_PER_COPY = 4
/** One change may have been half made. */
const MAX_SILENT_CHANGES = 3

/**
 * Whether a mirror does what it is there for: packets go through the mirrored port, and most of them are not
 * mirrored. Goes by changes of the counts, not by time, as the switch chooses how often it tells them.
 */
export class MirrorWatch {
  #passed: number | null = null
  #mirrored = 0
  #silentChanges = 0

  /**
   * @param passed   packets through the mirrored port, as the switch last told
   * @param mirrored packets that went to the port that gets the copies
   * @returns whether the mirror sees them; null: not known yet
   */
  observe(passed: number, mirrored: number): boolean | null {
    const went = this.#passed === null ? 0 : passed - this.#passed
    const copied = mirrored - this.#mirrored
    if (this.#passed !== null && went >= 0 && went < MIN_PACKETS) return null
    this.#passed = passed
    this.#mirrored = mirrored
    if (went <= 0) {
      this.#silentChanges = 0
      return null
    }
    const isSilent = copied * MAX_PACKETS_PER_COPY < went
    this.#silentChanges = isSilent ? this.#silentChanges + 1 : 0
    if (!isSilent) return true
    return this.#silentChanges >= MAX_SILENT_CHANGES ? false : null
  }
}
