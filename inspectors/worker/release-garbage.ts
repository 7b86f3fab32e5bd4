/**
 * Gives back what loading rules left behind: half of what a worker would otherwise keep of the machine for
 * good, as V8 hands back pages only when it compacts and has no reason of its own to. Takes some tens of
 * milliseconds, before there is traffic. Without `--expose-gc` it does nothing.
 */
export function releaseGarbage(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
