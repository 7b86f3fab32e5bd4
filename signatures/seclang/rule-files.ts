import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'

/** Bytes of one rule or data file. CRS's largest has 100 kB. */
export const MAX_RULE_FILE_BYTES = 16_777_216

export type FileText =
  | { readonly ok: true; readonly textLatin1: string }
  | { readonly ok: false; readonly message: string }

/** The files that rules may name: rule files, folders of them, data files. Paths are absolute. */
export interface RuleFiles {
  read(path: string): FileText
  kind(path: string): 'file' | 'folder' | null
  /** Names in a folder, sorted; empty when it cannot be read. */
  list(folder: string): string[]
}

/**
 * Files on disk, held to `roots` and what lies under them (symbolic links resolved): a rule set cannot
 * reach for other files of the machine.
 *
 * @param roots files and folders; a file stands for the folder it is in
 */
export function nodeRuleFiles(roots: readonly string[]): RuleFiles {
  const folders = roots.flatMap(realFolder)
  const isInside = (path: string): boolean => {
    try {
      const real = realpathSync(path)
      return folders.some((folder) => real === folder || real.startsWith(withSeparator(folder)))
    } catch {
      return false
    }
  }
  return {
    read(path) {
      try {
        const status = statSync(path)
        if (!status.isFile()) return { ok: false, message: `${path} is not a file` }
        if (!isInside(path)) return { ok: false, message: `${path} is outside the rule folders` }
        if (status.size > MAX_RULE_FILE_BYTES) {
          return { ok: false, message: `${path} has more than ${MAX_RULE_FILE_BYTES} bytes` }
        }
        return { ok: true, textLatin1: readFileSync(path, 'latin1') }
      } catch (error) {
        return { ok: false, message: `${path} cannot be read (${codeOf(error)})` }
      }
    },
    kind(path) {
      try {
        if (!isInside(path)) return null
        const status = statSync(path)
        return status.isFile() ? 'file' : status.isDirectory() ? 'folder' : null
      } catch {
        return null
      }
    },
    list(folder) {
      try {
        return isInside(folder) ? readdirSync(folder).sort() : []
      } catch {
        return []
      }
    },
  }
}

function realFolder(path: string): string[] {
  try {
    const real = realpathSync(resolve(path))
    return [statSync(real).isDirectory() ? real : dirname(real)]
  } catch {
    return []
  }
}

function withSeparator(folder: string): string {
  return folder.endsWith(sep) ? folder : folder + sep
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

/** Most files one `Include` may bring in. */
export const MAX_GLOB_FILES = 1000

/** Files that an absolute path with `*` and `?` in it stands for, sorted. */
export function expandGlob(pattern: string, files: RuleFiles): string[] {
  let found = ['/']
  for (const part of pattern.split('/').filter((piece) => piece !== '')) {
    if (!/[*?]/.test(part)) {
      found = found.map((folder) => join(folder, part))
      continue
    }
    found = found
      .flatMap((folder) =>
        files
          .list(folder)
          .filter((name) => matchesWildcard(name, part))
          .map((name) => join(folder, name)),
      )
      .slice(0, MAX_GLOB_FILES)
  }
  return found.filter((path) => files.kind(path) === 'file').sort()
}

/** `*` any characters, `?` one; a leading dot must be written. Linear: the last star is retried. */
export function matchesWildcard(name: string, pattern: string): boolean {
  if (name.startsWith('.') && !pattern.startsWith('.')) return false
  let at = 0
  let inPattern = 0
  let star = -1
  let resume = 0
  while (at < name.length) {
    if (inPattern < pattern.length && pattern[inPattern] === '*') {
      star = inPattern
      resume = at
      inPattern += 1
    } else if (
      inPattern < pattern.length &&
      (pattern[inPattern] === '?' || pattern[inPattern] === name[at])
    ) {
      at += 1
      inPattern += 1
    } else if (star >= 0) {
      inPattern = star + 1
      resume += 1
      at = resume
    } else return false
  }
  while (pattern[inPattern] === '*') inPattern += 1
  return inPattern === pattern.length
}
