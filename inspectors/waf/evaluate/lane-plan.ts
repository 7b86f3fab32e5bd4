import type { Lane } from '../compile/program.ts'
import type { ChangingLane, LanePlan } from '../values/interest.ts'

/**
 * @param indices lanes that the groups are in
 * @param triggers bits of trigger-masks.ts that the value has
 * @param wanted groups that are asked for
 */
export function planLanes(
  lanes: readonly Lane[],
  indices: readonly number[],
  triggers: number,
  wanted: Int32Array,
): LanePlan {
  const same = new Int32Array(wanted.length)
  const changing: ChangingLane[] = []
  for (const index of indices) {
    const { groups, pipelines, triggerMask, isRemade } = lanes[index]
    const groupSet = new Int32Array(wanted.length)
    const masks = new Map<number, number>()
    for (const group of groups) {
      const bit = 1 << (group.index & 31)
      if ((wanted[group.index >> 5] & bit) === 0) continue
      groupSet[group.index >> 5] |= bit
      for (const [at, word] of group.words.entries()) {
        masks.set(word, (masks.get(word) ?? 0) | group.masks[at])
      }
    }
    if ((triggers & triggerMask) === 0) {
      for (const [word, bits] of groupSet.entries()) same[word] |= bits
      continue
    }
    changing.push({
      pipelines,
      lastSteps: pipelines.map((pipeline, at) =>
        at > 0 && pipeline.parent === pipelines[at - 1] ? (pipeline.steps.at(-1) ?? null) : null,
      ),
      isRemade,
      groupSet,
      words: Int32Array.from(masks.keys()),
      masks: Int32Array.from(masks.values()),
    })
  }
  // What one of the others makes as well is then gated for all of them already.
  changing.sort((left, right) => Number(left.isRemade) - Number(right.isRemade))
  return { same, hasSame: same.some((bits) => bits !== 0), changing }
}
