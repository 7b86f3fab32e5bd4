import { posix } from 'node:path'
import { latin1 } from '#signatures/check/memory-rule-files.ts'
import type { RuleFile } from '#signatures/check/rule-report.ts'
import { dataFilesNamedIn } from '#signatures/suricata/data-file.ts'

/** What a rule set is made of; the rest of an upstream archive (tests, scripts, docs) stays out. */
const KEPT =
  /(?:\.(?:conf|rules|data|config|example|mapping|lst)|(?:^|\/)(?:LICEN[CS]E|COPYING|NOTICE)[^/]*)$/
/** Folders of CRS that hold no rules although they hold files with such names. */
const LEFT_OUT = /(?:^|\/)(?:tests?|docs|util|regex-assembly)\//

export interface Selection {
  readonly files: readonly RuleFile[]
  readonly leftOut: number
  /** The single top folder that was removed, with `/`; empty when there was none. */
  readonly top: string
  /** What was changed on the way, for the user. */
  readonly notes: readonly string[]
}

/**
 * Files of an upstream archive or folder as a rule set: rule and data files only, a single top folder
 * (`coreruleset-4.28.0/`) removed, and CRS's `crs-setup.conf.example` taken for `crs-setup.conf` where
 * there is none, because CRS refuses every request without it.
 */
export function selectRuleFiles(all: readonly RuleFile[]): Selection {
  const notes: string[] = []
  const top = commonFolder(all)
  let files = all.map((file) => ({ path: file.path.slice(top.length), bytes: file.bytes }))
  const named = namedByRules(files)
  files = files.filter(({ path }) => (KEPT.test(path) && !LEFT_OUT.test(path)) || named.has(path))
  const leftOut = all.length - files.length
  const example = files.find(({ path }) => path === 'crs-setup.conf.example')
  if (example !== undefined && !files.some(({ path }) => path === 'crs-setup.conf')) {
    files.push({ path: 'crs-setup.conf', bytes: example.bytes })
    notes.push('crs-setup.conf.example is used as crs-setup.conf')
  }
  files.sort((left, right) => (left.path < right.path ? -1 : 1))
  return { files, leftOut, top, notes }
}

/** Files with data that Suricata rules read: sets, reputations, lists of sums. */
function namedByRules(files: readonly RuleFile[]): ReadonlySet<string> {
  const named = new Set<string>()
  for (const { path, bytes } of files)
    if (path.endsWith('.rules'))
      for (const name of dataFilesNamedIn(latin1(bytes)))
        named.add(posix.join(posix.dirname(path), name))
  return named
}

function commonFolder(files: readonly RuleFile[]): string {
  const first = files[0]?.path ?? ''
  const top = first.slice(0, first.indexOf('/') + 1)
  if (top === '' || top === 'rules/' || top === 'plugins/') return ''
  return files.every(({ path }) => path.startsWith(top)) ? top : ''
}
