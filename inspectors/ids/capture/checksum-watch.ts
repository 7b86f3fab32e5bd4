import { isIpSumRight, isTransportSumRight } from './checksum.ts'
import type { Packet } from './packet.ts'

/** Packets after which it is settled whether wrong sums are to be believed. */
const TRIAL = 1000
/** Of these, one in so many wrong: the capturing host has left the sums to its network card. */
const TOLERATED = 10

/** Decides which packets of a capture are damaged by their sums. */
export class ChecksumWatch {
  #isAsked: boolean
  #isTrial: boolean
  #seen = 0
  #wrong = 0
  /** Packets that were found damaged. */
  damaged = 0

  constructor(mode: 'none' | 'all' | 'auto') {
    this.#isAsked = mode !== 'none'
    this.#isTrial = mode === 'auto'
  }

  /** True when the packet is not what its sender sent, and no host would take it. */
  isDamaged(packet: Packet): boolean {
    if (!this.#isAsked || !packet.isSound) return false
    const isWrong = isTransportSumRight(packet) === false || !isIpSumRight(packet)
    if (this.#isTrial) this.#count(isWrong)
    if (isWrong) this.damaged += 1
    return isWrong
  }

  #count(isWrong: boolean): void {
    this.#seen += 1
    if (isWrong) this.#wrong += 1
    if (this.#seen < TRIAL) return
    this.#isTrial = false
    if (this.#wrong * TOLERATED > this.#seen) this.#isAsked = false
  }
}
