/**
 * XML 1.0 read without validation: elements, attributes and text, in flat arrays. No entity but the
 * five built-in ones and character references is expanded, nothing outside the document is read, a
 * document type is skipped. What is not well-formed is an error, with what was read before it kept.
 */
export interface XmlDocument {
  /** In document order. */
  readonly elements: readonly XmlElement[]
  readonly error: string | null
}

export interface XmlElement {
  readonly name: string
  /** Index of the parent, -1 for the root. */
  readonly parent: number
  readonly attributes: readonly { readonly name: string; readonly value: string }[]
  /** Text directly inside, and where it stands among all text of the document. */
  readonly texts: { readonly order: number; readonly value: string }[]
  /** Index after the last element below this one. */
  end: number
}

export interface XmlLimits {
  readonly depth: number
  readonly nodes: number
}

export const XML_LIMITS: XmlLimits = { depth: 512, nodes: 100_000 }

export function parseXml(textLatin1: string, limits: XmlLimits = XML_LIMITS): XmlDocument {
  return new XmlReader(textLatin1, limits).read()
}

const NAME = /[A-Za-z_:\x80-\xff][\w.:\x80-\xff-]*/y
const BLANKS = /[ \t\r\n]*/y

class XmlReader {
  readonly #text: string
  readonly #limits: XmlLimits
  readonly #elements: XmlElement[] = []
  readonly #open: number[] = []
  #at = 0
  #order = 0
  #nodes = 0
  #error: string | null = null

  constructor(textLatin1: string, limits: XmlLimits) {
    this.#text = textLatin1
    this.#limits = limits
  }

