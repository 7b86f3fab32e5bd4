import { dirname, join, relative, sep } from 'node:path'
import { realpathSync } from 'node:fs'
import { RuleFault } from '#signatures/suricata/problem.ts'
import type { FileCheck, HashAlgorithm, Rule } from '#signatures/suricata/rule.ts'
import type { FileTest } from '../files/file-test.ts'
import { readText } from '../rule-files.ts'

/** Largest file with data for rules, and most entries of one list. */
export const MAX_DATA_FILE_BYTES = 134_217_728
export const MAX_LIST_ENTRIES = 5_000_000

const HEX_DIGITS: Readonly<Record<HashAlgorithm, number>> = { md5: 32, sha1: 40, sha256: 64 }

/** Files with data that rules name. Each is read once. */
export class RuleData {
  readonly #lists = new Map<string, ReadonlySet<string>>()

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
