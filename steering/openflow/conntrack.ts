import type { ConnectionTuple } from './switch-controller-interface.ts'

/** An inspected connection in one zone, as ovs-vswitchd tells it. */
export interface TrackedConnection {
  readonly zone: number
  readonly mark: number
  readonly attachment: number
  /** False once both sides have closed: the entry only waits for its end. */
  readonly isAlive: boolean
  readonly tuple: ConnectionTuple
}

/** Most text of a conntrack dump that is read. */
export const MAX_CONNECTION_DUMP_BYTES = 134_217_728

const ENDED = new Set(['TIME_WAIT', 'CLOSED', 'CLOSE', 'FIN_WAIT_2', 'LAST_ACK', 'CLOSING'])
const TUPLE = /^tcp,orig=\(src=([^,]+),dst=([^,]+),sport=(\d+),dport=(\d+)\)/

/**
 * Reads `dpctl/dump-conntrack`, TCP lines with a mark:
 *
 *   tcp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=4000,dport=80),reply=(...),zone=5,mark=1,
 *     labels=0x10000...,protoinfo=(state=ESTABLISHED)
 */
export function readConntrack(output: string): TrackedConnection[] {
  const connections: TrackedConnection[] = []
  for (const line of output.split('\n')) {
    const tuple = TUPLE.exec(line)
    if (tuple === null) continue
    const mark = Number(/,mark=(\d+)/.exec(line)?.[1] ?? 0)
    if (mark === 0) continue
    const label = BigInt(/,labels=(0x[0-9a-f]+)/.exec(line)?.[1] ?? 0)
    const [, sourceAddress, destinationAddress, sourcePort, destinationPort] = tuple
    connections.push({
      zone: Number(/,zone=(\d+)/.exec(line)?.[1] ?? 0),
      mark,
      attachment: Number((label >> 64n) & 0xffff_ffffn),
      isAlive: !ENDED.has(/state=([A-Z_0-9]+)/.exec(line)?.[1] ?? ''),
      tuple: {
        family: sourceAddress.includes(':') ? 6 : 4,
        sourceAddress: sourceAddress,
        sourcePort: Number(sourcePort),
        destinationAddress: destinationAddress,
        destinationPort: Number(destinationPort),
      },
    })
  }
  return connections
}

/** The connection as `dpctl/flush-conntrack` wants it, to forget this one alone. */
export function flushTuple(tuple: ConnectionTuple): string {
  const [source, destination] =
    tuple.family === 4 ? ['ct_nw_src', 'ct_nw_dst'] : ['ct_ipv6_src', 'ct_ipv6_dst']
  return [
    `${source}=${tuple.sourceAddress}`,
    `${destination}=${tuple.destinationAddress}`,
    'ct_nw_proto=6',
    `ct_tp_src=${tuple.sourcePort}`,
    `ct_tp_dst=${tuple.destinationPort}`,
  ].join(',')
}
