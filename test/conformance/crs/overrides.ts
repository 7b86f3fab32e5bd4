import {
  booleanOf,
  type FtwOutput,
  type FtwTest,
  listOf,
  mapOf,
  numberOf,
  outputOf,
  readYaml,
  type YamlMap,
} from './ftw-test.ts'

/**
 * What platforms say about single tests: overrides files of CRS (`test_overrides`, which replace what a
 * test expects) and the `testoverride` section of a go-ftw configuration (ignore, forcepass, forcefail).
 */
export interface Overrides {
  readonly outputs: readonly OutputOverride[]
  readonly forced: readonly ForcedResult[]
}

interface OutputOverride {
  readonly ruleId: number
  /** Empty: all tests of the rule. */
  readonly testIds: readonly number[]
  /** Positions of stages, from 0; empty: all. */
  readonly stageIds: readonly number[]
  readonly output: FtwOutput
}

export type Forced = 'ignore' | 'forcepass' | 'forcefail'

interface ForcedResult {
  readonly result: Forced
  readonly names: RegExp
  readonly reason: string
}

const FORCED: readonly Forced[] = ['ignore', 'forcefail', 'forcepass']

/** True for a parsed YAML file that holds overrides. */
export function holdsOverrides(file: YamlMap): boolean {
  return file.has('test_overrides') || file.has('testoverride')
}

/** @throws when a file cannot be read or holds no overrides */
export function readOverrides(paths: readonly string[]): Overrides {
  const outputs: OutputOverride[] = []
  const forced: ForcedResult[] = []
  for (const path of paths) {
    const file = mapOf(readYaml(path))
    if (!holdsOverrides(file)) {
      throw new Error(`${path}: neither test_overrides nor testoverride is in it`)
    }
    for (const value of listOf(file, 'test_overrides')) outputs.push(outputOverride(mapOf(value)))
    const section = mapOf(file.get('testoverride'))
    for (const result of FORCED) {
      for (const [names, reason] of mapOf(section.get(result))) {
        forced.push({ result, names: new RegExp(names), reason: String(reason) })
      }
    }
  }
  return { outputs, forced }
}

function outputOverride(override: YamlMap): OutputOverride {
  const output = outputOf(mapOf(override.get('output')))
  const retryOnce = booleanOf(override, 'retry_once')
  return {
    ruleId: numberOf(override, 'rule_id') ?? Number.NaN,
    testIds: listOf(override, 'test_ids').map(Number),
    stageIds: listOf(override, 'stage_ids').map(Number),
    output: retryOnce === null ? output : { ...output, retryOnce },
  }
}

/** The result that is settled without running the test, or null. */
export function forcedResult({ forced }: Overrides, test: FtwTest): ForcedResult | null {
  return forced.find(({ names }) => names.test(test.name)) ?? null
}

export function withOverrides({ outputs }: Overrides, test: FtwTest): FtwTest {
  const own = outputs.filter(
    ({ ruleId, testIds }) =>
      ruleId === test.ruleId && (testIds.length === 0 || testIds.includes(test.testId)),
  )
  if (own.length === 0) return test
  const stages = test.stages.map((stage, index) => {
    const last = own.findLast(({ stageIds }) => stageIds.length === 0 || stageIds.includes(index))
    return last === undefined ? stage : { ...stage, output: last.output }
  })
  return { ...test, stages }
}
