import type { HttpHeader } from '#inspectors/http/transaction.ts'
import { knownName, knownValue } from './head-words.ts'
import { MAX_HEADERS } from './limits.ts'

/**
 * Heads read as the most lenient recipient would: a bare CR ends a line unless a blank follows, folded
 * lines belong to the line before, NUL is dropped, blanks may stand before a colon.
 */
export interface HeadLines {
  readonly first: string
  readonly fields: readonly HttpHeader[]
  /** The head is these, each field as `Name: value`, with CRLF after each and after all; false: it may be. */
  readonly isExact: boolean
}

const FIELD_LIKE = /^[ \t]+[A-Za-z][A-Za-z0-9_-]*[ \t]*:/

/** @param splitsFolds a folded line that looks like a field is one */
export function headLines(
  raw: string,
  isFirst: (line: string) => boolean,
  splitsFolds: boolean,
): HeadLines {
  return plainLines(raw, isFirst) ?? lenientLines(raw, isFirst, splitsFolds)
}

/** Any head. */
export function lenientLines(
  raw: string,
  isFirst: (line: string) => boolean,
  splitsFolds: boolean,
): HeadLines {
  // A name's colon may stand in the line after it.
  const lines = raw.replaceAll(/\r*\n[ \t]+:/g, ':').split(/\r*\n|\r(?![ \t\n\r])/)
  let first: string | null = null
  const fields: string[] = []
  for (const line of lines) {
    const text = line.replace(/^\r+/, '').replaceAll('\0', '')
    if (text.trim() === '') continue
    if (first === null || (fields.length === 0 && !isFirst(first) && isFirst(text))) {
      first = text
      continue
    }
    // A line without a colon is no field of its own either.
    const isFold = /^[ \t]/.test(text) || !text.includes(':')
    if (!isFold || ((fields.length === 0 || splitsFolds) && FIELD_LIKE.test(text))) {
      if (fields.length < MAX_HEADERS) fields.push(text)
    } else if (fields.length > 0) fields.push(`${fields.pop()} ${text.trim()}`)
    else first = `${first} ${text.trim()}`
  }
  return { first: first ?? '', fields: fields.flatMap(fieldOf), isExact: false }
}

function fieldOf(line: string): HttpHeader[] {
  const colon = line.indexOf(':')
  if (colon < 0) return []
  // oxlint-disable-next-line no-control-regex -- control characters around names and values are dropped
  const name = line.slice(0, colon).replaceAll(/^[\0-\x20]+|[\0-\x20]+$/g, '')
  // oxlint-disable-next-line no-control-regex -- as above
  const value = line.slice(colon + 1).replaceAll(/^[\0-\x20]+|[\0-\x20]+$/g, '')
  return [{ name, nameLower: name.toLowerCase(), value }]
}

/**
 * The lines of a head as nearly all are: CRLF after each, a name and a colon in each after the first, nothing
 * folded, no NUL. Null: it is another head, which `lenientLines` reads; where both read it they agree.
 */
export function plainLines(raw: string, isFirst: (line: string) => boolean): HeadLines | null {
  const firstEnd = plainLineEnd(raw, 0)
  if (firstEnd <= 0 || !isGraphic(raw.charCodeAt(0)) || raw.includes('\0')) return null
  const first = raw.slice(0, firstEnd)
  if (!isFirst(first)) return null
  const fields: HttpHeader[] = []
  let isExact = true
  for (let at = firstEnd + 2; ;) {
    const end = plainLineEnd(raw, at)
    if (end < 0) return null
    if (end === at) return end + 2 === raw.length ? { first, fields, isExact } : null
    const colon = raw.indexOf(':', at)
    if (colon <= at || colon > end || fields.length >= MAX_HEADERS) return null
    if (!isGraphic(raw.charCodeAt(at)) || !isGraphic(raw.charCodeAt(colon - 1))) return null
    let from = colon + 1
    let to = end
    while (from < to && raw.charCodeAt(from) <= 0x20) from += 1
    while (to > from && raw.charCodeAt(to - 1) <= 0x20) to -= 1
    if (from !== colon + 2 || to !== end || raw.charCodeAt(colon + 1) !== 0x20) isExact = false
    const known = knownName(raw, at, colon)
    const value = knownValue(known, raw, from, to)
    fields.push({ name: known.name, nameLower: known.lower, value })
    at = end + 2
  }
}

/** Offset of the CRLF that ends the line; -1 when the line ends otherwise. */
function plainLineEnd(raw: string, at: number): number {
  const end = raw.indexOf('\r', at)
  return end >= 0 && raw.indexOf('\n', at) === end + 1 ? end : -1
}

function isGraphic(code: number): boolean {
  return code > 0x20 && code < 0x7f
}
