import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Classification,
  DEFAULT_CLASSIFICATIONS,
  parseClassifications,
} from '#signatures/suricata/classification.ts'
import { parseRules } from '#signatures/suricata/parse-rules.ts'
import type { RuleProblem } from '#signatures/suricata/problem.ts'
import type { Rule } from '#signatures/suricata/rule.ts'
import { IdsLoadError } from './errors.ts'

/** Largest rules file, and most files of one folder. */
export const MAX_RULE_FILE_BYTES = 268_435_456
export const MAX_RULE_FILES = 10_000

export interface LoadedRules {
  readonly rules: Rule[]
  readonly disabled: number
  readonly problems: readonly RuleProblem[]
}

/**
 * Reads and parses rule files. A folder stands for its `*.rules` files, at any depth, in order of their
 * names; a `classification.config` in it, or beside a file, says what the rules' classes mean, unless one is
 * given.
 *
 * @throws IdsLoadError `IDS_RULES_UNREADABLE`
 */
export function loadRuleFiles(
  paths: readonly string[],
  classificationFile: string | null = null,
): LoadedRules {
  const rules = new Map<string, Rule>()
  const problems: RuleProblem[] = []
  let disabled = 0
  for (const path of paths) {
    const files = ruleFiles(path)
    const classifications = classificationsOf(path, classificationFile)
    for (const file of files) {
      const bytes = readBytes(file, MAX_RULE_FILE_BYTES)
      const parsed = parseRules(bytes, file, { classifications })
      giveBack(bytes)
      disabled += parsed.disabled
      for (const problem of parsed.errors) problems.push(problem)
      for (const rule of parsed.rules) {
        const id = `${rule.gid}:${rule.sid}`
        const before = rules.get(id)
        if (before === undefined || before.rev < rule.rev) rules.set(id, rule)
      }
    }
  }
  return { rules: [...rules.values()], disabled, problems }
}

function ruleFiles(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    const found = readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.rules'))
      .sort()
    if (found.length > MAX_RULE_FILES)
      throw new IdsLoadError('IDS_LIMIT', `${path} has more than ${MAX_RULE_FILES} rule files`)
    return found.map((name) => join(path, name))
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** @throws IdsLoadError */
export function readText(file: string, maxBytes = MAX_RULE_FILE_BYTES): string {
  return readBytes(file, maxBytes).toString('latin1')
}

/** @throws IdsLoadError */
function readBytes(file: string, maxBytes: number): Buffer<ArrayBuffer> {
  try {
    if (statSync(file).size > maxBytes)
      throw new IdsLoadError('IDS_LIMIT', `${file} is larger than ${maxBytes} bytes`)
    return readFileSync(file)
  } catch (error) {
    throw unreadable(file, error)
  }
}

/**
 * Gives the memory of a file back at once. The collector knows these bytes as one small object and would keep them until
 * long after the rules are compiled, which is when the process is at its largest.
 */
function giveBack({ buffer, byteLength }: Buffer<ArrayBuffer>): void {
  // A small file shares its memory with others.
  if (buffer.byteLength === byteLength) buffer.transfer(0)
}

function unreadable(path: string, error: unknown): IdsLoadError {
  if (error instanceof IdsLoadError) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new IdsLoadError('IDS_RULES_UNREADABLE', `${path} cannot be read: ${reason}`, [], {
    cause: error,
  })
}

/** The built-in classes, overlaid by those of the set's own file. */
function classificationsOf(
  path: string,
  given: string | null,
): ReadonlyMap<string, Classification> {
  const beside = statSync(path).isDirectory() ? path : join(path, '..')
  const file = given ?? join(beside, 'classification.config')
  try {
    const own = parseClassifications(readFileSync(file, 'utf8'))
    return own.size === 0 ? DEFAULT_CLASSIFICATIONS : new Map([...DEFAULT_CLASSIFICATIONS, ...own])
  } catch {
    return DEFAULT_CLASSIFICATIONS
  }
}