  read(): XmlDocument {
    if (this.#text.startsWith('\xef\xbb\xbf')) this.#at = 3
    while (this.#at < this.#text.length && this.#error === null) this.#next()
    if (this.#error === null) {
      if (this.#open.length > 0) this.#fail('an element is not closed')
      else if (this.#elements.length === 0) this.#fail('no element')
    }
    for (const index of this.#open) this.#elements[index].end = this.#elements.length
    return { elements: this.#elements, error: this.#error }
  }

  #next(): void {
    const text = this.#text
    const at = this.#at
    if (text.charCodeAt(at) !== 0x3c) {
      const found = text.indexOf('<', at)
      const end = found < 0 ? text.length : found
      this.#addText(this.#resolve(text.slice(at, end)))
      this.#at = end
    } else if (text.startsWith('<!--', at)) this.#skipTo('-->', at + 4, 'comment')
    else if (text.startsWith('<![CDATA[', at)) {
      const end = text.indexOf(']]>', at)
      this.#addText(text.slice(at + 9, end < 0 ? text.length : end))
      this.#skipTo(']]>', at + 9, 'CDATA section')
    } else if (text.startsWith('<?', at)) this.#skipTo('?>', at + 2, 'processing instruction')
    else if (text.startsWith('<!', at)) this.#skipDocumentType()
    else if (text.startsWith('</', at)) this.#close()
    else this.#openElement()
  }

  #openElement(): void {
    this.#at += 1
    const name = this.#name()
    if (name === null) {
      this.#fail('an element name is expected')
      return
    }
    if (this.#open.length >= this.#limits.depth) {
      this.#fail(`more than ${this.#limits.depth} nested elements`)
      return
    }
    if (this.#open.length === 0 && this.#elements.length > 0) {
      this.#fail('a second root element')
      return
    }
    const attributes: { name: string; value: string }[] = []
    const index = this.#elements.length
    this.#elements.push({
      name,
      parent: this.#open.at(-1) ?? -1,
      attributes,
      texts: [],
      end: index + 1,
    })
    this.#count()
    while (this.#error === null) {
      this.#skipBlanks()
      if (this.#text.startsWith('/>', this.#at)) {
        this.#at += 2
        return
      }
      if (this.#text[this.#at] === '>') {
        this.#at += 1
        this.#open.push(index)
        return
      }
      this.#attribute(attributes)
    }
  }

  #attribute(attributes: { name: string; value: string }[]): void {
    const name = this.#name()
    if (name === null) {
      this.#fail('an attribute name is expected')
      return
    }
    this.#skipBlanks()
    if (this.#text[this.#at] !== '=') {
      this.#fail('"=" is expected after an attribute name')
      return
    }
    this.#at += 1
    this.#skipBlanks()
    const quote = this.#text[this.#at]
    const end = quote === '"' || quote === "'" ? this.#text.indexOf(quote, this.#at + 1) : -1
    if (end < 0) {
      this.#fail('a quoted attribute value is expected')
      return
    }
    const value = this.#text.slice(this.#at + 1, end)
    attributes.push({ name, value: this.#resolve(value) })
    this.#at = end + 1
    this.#count()
    if (value.includes('<')) this.#fail('"<" in an attribute value')
  }

  #close(): void {
    this.#at += 2
    const name = this.#name()
    this.#skipBlanks()
    const index = this.#open.pop()
    if (index === undefined || name !== this.#elements[index].name) {
      if (index !== undefined) this.#open.push(index)
      this.#fail('a closing tag without its opening tag')
      return
    }
    this.#elements[index].end = this.#elements.length
    if (this.#text[this.#at] !== '>') this.#fail('">" is expected')
    this.#at += 1
  }

  #addText(value: string): void {
    const index = this.#open.at(-1)
    if (index === undefined) {
      if (/[^ \t\r\n]/.test(value)) this.#fail('text outside the root element')
      return
    }
    if (value === '') return
    this.#elements[index].texts.push({ order: this.#order, value })
    this.#order += 1
    this.#count()
  }

  /** `<!DOCTYPE ... [ ... ]>`: skipped to its own `>`, quotes and brackets minded. */
  #skipDocumentType(): void {
    const text = this.#text
    let inSubset = false
    for (let at = this.#at + 2; at < text.length; at += 1) {
      const character = text[at]
      if (character === '"' || character === "'") {
        const close = text.indexOf(character, at + 1)
        if (close < 0) break
        at = close
      } else if (text.startsWith('<!--', at)) {
        const close = text.indexOf('-->', at)
        if (close < 0) break
        at = close + 2
      } else if (character === '[') inSubset = true
      else if (character === ']') inSubset = false
      else if (character === '>' && !inSubset) {
        this.#at = at + 1
        return
      }
    }
    this.#fail('a document type is not closed')
  }

  #skipTo(close: string, from: number, what: string): void {
    const found = this.#text.indexOf(close, from)
    if (found < 0) this.#fail(`a ${what} is not closed`)
    this.#at = found < 0 ? this.#text.length : found + close.length
  }

  #name(): string | null {
    NAME.lastIndex = this.#at
    const match = NAME.exec(this.#text)
    if (match === null) return null
    this.#at = NAME.lastIndex
    return match[0]
  }

  #skipBlanks(): void {
    BLANKS.lastIndex = this.#at
    BLANKS.exec(this.#text)
    this.#at = BLANKS.lastIndex
  }

  #resolve(raw: string): string {
    return raw.includes('&') ? raw.replaceAll(REFERENCE, resolveReference) : raw
  }

  #count(): void {
    this.#nodes += 1
    if (this.#nodes > this.#limits.nodes) this.#fail(`more than ${this.#limits.nodes} nodes`)
  }

  #fail(what: string): void {
    this.#error ??= `XML: ${what} at byte ${this.#at}`
  }
}

const REFERENCE = /&(?:#([0-9]{1,7})|#x([0-9a-fA-F]{1,6})|(lt|gt|amp|quot|apos));/g
const BUILT_IN: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
])

function resolveReference(all: string, decimal?: string, hex?: string, name?: string): string {
  if (name !== undefined) return BUILT_IN.get(name) ?? all
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
  if (!(code <= 0x10ffff)) return all
  return Buffer.from(String.fromCodePoint(code), 'utf8').toString('latin1')
}
