import type { FlowState } from '../../state/flow-state.ts'

/** Bits with this before their name tell what the traffic of a flow is. */
const TRAFFIC = /^traffic\/(id|label)\/([^]+)$/

/** EVE's `metadata` and `traffic` objects: what rules noted about a flow. */
export function flowMetadata({ bits, numbers }: FlowState): Record<string, unknown> {
  if (bits.size === 0 && numbers.size === 0) return {}
  const flowbits: string[] = []
  const ids: string[] = []
  const labels: string[] = []
  for (const bit of bits) {
    const traffic = TRAFFIC.exec(bit)
    if (traffic === null) flowbits.push(bit)
    else (traffic[1] === 'id' ? ids : labels).push(traffic[2])
  }
  const hasOwn = flowbits.length > 0 || numbers.size > 0
  return {
    ...(hasOwn
      ? {
          metadata: {
            ...(flowbits.length === 0 ? {} : { flowbits }),
            ...(numbers.size === 0 ? {} : { flowints: Object.fromEntries(numbers) }),
          },
        }
      : {}),
    ...(ids.length === 0 && labels.length === 0
      ? {}
      : {
          traffic: {
            ...(ids.length === 0 ? {} : { id: ids }),
            ...(labels.length === 0 ? {} : { label: labels }),
          },
        }),
  }
}
