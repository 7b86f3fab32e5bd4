/** Plain numbers of the datagram path; `worker/samples.ts` turns them into metric samples. */
export interface DatagramCounters {
  /** Frames read. */
  frames: number
  bytes: number
  flows: number
  /** Flows forgotten before their time, for want of room. */
  flowsEvicted: number
  forwarded: number
  /** By a verdict, or because a hop with `onFailure: closed` failed. */
  dropped: number
  /** No attachment covers them. */
  unresolved: number
  /** Frames that hold no datagram that can be read; they go no further. */
  unreadable: number
  /** Fragments given up: the packet was never whole, or there was no room. */
  fragmentsLost: number
  /** The kernel did not take them. */
  unsent: number
  /** Reads that failed. */
  readErrors: number
}

export function newDatagramCounters(): DatagramCounters {
  return {
    frames: 0,
    bytes: 0,
    flows: 0,
    flowsEvicted: 0,
    forwarded: 0,
    dropped: 0,
    unresolved: 0,
    unreadable: 0,
    fragmentsLost: 0,
    unsent: 0,
    readErrors: 0,
  }
}
