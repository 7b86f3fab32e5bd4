import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import {
  MAX_BUNDLE_DEPTH,
  MAX_BUNDLE_FILE_BYTES,
  MAX_BUNDLE_FILES,
  MAX_BUNDLE_UNPACKED_BYTES,
} from '#signatures/bundle/bundle.ts'
import { unpackBundle } from '#signatures/bundle/unpack-bundle.ts'
import { kindOf } from '#signatures/check/check-rule-files.ts'
import type { RuleFile } from '#signatures/check/rule-report.ts'
import { SignatureError } from '#signatures/errors.ts'

/** A path of the command line as rule files. */
export interface Source {
  readonly files: readonly RuleFile[]
  /** Where a file came from, for messages: what stands before its path. Ends in `/` or is empty. */
  readonly prefix: string
}

/**
 * Reads a folder, a rule file (with the data files beside it, which its rules may name) or a tar.gz.
 * Hidden files are left out, links to folders are not followed.
 *
 * @throws SignatureError `SOURCE_UNREADABLE`, or `BUNDLE_INVALID` for an archive that is refused
 */
export async function readSource(path: string): Promise<Source> {
  const status = attempt(path, () => statSync(path))
  if (status.isDirectory()) {
    const files: RuleFile[] = []
    walk(path, '', files)
    return { files, prefix: path.endsWith('/') ? path : `${path}/` }
  }
  if (!status.isFile()) throw unreadable(path, 'it is neither a file nor a folder')
  if (/\.(?:tar\.gz|tgz)$/.test(path)) {
    return {
      files: await unpackBundle(attempt(path, () => readFileSync(path))),
      prefix: `${path}:`,
    }
  }
  return readFileWithData(path)
}

function readFileWithData(path: string): Source {
  const folder = dirname(path)
  const own = { path: basename(path), bytes: readRuleFile(path) }
  const prefix = folder === '.' && !path.startsWith('./') ? '' : `${folder}/`
  if (kindOf(path) === 'other') throw unreadable(path, 'it is not *.conf, *.rules or a tar.gz')
  const beside = attempt(folder, () => readdirSync(folder))
    .filter((name) => kindOf(name) === 'data' && name !== own.path && !name.startsWith('.'))
    .filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true)
    .slice(0, MAX_BUNDLE_FILES)
    .map((name) => ({ path: name, bytes: readRuleFile(join(folder, name)) }))
  return { files: [own, ...beside], prefix }
}

function walk(root: string, below: string, files: RuleFile[]): void {
  if (below.split('/').length > MAX_BUNDLE_DEPTH) throw unreadable(root, 'it is nested too deeply')
  const folder = join(root, below)
  const entries = attempt(folder, () => readdirSync(folder, { withFileTypes: true }))
  for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) walk(root, path, files)
    else if (isFile(entry, join(root, path))) {
      if (files.length >= MAX_BUNDLE_FILES) {
        throw unreadable(root, `it has more than ${MAX_BUNDLE_FILES} files`)
      }
      files.push({ path, bytes: readRuleFile(join(root, path)) })
      const total = files.reduce((sum, file) => sum + file.bytes.length, 0)
      if (total > MAX_BUNDLE_UNPACKED_BYTES) throw unreadable(root, 'its files are too large')
    }
  }
}

function isFile(entry: Dirent, path: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isFile()
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function readRuleFile(path: string): Buffer {
  return attempt(path, () => {
    if (statSync(path).size > MAX_BUNDLE_FILE_BYTES) throw new Error('it is too large')
    return readFileSync(path)
  })
}

function attempt<Result>(path: string, read: () => Result): Result {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof SignatureError) throw cause
    const { code, message } = cause as NodeJS.ErrnoException
    throw unreadable(path, code === 'ENOENT' ? 'no such file or folder' : message, cause)
  }
}

function unreadable(path: string, why: string, cause?: unknown): SignatureError {
  return new SignatureError('SOURCE_UNREADABLE', `${path}: ${why}`, { cause })
}
