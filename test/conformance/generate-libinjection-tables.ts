import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Writes `inspectors/waf/libinjection/tables.txt` from libinjection's tables:
 *
 *   node test/conformance/generate-libinjection-tables.ts FOLDER
 *
 * FOLDER holds `COPYING`, `tables/sqlparse_data.json`, `tables/fingerprints.txt` and
 * `tables/xss_names.json`. The tables are facts; the licence of what they were taken from goes with them.
 */

interface SqlTables {
  readonly charmap: readonly string[]
  readonly keywords: Readonly<Record<string, string>>
}

interface NamedType {
  readonly name: string
  readonly type: string
}

interface XssTables {
  readonly blackattrevent: readonly NamedType[]
  readonly blackattr: readonly NamedType[]
  readonly blacktag: readonly string[]
}

const TARGET = new URL('../../inspectors/waf/libinjection/tables.txt', import.meta.url)

function generate(folder: string): string {
  const sql = JSON.parse(
    readFileSync(join(folder, 'tables/sqlparse_data.json'), 'utf8'),
  ) as SqlTables
  const xss = JSON.parse(readFileSync(join(folder, 'tables/xss_names.json'), 'utf8')) as XssTables
  const fingerprints = readFileSync(join(folder, 'tables/fingerprints.txt'), 'utf8')
  const words = new Map<string, string[]>()
  for (const [word, type] of Object.entries(sql.keywords)) {
    words.set(type, [...(words.get(type) ?? []), word])
  }
  const licence = readFileSync(join(folder, 'COPYING'), 'utf8').trimEnd().split('\n')
  const lines = [
    '# Tables of libinjection, written by test/conformance/generate-libinjection-tables.ts.',
    '#',
    ...licence.map((line) => `# ${line}`.trimEnd()),
    '',
    'classes',
    ...wrap(sql.charmap.map((name) => name.replace('CHAR_', ''))),
    '',
  ]
  for (const type of [...words.keys()].sort()) {
    lines.push(`keywords ${type}`, ...(words.get(type) ?? []).sort(), '')
  }
  lines.push('fingerprints', ...wrap(fingerprints.trim().split('\n')), '')
  lines.push('events', ...wrap([...new Set(xss.blackattrevent.map(({ name }) => name))]), '')
  lines.push('attributes', ...xss.blackattr.map(({ name, type }) => `${name} ${type}`), '')
  lines.push('tags', ...wrap(xss.blacktag), '')
  return lines.join('\n')
}

function wrap(words: readonly string[]): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of words) {
    if (line.length + word.length >= 100) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, line]
}

const folder = process.argv[2]
if (folder === undefined) throw new Error('usage: generate-libinjection-tables.ts FOLDER')
writeFileSync(TARGET, generate(folder))
