import { dirname, join, resolve } from 'node:path'
import { type Diagnostic, Diagnostics, type SourcePosition } from './diagnostic.ts'
import { logicalLines } from './logical-line.ts'
import type { RuleSet } from './model.ts'
import { expandGlob, type RuleFiles } from './rule-files.ts'
import { RuleSetBuilder } from './rule-set.ts'
import { parseStatement, type Statement } from './statement.ts'

/** Most rule files of one set, and how deep `Include` may nest. */
export const MAX_RULE_FILES = 2000
export const MAX_INCLUDE_DEPTH = 16

export interface LoadedRules {
  readonly ruleSet: RuleSet
  readonly diagnostics: readonly Diagnostic[]
  readonly hasErrors: boolean
  /** Rule files in the order they were read. */
  readonly files: readonly string[]
  readonly acceptedRules: number
  readonly rejectedRules: number
}

/**
 * Parses the directives of one text, each on its own; nothing is included and nothing resolved.
 *
 * @param file name for positions
 */
export function parseSecLang(
  file: string,
  textLatin1: string,
  diagnostics: Diagnostics,
): Statement[] {
  return logicalLines(file, textLatin1).flatMap((line) => parseStatement(line, diagnostics) ?? [])
}

/**
 * Loads rule files and folders in the order given.
 *
 * @param paths files or folders (see `filesOfFolder` for their order)
 */
export function loadRules(paths: readonly string[], files: RuleFiles): LoadedRules {
  const loader = new Loader(files)
  for (const path of paths) loader.addPath(resolve(path))
  return loader.finish()
}

/** Loads rules out of text that is at hand (a test, an API request). */
export function loadRuleText(file: string, textLatin1: string, files: RuleFiles): LoadedRules {
  const loader = new Loader(files)
  loader.addText(file, textLatin1, 0)
  return loader.finish()
}

/**
 * Rule files of a folder in CRS's order: what configures (`crs-setup.conf`, `modsecurity.conf`), then
 * plugins' `*-config.conf` and `*-before.conf`, the rules by name, `*-after.conf`. A folder that holds
 * a `rules/` folder is a whole CRS: its `plugins/` and `rules/` are read too.
 */
export function filesOfFolder(folder: string, files: RuleFiles): string[] {
  const own = confFiles(folder, files)
  const plugins = confFiles(join(folder, 'plugins'), files)
  const rules = files.kind(join(folder, 'rules')) === 'folder'
  const nested = rules ? confFiles(join(folder, 'rules'), files) : []
  const all = [...own, ...plugins, ...nested]
  return all
    .map((path, index) => ({ path, index, rank: rankOf(path) }))
    .sort((left, right) => left.rank - right.rank || left.index - right.index)
    .map((entry) => entry.path)
}

function confFiles(folder: string, files: RuleFiles): string[] {
  return files
    .list(folder)
    .filter((name) => name.endsWith('.conf') && !name.startsWith('.'))
    .map((name) => join(folder, name))
    .filter((path) => files.kind(path) === 'file')
}

function rankOf(path: string): number {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (name === 'modsecurity.conf') return 0
  if (name === 'crs-setup.conf') return 1
  if (name.endsWith('-config.conf')) return 2
  if (name.endsWith('-before.conf')) return 3
  return name.endsWith('-after.conf') ? 5 : 4
}

class Loader {
  readonly #files: RuleFiles
  readonly #diagnostics = new Diagnostics()
  readonly #builder = new RuleSetBuilder(this.#diagnostics)
  readonly #read: string[] = []

  constructor(files: RuleFiles) {
    this.#files = files
  }

  addPath(path: string): void {
    const at = { file: path, line: 1, column: 1 }
    const kind = this.#files.kind(path)
    if (kind === 'file') this.#addFile(path, at, 0)
    else if (kind === 'folder') {
      const found = filesOfFolder(path, this.#files)
      if (found.length === 0) this.#diagnostics.error('SECLANG_FILE', at, 'no *.conf in the folder')
      for (const file of found) this.#addFile(file, at, 0)
    } else this.#diagnostics.error('SECLANG_FILE', at, 'no such file or folder')
  }

  addText(file: string, textLatin1: string, depth: number): void {
    /** One entry per open `<IfModule>`. */
    const blocks: boolean[] = []
    for (const line of logicalLines(file, textLatin1)) {
      const skipped = blocks.includes(false)
      if (skipped && !/^\s*<\/?IfModule\b/i.test(line.text)) continue
      const statement = parseStatement(line, this.#diagnostics)
      if (statement === null) continue
      if (statement.kind === 'block') blocks.push(statement.holds)
      else if (statement.kind === 'block-end') blocks.pop()
      else if (statement.kind === 'include') this.#include(statement, depth)
      else this.#builder.add(statement)
    }
  }

  finish(): LoadedRules {
    const { ruleSet, rejectedRules } = this.#builder.finish()
    return {
      ruleSet,
      diagnostics: this.#diagnostics.list,
      hasErrors: this.#diagnostics.errorCount > 0,
      files: this.#read,
      acceptedRules: ruleSet.entries.filter((entry) => entry.kind === 'rule').length,
      rejectedRules,
    }
  }

  #include(statement: Extract<Statement, { kind: 'include' }>, depth: number): void {
    const { position } = statement
    const path = resolve(dirname(position.file), statement.path)
    if (depth >= MAX_INCLUDE_DEPTH) {
      const message = `more than ${MAX_INCLUDE_DEPTH} nested includes`
      this.#diagnostics.error('SECLANG_LIMIT', position, message)
      return
    }
    const found =
      this.#files.kind(path) === 'folder'
        ? filesOfFolder(path, this.#files)
        : expandGlob(path, this.#files)
    if (found.length === 0 && !statement.optional) {
      const message = `${path}: no such file inside the rule folders`
      this.#diagnostics.error('SECLANG_FILE', position, message)
    }
    for (const file of found) this.#addFile(file, position, depth + 1)
  }

  #addFile(path: string, at: SourcePosition, depth: number): void {
    if (this.#read.length >= MAX_RULE_FILES) {
      this.#diagnostics.error('SECLANG_LIMIT', at, `more than ${MAX_RULE_FILES} rule files`)
      return
    }
    const text = this.#files.read(path)
    if (!text.ok) {
      this.#diagnostics.error('SECLANG_FILE', at, text.message)
      return
    }
    this.#read.push(path)
    this.addText(path, text.textLatin1, depth)
  }
}
