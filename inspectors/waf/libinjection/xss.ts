import { type HtmlContext, HtmlTokenizer } from './html5.ts'
import { ATTRIBUTES, type AttributeType, EVENT_NAMES, TAG_NAMES } from './tables.ts'

/**
 * libinjection's detection of scripts in HTML: a value is read as it would be inside a page, as text, in a
 * tag and inside each quote, and tags, attributes and addresses that run scripts are looked for.
 *
 * @see https://github.com/libinjection/libinjection
 */

const CONTEXTS: readonly HtmlContext[] = ['data', 'tag', 'single', 'double', 'back']

const html = new HtmlTokenizer()

/** True when the value runs a script in one of the contexts. */
export function detectXss(valueLatin1: string): boolean {
  // Tags, comments and doctypes need the one, attributes with a value the other.
  if (!valueLatin1.includes('<') && !valueLatin1.includes('=')) return false
  return CONTEXTS.some((context) => isXssIn(valueLatin1, context))
}

/** The same in one context. */
export function isXssIn(valueLatin1: string, context: HtmlContext): boolean {
  html.reset(valueLatin1, context)
  let attribute: AttributeType | null = null
  while (html.next()) {
    const { from, length } = html
    switch (html.type) {
      case 'DOCTYPE':
        return true
      case 'TAG_NAME_OPEN':
        if (isBlackTag(valueLatin1, from, length)) return true
        attribute = null
        break
      case 'ATTR_NAME':
        attribute = attributeType(valueLatin1, from, length)
        break
      case 'ATTR_VALUE':
        if (isBlackValue(attribute, valueLatin1, from, length)) return true
        attribute = null
        break
      case 'TAG_COMMENT':
        if (isBlackComment(valueLatin1, from, length)) return true
        attribute = null
        break
      case 'DATA_TEXT':
      case 'TAG_NAME_CLOSE':
      case 'TAG_NAME_SELFCLOSE':
      case 'TAG_CLOSE':
        attribute = null
        break
    }
  }
  return false
}

function isBlackValue(
  attribute: AttributeType | null,
  value: string,
  from: number,
  length: number,
): boolean {
  switch (attribute) {
    case null:
      return false
    case 'black':
    case 'style':
      return true
    case 'url':
      return isBlackUrl(value, from, length)
    case 'indirect':
      return attributeType(value, from, length) !== null
  }
}

function isBlackTag(value: string, from: number, length: number): boolean {
  if (length < 3) return false
  if (TAG_NAMES.some((name) => isName(name, value, from, length))) return true
  // Anything of SVG and XSL.
  return startsWithName('SVG', value, from) || startsWithName('XSL', value, from)
}

function attributeType(value: string, from: number, length: number): AttributeType | null {
  if (length < 2) return null
  if (length >= 5) {
    if (startsWithName('ON', value, from)) {
      if (EVENT_NAMES.some((name) => startsWithName(name, value, from + 2))) return 'black'
    }
    // Either makes arbitrary tags.
    if (isName('XMLNS', value, from, 5) || isName('XLINK', value, from, 5)) return 'black'
  }
  for (const { name, type } of ATTRIBUTES) if (isName(name, value, from, length)) return type
  return null
}

function isBlackComment(value: string, from: number, length: number): boolean {
  const end = from + length
  // Internet Explorer ends a tag at a back tick.
  const tick = value.indexOf('`', from)
  if (tick >= 0 && tick < end) return true
  if (length > 3 && (startsWithName('[IF', value, from) || startsWithName('XML', value, from))) {
    return true
  }
  if (length <= 5) return false
  return isName('IMPORT', value, from, 6) || isName('ENTITY', value, from, 6)
}

/** The text begins with `name`, upper case, in whatever case. */
function startsWithName(name: string, value: string, from: number): boolean {
  for (let index = 0; index < name.length; index += 1) {
    if (upper(value.charCodeAt(from + index)) !== name.charCodeAt(index)) return false
  }
  return true
}

/** The text is `name`, upper case, in whatever case; NULs in it are ignored, as browsers did. */
function isName(name: string, value: string, from: number, length: number): boolean {
  let index = 0
  for (let at = from; at < from + length; at += 1) {
    const code = value.charCodeAt(at)
    if (code === 0) continue
    if (upper(code) !== name.charCodeAt(index)) return false
    index += 1
  }
  return index === name.length
}

function upper(code: number): number {
  return code >= 0x61 && code <= 0x7a ? code - 0x20 : code
}

const SCRIPT_URLS = ['DATA', 'VIEW-SOURCE', 'JAVA', 'VBSCRIPT']

/** Bytes up to 32 and from 127 at the beginning are skipped: some are white space in some charset. */
function isBlackUrl(value: string, from: number, length: number): boolean {
  const end = from + length
  let start = from
  while (start < end) {
    const code = value.charCodeAt(start)
    if (code > 32 && code < 127) break
    start += 1
  }
  return SCRIPT_URLS.some((name) => startsWithDecoded(name, value, start, end))
}

/** True when the text, numeric character references decoded, begins with `name` in upper case. */
function startsWithDecoded(name: string, value: string, from: number, end: number): boolean {
  let index = 0
  let at = from
  let isFirst = true
  while (at < end) {
    if (index === name.length) return true
    const code = characterAt(value, at, end)
    at = characterEnd
    if (isFirst && code <= 32) continue
    isFirst = false
    // NUL and newline are ignored wherever they are.
    if (code === 0 || code === 10) continue
    if ((upper(code) & 0xff) !== name.charCodeAt(index)) return false
    index += 1
  }
  return index === name.length
}

/** Set by `characterAt`: offset after the character. */
let characterEnd = 0

/** Largest code a reference may have; a larger one is an ampersand and what follows. */
const MAX_REFERENCE = 0x1000ff

/** Character at an offset, decoded when it is a numeric reference (`&#106;`, `&#x6a`). */
function characterAt(value: string, at: number, end: number): number {
  const first = value.charCodeAt(at)
  characterEnd = at + 1
  if (first !== 0x26 || value.charCodeAt(at + 1) !== 0x23 || at + 1 >= end) return first
  const isHex = (value.charCodeAt(at + 2) | 0x20) === 0x78
  const start = at + (isHex ? 3 : 2)
  let number = 0
  let digits = start
  for (; digits < end; digits += 1) {
    const digit = digitValue(value.charCodeAt(digits), isHex)
    if (digit < 0) break
    number = number * (isHex ? 16 : 10) + digit
    if (number > MAX_REFERENCE) return first
  }
  if (digits === start) return first
  characterEnd = value.charCodeAt(digits) === 0x3b && digits < end ? digits + 1 : digits
  return number
}

function digitValue(code: number, isHex: boolean): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return isHex && lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
