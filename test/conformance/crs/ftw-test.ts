import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parse } from 'yaml'
import type { ReflectedAnswer } from './reflect.ts'

/**
 * The test format of go-ftw, all fields of it (OWASP CRS's ftw-tests-schema). Scalars are read as the text
 * they are: a header whose value is `1.0` or `no` is sent as that.
 */

export interface FtwInput {
  readonly protocol: string
  readonly method: string
  /** One request each. */
  readonly uris: readonly string[]
  readonly version: string
  /** In the order in which they are sent. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Go template of the body; null: the body is `encodedData`. */
  readonly data: string | null
  readonly encodedData: Buffer | null
  /** The whole request; everything else is ignored. */
  readonly encodedRequest: Buffer | null
  readonly autocompleteHeaders: boolean
  /** Cookies that the answer sets go with the later stages of the test. */
  readonly savesCookie: boolean
  /** The request goes to where the answer of the stage before redirected to. */
  readonly followsRedirect: boolean
  /** The markers carry the `Host` of the request. */
  readonly isVirtualHost: boolean
  /** What the server behind answers; null: what its path says. */
  readonly response: ReflectedAnswer | null
}

export interface FtwOutput {
  readonly status: number | null
  readonly expectError: boolean | null
  readonly responseContains: string | null
  readonly retryOnce: boolean
  /** The rule of `expectIds` is the only one in the log. */
  readonly isIsolated: boolean
  readonly expectIds: readonly number[]
  readonly noExpectIds: readonly number[]
  readonly matchRegex: string | null
  readonly noMatchRegex: string | null
}

export interface FtwStage {
  readonly input: FtwInput
  readonly output: FtwOutput
}

export interface FtwTest {
  /** `941100-1` */
  readonly name: string
  readonly ruleId: number
  readonly testId: number
  /** False where the file says `enabled: false`. */
  readonly isEnabled: boolean
  readonly stages: readonly FtwStage[]
}

/** A YAML mapping as read; every scalar is a string. */
export type YamlMap = ReadonlyMap<string, unknown>

/** @throws with the file's name when it is no YAML */
export function readYaml(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'), { schema: 'failsafe', mapAsMap: true, merge: true })
  } catch (cause) {
    throw new Error(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** Tests of one YAML file; a file without tests has none. */
export function readFtwFile(path: string): FtwTest[] {
  const file = mapOf(readYaml(path))
  const ruleId = numberOf(file, 'rule_id') ?? Number(/\d+/.exec(basename(path))?.[0] ?? Number.NaN)
  const isEnabled = booleanOf(mapOf(file.get('meta')), 'enabled') ?? true
  return listOf(file, 'tests').map((value, index) => {
    const test = mapOf(value)
    const testId = numberOf(test, 'test_id') ?? index + 1
    if (Number.isNaN(ruleId)) throw new Error(`${path}: rule_id is missing`)
    return {
      name: `${ruleId}-${testId}`,
      ruleId,
      testId,
      isEnabled,
      stages: listOf(test, 'stages').map(stageOf),
    }
  })
}

function stageOf(value: unknown): FtwStage {
  const outer = mapOf(value)
  // Version 1 of the format nests the stage once more.
  const stage = outer.has('stage') ? mapOf(outer.get('stage')) : outer
  return { input: inputOf(mapOf(stage.get('input'))), output: outputOf(mapOf(stage.get('output'))) }
}

function inputOf(input: YamlMap): FtwInput {
  const uris = listOf(input, 'uris').map(String)
  const stopsMagic = booleanOf(input, 'stop_magic')
  const encodedData = textOf(input, 'encoded_data')
  const encodedRequest = textOf(input, 'encoded_request') ?? textOf(input, 'raw_request')
  return {
    protocol: textOf(input, 'protocol') ?? 'http',
    method: textOf(input, 'method') ?? 'GET',
    uris: uris.length > 0 ? uris : [textOf(input, 'uri') ?? '/'],
    version: textOf(input, 'version') ?? 'HTTP/1.1',
    headers: headersOf(input),
    data: textOf(input, 'data'),
    encodedData: encodedData === null ? null : Buffer.from(encodedData, 'base64'),
    encodedRequest: encodedRequest === null ? null : Buffer.from(encodedRequest, 'base64'),
    autocompleteHeaders: booleanOf(input, 'autocomplete_headers') ?? stopsMagic !== true,
    savesCookie: booleanOf(input, 'save_cookie') ?? false,
    followsRedirect: booleanOf(input, 'follow_redirect') ?? false,
    isVirtualHost: booleanOf(input, 'virtual_host_mode') ?? false,
    response: input.has('response') ? responseOf(mapOf(input.get('response'))) : null,
  }
}

function headersOf(input: YamlMap): (readonly [string, string])[] {
  const ordered = listOf(input, 'ordered_headers').map((value) => {
    const header = mapOf(value)
    return [textOf(header, 'name') ?? '', textOf(header, 'value') ?? ''] as const
  })
  const named = [...mapOf(input.get('headers'))].map(
    ([name, value]) => [name, scalar(value)] as const,
  )
  return [...ordered, ...named]
}

function responseOf(response: YamlMap): ReflectedAnswer {
  return {
    status: numberOf(response, 'status'),
    headers: [...mapOf(response.get('headers'))].map(([name, value]) => [name, scalar(value)]),
    body: bodyOf(textOf(response, 'body'), textOf(response, 'encoded_body')),
  }
}

const bodyOf = (text: string | null, base64: string | null): Buffer =>
  text !== null && text !== '' ? Buffer.from(text) : Buffer.from(base64 ?? '', 'base64')

export function outputOf(output: YamlMap): FtwOutput {
  const log = mapOf(output.get('log'))
  const expectIds = listOf(log, 'expect_ids').map(Number)
  const noExpectIds = listOf(log, 'no_expect_ids').map(Number)
  // The older fields count where the newer ones say nothing.
  const contains = expectIds.length > 0 ? null : textOf(output, 'log_contains')
  const containsNot = noExpectIds.length > 0 ? null : textOf(output, 'no_log_contains')
  return {
    // A list is the oldest form; its members are alternatives and no suite uses more than one.
    status: numberOf(output, 'status') ?? (listOf(output, 'status').map(Number).at(0) || null),
    expectError: booleanOf(output, 'expect_error'),
    responseContains: textOf(output, 'response_contains'),
    retryOnce: booleanOf(output, 'retry_once') ?? false,
    isIsolated: booleanOf(output, 'isolated') ?? false,
    expectIds,
    noExpectIds,
    matchRegex: textOf(log, 'match_regex') ?? contains,
    noMatchRegex: textOf(log, 'no_match_regex') ?? containsNot,
  }
}

export const mapOf = (value: unknown): YamlMap =>
  value instanceof Map ? (value as YamlMap) : new Map()

export function listOf(map: YamlMap, key: string): readonly unknown[] {
  const value = map.get(key)
  return Array.isArray(value) ? value : []
}

export function numberOf(map: YamlMap, key: string): number | null {
  const text = textOf(map, key)
  return text === null || !/^\d+$/.test(text) ? null : Number(text)
}

const scalar = (value: unknown): string => (typeof value === 'string' ? value : '')

function textOf(map: YamlMap, key: string): string | null {
  const value = map.get(key)
  return typeof value === 'string' && value !== '' ? value : null
}

export function booleanOf(map: YamlMap, key: string): boolean | null {
  const text = textOf(map, key)?.toLowerCase()
  return text === 'true' ? true : text === 'false' ? false : null
}
