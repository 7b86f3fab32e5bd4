import { posix } from 'node:path'
import {
  type FileText,
  MAX_RULE_FILE_BYTES,
  type RuleFiles,
} from '#signatures/seclang/rule-files.ts'
import type { RuleFile } from './rule-report.ts'

/** Where the files of a set appear to the SecLang loader. */
export const ROOT = '/'

/** The files of a set as a file system for the SecLang loader; nothing outside of them exists. */
export function memoryRuleFiles(files: readonly RuleFile[]): RuleFiles {
  const bytesByPath = new Map(files.map(({ path, bytes }) => [posix.join(ROOT, path), bytes]))
  const names = new Map<string, Set<string>>([[ROOT, new Set()]])
  for (const path of bytesByPath.keys()) {
    for (let at = path; at !== ROOT; at = posix.dirname(at)) {
      const folder = posix.dirname(at)
      if (!names.has(folder)) names.set(folder, new Set())
      names.get(folder)!.add(posix.basename(at))
    }
  }
  return {
    read: (path) => readText(path, bytesByPath.get(path)),
    kind: (path) => (bytesByPath.has(path) ? 'file' : names.has(path) ? 'folder' : null),
    list: (folder) => [...(names.get(folder) ?? [])].sort(),
  }
}

function readText(path: string, bytes: Uint8Array | undefined): FileText {
  if (bytes === undefined) return { ok: false, message: `${path.slice(1)} is not in the rule set` }
  if (bytes.length > MAX_RULE_FILE_BYTES) {
    return { ok: false, message: `${path.slice(1)} has more than ${MAX_RULE_FILE_BYTES} bytes` }
  }
  return { ok: true, textLatin1: latin1(bytes) }
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
