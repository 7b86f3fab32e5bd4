/** Packets sent that count as traffic. */
const MIN_PACKETS = 8
/** Of so many packets one at least arrives; all do, but for what a switch speaks itself. */
const MAX_SENT_PER_ARRIVAL = 4
/** One change may have been half made. */
const MAX_SILENT_CHANGES = 3

/**
 * Whether what is sent at one end arrives at the other, from counts at both: through a mirrored port and out to its
 * tap, or out to the tap and into the engine. Goes by changes of the counts, not by time, as the switch chooses how
 * often it tells them.
 */
export class ArrivalWatch {
  #sent: number | null = null
  #arrived = 0
  #silentChanges = 0

  /** @returns whether packets arrive; null: not known yet */
  observe(sent: number, arrived: number): boolean | null {
    const went = this.#sent === null ? 0 : sent - this.#sent
    const came = arrived - this.#arrived
    if (this.#sent !== null && went >= 0 && went < MIN_PACKETS) return null
    this.#sent = sent
    this.#arrived = arrived
    if (went <= 0) {
      this.#silentChanges = 0
      return null
    }
    const isSilent = came * MAX_SENT_PER_ARRIVAL < went
    this.#silentChanges = isSilent ? this.#silentChanges + 1 : 0
    if (!isSilent) return true
    return this.#silentChanges >= MAX_SILENT_CHANGES ? false : null
  }
}
