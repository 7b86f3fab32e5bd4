/** What is known of the order of snapshots, from one place. */
export interface Progress {
  readonly epoch: number
  readonly revision: number
}

/**
 * The epoch that snapshots must have from now on. It grows when desired state may have been lost, so
 * that agents take the recomputed snapshots although their generations start low again:
 * Redis is empty or behind what this manager's disk remembers, or an agent has seen a later epoch.
 *
 * @param redis   what Redis says; epoch 0 when it has none
 * @param disk    what this manager last wrote to its own disk; null on a new one
 * @param agents  highest epoch that an agent reports
 */
export function epochInForce(redis: Progress, disk: Progress | null, agents: number): number {
  let epoch = Math.max(redis.epoch, 1)
  if (disk !== null) {
    const isLost = redis.epoch < disk.epoch
    const isBehind = redis.epoch === disk.epoch && redis.revision < disk.revision
    if (isLost || isBehind) epoch = Math.max(epoch, disk.epoch + 1)
  }
  return agents > epoch ? agents + 1 : epoch
}
