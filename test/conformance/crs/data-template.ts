/**
 * The part of Go's `text/template` (with Sprig's functions) that tests write into `data`: actions that
 * print a pipeline, with blanks trimmed where they say so.
 *
 *     data     = *( text / action )
 *     action   = "{{" ["- "] [pipeline / comment] [" -"] "}}"
 *     pipeline = command *( "|" command )        ; a value goes to the next command as its last argument
 *     command  = literal / name *operand
 *     operand  = literal / "(" pipeline ")"
 *     literal  = Go string, raw string or integer
 */

const MAX_REPEATED_CHARACTERS = 16 * 1024 * 1024

const FUNCTIONS: ReadonlyMap<string, (...args: readonly string[]) => string> = new Map([
  ['repeat', (count, text) => repeat(text, Number(count))],
  ['print', (...args) => args.join('')],
  ['upper', (text) => text.toUpperCase()],
  ['lower', (text) => text.toLowerCase()],
  ['trim', (text) => text.trim()],
  ['nospace', (text) => text.replaceAll(/\s/g, '')],
  ['replace', (from, to, text) => text.replaceAll(from, () => to)],
  ['cat', (...args) => args.join(' ')],
  ['quote', (text) => JSON.stringify(text)],
  ['squote', (text) => `'${text}'`],
  ['trunc', (count, text) => text.slice(0, Number(count))],
  ['b64enc', (text) => Buffer.from(text).toString('base64')],
  ['b64dec', (text) => Buffer.from(text, 'base64').toString()],
])

/** @returns null where it is no template that can be run: go-ftw then sends no body */
export function expandTemplate(source: string): string | null {
  if (!source.includes('{{')) return source
  let result = ''
  let at = 0
  for (;;) {
    const open = source.indexOf('{{', at)
    if (open === -1) return result + source.slice(at)
    const trimsBefore = /^\{\{-\s/.test(source.slice(open, open + 4))
    const text = source.slice(at, open)
    result += trimsBefore ? text.trimEnd() : text
    const action = readAction(source, open + (trimsBefore ? 3 : 2))
    if (action === null) return null
    result += action.value
    at = action.end
    if (action.trimsAfter) while (at < source.length && /\s/.test(source[at])) at += 1
  }
}

interface Action {
  readonly value: string
  readonly end: number
  readonly trimsAfter: boolean
}

const COMMENT = /^\s*\/\*[^]*?\*\/\s*?(\s-)?\}\}/
const TOKEN = /\s*(?:("(?:[^"\\\n]|\\.)*")|(`[^`]*`)|(\d+)|([A-Za-z_]\w*)|(\(|\)|\||-?\}\}))/y

function readAction(source: string, start: number): Action | null {
  const comment = COMMENT.exec(source.slice(start))
  if (comment !== null) {
    return { value: '', end: start + comment[0].length, trimsAfter: comment[1] !== undefined }
  }
  const tokens: Token[] = []
  TOKEN.lastIndex = start
  for (;;) {
    const match = TOKEN.exec(source)
    if (match === null) return null
    const [, quoted, raw, integer, name, mark] = match
    if ((mark ?? '').endsWith('}}')) {
      const reader = { tokens, at: 0 }
      const value = pipeline(reader)
      if (value === null || reader.at !== tokens.length) return null
      return { value, end: TOKEN.lastIndex, trimsAfter: mark.startsWith('-') }
    }
    if (name !== undefined) tokens.push({ kind: 'name', text: name })
    else if (mark !== undefined) tokens.push({ kind: 'mark', text: mark })
    else {
      const text = quoted === undefined ? (raw?.slice(1, -1) ?? integer) : unquote(quoted)
      if (text === null) return null
      tokens.push({ kind: 'literal', text })
    }
  }
}

interface Token {
  readonly kind: 'literal' | 'name' | 'mark'
  readonly text: string
}

interface Reader {
  readonly tokens: readonly Token[]
  at: number
}

function pipeline(reader: Reader): string | null {
  let value: string | null = null
  for (let isFirst = true; ; isFirst = false) {
    const next = command(reader, isFirst ? null : value)
    if (next === null) return null
    value = next
    if (reader.tokens[reader.at]?.text !== '|' || reader.tokens[reader.at].kind !== 'mark') {
      return value
    }
    reader.at += 1
  }
}

function command(reader: Reader, piped: string | null): string | null {
  const head = reader.tokens[reader.at]
  if (head?.kind === 'name') {
    reader.at += 1
    const run = FUNCTIONS.get(head.text)
    const operands: string[] = []
    for (let next = operand(reader); next !== null; next = operand(reader)) operands.push(next)
    if (piped !== null) operands.push(piped)
    return run === undefined || operands.length < run.length ? null : run(...operands)
  }
  return piped === null ? operand(reader) : null
}

function operand(reader: Reader): string | null {
  const token = reader.tokens[reader.at]
  if (token?.kind === 'literal') {
    reader.at += 1
    return token.text
  }
  if (token?.kind !== 'mark' || token.text !== '(') return null
  reader.at += 1
  const value = pipeline(reader)
  if (reader.tokens[reader.at]?.text !== ')') return null
  reader.at += 1
  return value
}

function repeat(text: string, count: number): string {
  return text.length * count > MAX_REPEATED_CHARACTERS ? '' : text.repeat(count)
}

/** Go's interpreted string literal, in the escapes that JSON shares with it and `\xNN`. */
function unquote(text: string): string | null {
  try {
    const json = text.replaceAll(/\\x([0-9A-Fa-f]{2})/g, String.raw`\u00$1`)
    const value: unknown = JSON.parse(json)
    return typeof value === 'string' ? value : null
  } catch {
    return null
  }
}
