import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** One stage of a go-ftw test, as far as the CRS suite uses the format. */
export interface FtwStage {
  readonly input: FtwInput
  readonly output: FtwOutput
}

export interface FtwInput {
  readonly method?: string
  readonly uri?: string
  readonly version?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly data?: string
  readonly autocomplete_headers?: boolean
  /** Base64 of the whole request. */
  readonly encoded_request?: string
}

export interface FtwOutput {
  readonly status?: number
  readonly expect_error?: boolean
  readonly log?: {
    readonly expect_ids?: readonly number[]
    readonly no_expect_ids?: readonly number[]
    readonly match_regex?: string
    readonly no_match_regex?: string
  }
}

export interface FtwTest {
  /** `941100-1` */
  readonly name: string
  readonly stages: readonly FtwStage[]
}

/** Tests of one YAML file; an empty file has none. */
export function readFtwFile(path: string): FtwTest[] {
  const file: unknown = parse(readFileSync(path, 'utf8'))
  if (file === null || typeof file !== 'object') return []
  const { rule_id: ruleId, tests } = file as {
    rule_id: number
    tests: readonly { test_id: number; stages: readonly FtwStage[] }[]
  }
  return tests.map((test) => ({ name: `${ruleId}-${test.test_id}`, stages: test.stages }))
}
