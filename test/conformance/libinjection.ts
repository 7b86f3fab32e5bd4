import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { HtmlTokenizer } from '#inspectors/waf/libinjection/html5.ts'
import { SqlFolder } from '#inspectors/waf/libinjection/sql-fold.ts'
import { SqlToken, STRING, VARIABLE } from '#inspectors/waf/libinjection/sql-token.ts'
import { SqlTokenizer } from '#inspectors/waf/libinjection/sql-tokenizer.ts'
import { detectSqlInjection } from '#inspectors/waf/libinjection/sqli.ts'
import { detectXss } from '#inspectors/waf/libinjection/xss.ts'
import { compare, emptyReport, type Report } from './report.ts'

/**
 * Runs libinjection's own test files, `test-KIND-....txt`:
 * ```
 * --TEST--
 * description
 * --INPUT--
 * text
 * --EXPECTED--
 * text
 * ```
 * Kinds: `tokens` and `folding` (ANSI, no quote) print a token a line, `sqli` the fingerprint, `html5` type,
 * length and text of each token, `xss` anything for a script. Both texts are trimmed on the right.
 */

const FORM = /--TEST--\n[\s\S]*?--INPUT--\n?([\s\S]*?)--EXPECTED--\n?([\s\S]*)$/

/** @param path folder with the test files, or one with a folder `tests`, or a test file */
export function runLibinjection(path: string): Report {
  const report = emptyReport()
  for (const file of testFiles(path)) {
    const test = basename(file, '.txt')
    const form = FORM.exec(readFileSync(file, 'latin1').replaceAll('\r\n', '\n'))
    const kind = /^test-(tokens|folding|sqli|html5|xss)/.exec(test)?.[1]
    if (form === null || kind === undefined) {
      compare(report, test, 'a test file', 'something else')
      continue
    }
    const input = form[1].trimEnd()
    const expected = form[2].trimEnd()
    if (kind === 'xss') compare(report, test, String(expected !== ''), String(detectXss(input)))
    else compare(report, test, expected, outputOf(kind, input).trimEnd())
  }
  return report
}

function testFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  const inside = join(path, 'tests')
  const folder = existsSync(inside) ? inside : path
  return globSync('**/test-*.txt', { cwd: folder })
    .sort()
    .map((name) => join(folder, name))
}

function outputOf(kind: string, input: string): string {
  switch (kind) {
    case 'tokens': {
      const tokenizer = new SqlTokenizer()
      tokenizer.reset(input, false, 0)
      const token = new SqlToken()
      const lines: string[] = []
      while (tokenizer.next(token)) lines.push(tokenLine(token))
      return lines.join('\n')
    }
    case 'folding': {
      const tokenizer = new SqlTokenizer()
      tokenizer.reset(input, false, 0)
      const folder = new SqlFolder()
      const count = folder.fold(tokenizer)
      return folder.tokens.slice(0, count).map(tokenLine).join('\n')
    }
    case 'html5': {
      const html = new HtmlTokenizer()
      html.reset(input, 'data')
      const lines: string[] = []
      while (html.next()) {
        const text = input.slice(html.from, html.from + html.length)
        lines.push(`${html.type},${html.length},${untilNul(text)}`)
      }
      return lines.join('\n')
    }
    default:
      return detectSqlInjection(input) ?? ''
  }
}

function tokenLine(token: SqlToken): string {
  const text = untilNul(token.toString())
  const quoted = `${quote(token.open)}${text}${quote(token.close)}`
  const type = String.fromCharCode(token.type)
  if (token.type === STRING) return `${type} ${quoted}`
  if (token.type === VARIABLE) return `${type} ${'@'.repeat(token.signs)}${quoted}`
  return `${type} ${text}`
}

function quote(code: number): string {
  return code === 0 ? '' : String.fromCharCode(code)
}

/** The reference prints C strings. */
function untilNul(text: string): string {
  const nul = text.indexOf('\0')
  return nul < 0 ? text : text.slice(0, nul)
}

export interface CorpusCount {
  lines: number
  detected: number
}

/**
 * Counts what is detected in libinjection's corpora, one value a line, URL-decoded.
 *
 * @param folder its `data`: `sqli-*.txt`, `xss*.txt`, `false_positives.txt`
 */
export function countCorpora(folder: string): Record<'sqli' | 'xss' | 'ordinary', CorpusCount> {
  const counts = {
    sqli: { lines: 0, detected: 0 },
    xss: { lines: 0, detected: 0 },
    ordinary: { lines: 0, detected: 0 },
  }
  for (const name of globSync('*.txt', { cwd: folder })) {
    const kind = name.startsWith('sqli') ? 'sqli' : name.startsWith('xss') ? 'xss' : 'ordinary'
    for (const line of readFileSync(join(folder, name), 'latin1').split('\n')) {
      const text = line.trim()
      if (text === '' || text.startsWith('#')) continue
      const value = text
        .replaceAll('+', ' ')
        .replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        )
      const isDetected = kind === 'xss' ? detectXss(value) : detectSqlInjection(value) !== null
      counts[kind].lines += 1
      if (isDetected) counts[kind].detected += 1
    }
  }
  return counts
}
