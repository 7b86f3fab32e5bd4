import { readFileSync } from 'node:fs'
import type { Turn } from './trace.ts'

/** One `## ` section of a fixture file. */
export interface MarkdownCase {
  readonly name: string
  readonly turns: readonly Turn[]
  readonly events: readonly string[]
}

/**
 * Cases of a Markdown file: below a `## ` heading, fences `client` and `server` hold bytes in the order
 * they are sent, `client end` and `server end` are a FIN, and `events` the expected trace. In byte fences
 * line breaks of the file mean nothing; `\r`, `\n`, `\t`, `\\` and `\xNN` are written out.
 */
export function readCases(file: string | URL): MarkdownCase[] {
  const cases: { name: string; turns: Turn[]; events: string[] }[] = []
  let fence: { info: string; lines: string[] } | null = null
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (fence === null) {
      if (line.startsWith('## ')) cases.push({ name: line.slice(3), turns: [], events: [] })
      else if (line.startsWith('```')) fence = { info: line.slice(3).trim(), lines: [] }
      continue
    }
    if (!line.startsWith('```')) {
      fence.lines.push(line)
      continue
    }
    const last = cases.at(-1)
    if (last === undefined) throw new Error(`${file.toString()}: fence before the first heading`)
    const [side, end] = fence.info.split(' ')
    if (side === 'events') last.events.push(...fence.lines.filter((text) => text !== ''))
    else if (side === 'client' || side === 'server') {
      last.turns.push({ side, bytes: end === 'end' ? null : unescape(fence.lines.join('')) })
    } else throw new Error(`${file.toString()}: unknown fence ${fence.info}`)
    fence = null
  }
  return cases
}

const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '\\': '\\' }

function unescape(text: string): Buffer {
  const latin1 = text.replace(/\\(?:x([0-9a-f]{2})|([rnt\\]))/g, (_, hex?: string, name?: string) =>
    hex === undefined ? ESCAPES[name!] : String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(latin1, 'latin1')
}
