import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RuleFile } from '#signatures/check/rule-report.ts'

/** Folder of our own rule set, in both languages: workers can load it as it is. */
export const BASELINE_FOLDER: string = fileURLToPath(new URL('../baseline/', import.meta.url))

/** The rule set's files, ready for `packBundle`. */
export function readBaseline(): RuleFile[] {
  return readdirSync(BASELINE_FOLDER)
    .filter((name) => /\.(?:conf|rules|data)$/.test(name))
    .sort()
    .map((path) => ({ path, bytes: readFileSync(join(BASELINE_FOLDER, path)) }))
}
