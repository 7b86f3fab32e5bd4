import { dirname, join, relative, sep } from 'node:path'
import { existsSync, realpathSync } from 'node:fs'
import { RuleFault } from '#signatures/suricata/problem.ts'
import type { DatasetMatch, DatasetSource, DatasetType } from '#signatures/suricata/buffer-match.ts'
import type { FileCheck, HashAlgorithm } from '#signatures/suricata/checks.ts'
import type { Rule } from '#signatures/suricata/rule.ts'
import type { FileTest } from '../files/file-test.ts'
import type { Dataset } from '../state/dataset.ts'
import { fillSet } from './dataset-files.ts'
import { readText } from '../rule-files.ts'

/** Largest file with data for rules, and most entries of one list. */
export const MAX_DATA_FILE_BYTES = 134_217_728
export const MAX_LIST_ENTRIES = 5_000_000
/** Most sets of one inspector. */
export const MAX_SETS = 4096

const HEX_DIGITS: Readonly<Record<HashAlgorithm, number>> = { md5: 32, sha1: 40, sha256: 64 }

/** Files with data that rules name. Each is read once. */
export class RuleData {
  readonly #lists = new Map<string, ReadonlySet<string>>()
  /** First use of each set that says what it holds. */
  readonly #declared = new Map<string, { rule: Rule; source: DatasetSource; type: DatasetType }>()
  readonly #sets = new Map<string, Dataset>()

  constructor(rules: readonly Rule[]) {
    for (const rule of rules)
      for (const { matches } of rule.sections)
        for (const match of matches)
          if (match.kind === 'dataset' || match.kind === 'datarep') this.#declare(rule, match)
  }

  /** @throws RuleFault when no rule says what the set holds, or its file cannot be read */
  set(use: DatasetMatch): Dataset {
    const declared = this.#declared.get(use.name)
    if (declared === undefined)
      throw new RuleFault('bad-argument', `no rule says of what type the set ${use.name} is`)
    const { rule, source, type } = declared
    if (use.type !== null && use.type !== type)
      throw new RuleFault('conflict', `the set ${use.name} is of type ${type}, not ${use.type}`)
    const known = this.#sets.get(use.name)
    if (known !== undefined) return known
    const made = fillSet(source, type, textOf(rule, source))
    this.#sets.set(use.name, made)
    return made
  }

  #declare(rule: Rule, source: DatasetSource): void {
    const { name, type } = source
    if (type === null || this.#declared.has(name)) return
    if (this.#declared.size < MAX_SETS) this.#declared.set(name, { rule, source, type })
  }

  /** @throws RuleFault when a list cannot be read */
  fileTests(rule: Rule): FileTest[] {
    return rule.fileChecks.map((check) =>
      check.kind === 'hash' ? { ...check, listed: this.#hashes(rule, check) } : check,
    )
  }

  #hashes(rule: Rule, check: Extract<FileCheck, { kind: 'hash' }>): ReadonlySet<string> {
    const key = `${check.algorithm} ${dirname(rule.file)} ${check.list}`
    const known = this.#lists.get(key)
    if (known !== undefined) return known
    const made = hashList(readDataFile(rule.file, check.list), check.algorithm)
    this.#lists.set(key, made)
    return made
  }
}

/** A set that keeps its state begins empty where there is none yet. */
function textOf(rule: Rule, { file, isState }: DatasetSource): string {
  if (file === null) return ''
  if (isState && !existsSync(join(dirname(rule.file), file))) return ''
  return readDataFile(rule.file, file)
}

/**
 * Text of a data file, latin1.
 *
 * @param ruleFile file whose rule names it
 * @param name relative to that file's folder; a link out of the folder is not followed
 * @throws RuleFault `missing-data`
 */
export function readDataFile(ruleFile: string, name: string): string {
  try {
    const folder = realpathSync(dirname(ruleFile))
    const path = realpathSync(join(folder, name))
    const inside = relative(folder, path)
    if (inside === '..' || inside.startsWith(`..${sep}`)) throw new Error('it lies elsewhere')
    return readText(path, MAX_DATA_FILE_BYTES)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new RuleFault('missing-data', `${name} cannot be read: ${reason}`, {
      suggestion: 'put the file into the folder of the rules',
    })
  }
}

/** One sum in hex at the beginning of each line; what follows, and lines that begin otherwise, are left out. */
function hashList(text: string, algorithm: HashAlgorithm): ReadonlySet<string> {
  const found = new Set<string>()
  const form = new RegExp(`^[0-9a-fA-F]{${HEX_DIGITS[algorithm]}}(?![0-9a-fA-F])`, 'gm')
  for (const [hex] of text.matchAll(form)) {
    if (found.size >= MAX_LIST_ENTRIES)
      throw new RuleFault('limit', `the list has more than ${MAX_LIST_ENTRIES} entries`)
    found.add(hex.toLowerCase())
  }
  return found
}
