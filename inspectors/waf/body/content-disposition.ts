/** What a part's Content-Disposition says. */
export interface Disposition {
  readonly name: string | null
  readonly fileName: string | null
  /** Quoted with `'`, or quotes inside an unquoted value. */
  readonly isQuotedBadly: boolean
  readonly lacksSemicolon: boolean
  readonly error: string | null
}

/**
 * Reads `form-data; name="..."; filename="..."`. Other parameters (`filename*`, continuations) and
 * repeated ones are errors: servers disagree about which of them counts.
 */
export function parseDisposition(valueLatin1: string): Disposition {
  let name: string | null = null
  let fileName: string | null = null
  let isQuotedBadly = false
  let lacksSemicolon = false
  const give = (error: string | null): Disposition => ({
    name,
    fileName,
    isQuotedBadly,
    lacksSemicolon,
    error: error === null ? null : `invalid Content-Disposition header (${error})`,
  })
  const type = /^\s*form-data\s*/i.exec(valueLatin1)
  if (type === null) return give('not form-data')
  let at = type[0].length
  while (at < valueLatin1.length) {
    if (valueLatin1[at] === ';') at += 1
    else lacksSemicolon = true
    at = skipBlanks(valueLatin1, at)
    if (at >= valueLatin1.length) break
    const start = at
    while (at < valueLatin1.length && !'= \t;'.includes(valueLatin1[at])) at += 1
    const parameter = valueLatin1.slice(start, at).toLowerCase()
    at = skipBlanks(valueLatin1, at)
    if (valueLatin1[at] !== '=') return give(`"${parameter.slice(0, 40)}" without a value`)
    at = skipBlanks(valueLatin1, at + 1)
    const quote = valueLatin1[at]
    let value = ''
    if (quote === '"' || quote === "'") {
      if (quote === "'") isQuotedBadly = true
      at += 1
      let closed = false
      for (; at < valueLatin1.length; at += 1) {
        const next = valueLatin1[at + 1]
        if (valueLatin1[at] === '\\' && (next === quote || next === '\\')) at += 1
        else if (valueLatin1[at] === quote) {
          closed = true
          break
        }
        value += valueLatin1[at]
      }
      if (!closed) return give('quotation mark is not closed')
      at += 1
    } else {
      const from = at
      while (at < valueLatin1.length && !'; \t'.includes(valueLatin1[at])) at += 1
      value = valueLatin1.slice(from, at)
      if (/["']/.test(value)) isQuotedBadly = true
    }
    if (parameter === 'name') {
      if (name !== null) return give('two names')
      name = value
    } else if (parameter === 'filename') {
      if (fileName !== null) return give('two file names')
      fileName = value
    } else {
      // Inspected under the file name all the same, so that what it hides is seen.
      if (parameter.startsWith('filename') && fileName === null) fileName = value
      return give(`parameter "${parameter.slice(0, 40)}"`)
    }
    at = skipBlanks(valueLatin1, at)
  }
  return give(null)
}

function skipBlanks(text: string, from: number): number {
  let index = from
  while (text[index] === ' ' || text[index] === '\t') index += 1
  return index
}
