import { ICMP, ICMP6, TCP, UDP } from './packet.ts'

/** Milliseconds without a packet after which a flow is over, by what was seen of it. */
export interface StateTimeouts {
  readonly new: number
  readonly established: number
  readonly closed: number
  readonly bypassed: number
}

/** `flow-timeouts` */
export type FlowTimeouts = Readonly<Record<'default' | 'tcp' | 'udp' | 'icmp', StateTimeouts>>

/** As Suricata's own configuration sets them. */
export const DEFAULT_FLOW_TIMEOUTS: FlowTimeouts = {
  default: { new: 30_000, established: 300_000, closed: 0, bypassed: 100_000 },
  tcp: { new: 60_000, established: 600_000, closed: 60_000, bypassed: 100_000 },
  udp: { new: 30_000, established: 300_000, closed: 0, bypassed: 100_000 },
  icmp: { new: 30_000, established: 300_000, closed: 0, bypassed: 100_000 },
}

/** What holds where a configuration says nothing of them. */
export const BUILT_IN_FLOW_TIMEOUTS: FlowTimeouts = {
  ...DEFAULT_FLOW_TIMEOUTS,
  tcp: { new: 30_000, established: 300_000, closed: 10_000, bypassed: 100_000 },
}

export function timeoutsFor(timeouts: FlowTimeouts, protocol: number): StateTimeouts {
  switch (protocol) {
    case TCP:
      return timeouts.tcp
    case UDP:
      return timeouts.udp
    case ICMP:
    case ICMP6:
      return timeouts.icmp
    default:
      return timeouts.default
  }
}

/** A flow that had a packet more lately is not over, whatever its state. */
export function shortestTimeout(own: StateTimeouts): number {
  return Math.min(own.new, own.established, own.closed, own.bypassed)
}

/**
 * Takes `flow-timeouts.tcp.new` and its like, in seconds.
 *
 * @returns null when the name is none of these, or the value no number
 */
export function applyFlowTimeout(
  timeouts: FlowTimeouts,
  name: string,
  value: string,
): FlowTimeouts | null {
  const parts =
    /^flow-timeouts\.(default|tcp|udp|icmp)\.(emergency-)?(new|established|closed|bypassed)$/.exec(
      name,
    )
  if (parts === null || !/^\d{1,9}$/.test(value.trim())) return null
  // Flows beyond the bound are closed by age, not by shorter times.
  if (parts[2] !== undefined) return timeouts
  const protocol = parts[1] as keyof FlowTimeouts
  return {
    ...timeouts,
    [protocol]: { ...timeouts[protocol], [parts[3]]: Number(value) * 1000 },
  }
}
