/**
 * Tokenizer of HTML as browsers are lenient with it, old ones included, for the detection of scripts.
 * States and names are those of the standard; a state is a number, and each step is a loop rather than a
 * call of the next state, so that `//////` and `</></>` cost no stack. Every search stops at what it finds
 * or consumes the value to its end.
 *
 * @see https://html.spec.whatwg.org/, 13.2.5; https://github.com/libinjection/libinjection, html5.c
 */

export type HtmlTokenType =
  | 'DATA_TEXT'
  | 'TAG_NAME_OPEN'
  | 'TAG_NAME_CLOSE'
  | 'TAG_NAME_SELFCLOSE'
  | 'TAG_CLOSE'
  | 'ATTR_NAME'
  | 'ATTR_VALUE'
  | 'TAG_COMMENT'
  | 'DOCTYPE'

/** Where in a page the value was put. */
export type HtmlContext = 'data' | 'tag' | 'single' | 'double' | 'back'

const DATA = 0
const TAG_OPEN = 1
const END_TAG_OPEN = 2
const TAG_NAME = 3
const TAG_NAME_CLOSE = 4
const SELF_CLOSING = 5
const BEFORE_NAME = 6
const NAME = 7
const AFTER_NAME = 8
const BEFORE_VALUE = 9
const QUOTED_VALUE = 10
const PLAIN_VALUE = 11
const AFTER_VALUE = 12
const MARKUP = 13
const BOGUS_COMMENT = 14
const END = 15

const GREATER = 0x3e
const SLASH = 0x2f
const EQUALS = 0x3d
const BANG = 0x21
const DASH = 0x2d

export class HtmlTokenizer {
  #value = ''
  #at = 0
  #state = END
  #quote = 0x22
  #isClosing = false
  /** The current token: its type and where its text is. */
  type: HtmlTokenType = 'DATA_TEXT'
  from = 0
  length = 0

  reset(valueLatin1: string, context: HtmlContext): void {
    this.#value = valueLatin1
    this.#at = 0
    this.#isClosing = false
    this.#state = context === 'data' ? DATA : context === 'tag' ? BEFORE_NAME : QUOTED_VALUE
    this.#quote = context === 'single' ? 0x27 : context === 'back' ? 0x60 : 0x22
  }

  /** Steps to the next token; false at the end. */
  next(): boolean {
    for (;;) {
      const before = this.#state
      switch (before) {
        case DATA:
          if (this.#data()) return true
          break
        case TAG_OPEN:
          if (this.#tagOpen()) return true
          break
        case END_TAG_OPEN:
          this.#endTagOpen()
          break
        case TAG_NAME:
          return this.#tagName()
        case TAG_NAME_CLOSE:
          this.#isClosing = false
          this.#state = this.#at + 1 < this.#value.length ? DATA : END
          return this.#one('TAG_NAME_CLOSE')
        case SELF_CLOSING:
          if (this.#selfClosing()) return true
          break
        case BEFORE_NAME:
          if (this.#beforeName()) return true
          break
        case NAME:
          return this.#name()
        case AFTER_NAME:
          this.#afterName()
          break
        case BEFORE_VALUE:
          this.#beforeValue()
          break
        case QUOTED_VALUE:
          return this.#quotedValue()
        case PLAIN_VALUE:
          return this.#plainValue()
        case AFTER_VALUE:
          if (this.#afterValue()) return true
          break
        case MARKUP:
          if (this.#markup()) return true
          break
        case BOGUS_COMMENT:
          return this.#until('>', 1, 'TAG_COMMENT')
        default:
          return false
      }
    }
  }

  #emit(type: HtmlTokenType, from: number, to: number): true {
    this.type = type
    this.from = from
    this.length = to - from
    return true
  }

  /** A token of the byte at hand, which is stepped over. */
  #one(type: HtmlTokenType): true {
    this.#at += 1
    return this.#emit(type, this.#at - 1, this.#at)
  }

  #rest(type: HtmlTokenType): true {
    this.#state = END
    return this.#emit(type, this.#at, this.#value.length)
  }

  /** A token up to `mark`, of which `skip` bytes are stepped over; data follows. */
  #until(mark: string, skip: number, type: HtmlTokenType): true {
    const end = this.#value.indexOf(mark, this.#at)
    if (end < 0) return this.#rest(type)
    this.#emit(type, this.#at, end)
    this.#at = end + skip
    this.#state = DATA
    return true
  }

  #code(at: number): number {
    return this.#value.charCodeAt(at)
  }

  #data(): boolean {
    const open = this.#value.indexOf('<', this.#at)
    if (open < 0) {
      this.#rest('DATA_TEXT')
      return this.length > 0
    }
    this.#emit('DATA_TEXT', this.#at, open)
    this.#at = open + 1
    this.#state = TAG_OPEN
    return this.length > 0
  }

  #tagOpen(): boolean {
    const code = this.#code(this.#at)
    if (this.#at >= this.#value.length) this.#state = END
    else if (code === BANG) {
      this.#at += 1
      this.#state = MARKUP
    } else if (code === SLASH) {
      this.#at += 1
      this.#isClosing = true
      this.#state = END_TAG_OPEN
    } else if (code === 0x3f) {
      this.#at += 1
      this.#state = BOGUS_COMMENT
    } else if (code === 0x25) {
      // `<% %>` is a comment for Internet Explorer 9 and Safari 3.
      this.#at += 1
      return this.#until('%>', 2, 'TAG_COMMENT')
    } else if (isLetter(code) || code === 0) this.#state = TAG_NAME
    else {
      this.#state = DATA
      return this.#emit('DATA_TEXT', this.#at - 1, this.#at)
    }
    return false
  }

  #endTagOpen(): void {
    const code = this.#code(this.#at)
    if (this.#at >= this.#value.length) this.#state = END
    else if (code === GREATER) this.#state = DATA
    else if (isLetter(code)) this.#state = TAG_NAME
    else {
      this.#isClosing = false
      this.#state = BOGUS_COMMENT
    }
  }

  /** NUL is part of the name: old browsers ignore it. */
  #tagName(): true {
    for (let at = this.#at; at < this.#value.length; at += 1) {
      const code = this.#code(at)
      if (code === GREATER) {
        this.#emit(this.#isClosing ? 'TAG_CLOSE' : 'TAG_NAME_OPEN', this.#at, at)
        this.#at = this.#isClosing ? at + 1 : at
        this.#state = this.#isClosing ? DATA : TAG_NAME_CLOSE
        this.#isClosing = false
        return true
      }
      if (code !== SLASH && !isWhite(code)) continue
      this.#emit('TAG_NAME_OPEN', this.#at, at)
      this.#at = at + 1
      this.#state = code === SLASH ? SELF_CLOSING : BEFORE_NAME
      return true
    }
    return this.#rest('TAG_NAME_OPEN')
  }

  #selfClosing(): boolean {
    if (this.#at >= this.#value.length) {
      this.#state = END
      return false
    }
    if (this.#code(this.#at) !== GREATER) {
      this.#state = BEFORE_NAME
      return false
    }
    // A value that begins here has no slash before it: nothing to see.
    if (this.#at === 0) {
      this.#state = END
      return false
    }
    this.#emit('TAG_NAME_SELFCLOSE', this.#at - 1, this.#at + 1)
    this.#at += 1
    this.#state = DATA
    return true
  }

  #beforeName(): boolean {
    const code = this.#skipWhite()
    if (code < 0) this.#state = END
    else if (code === SLASH) {
      this.#at += 1
      this.#state = SELF_CLOSING
    } else if (code === GREATER) {
      this.#state = DATA
      return this.#one('TAG_NAME_CLOSE')
    } else this.#state = NAME
    return false
  }

  #name(): true {
    for (let at = this.#at + 1; at < this.#value.length; at += 1) {
      const code = this.#code(at)
      const isWhitespace = isWhite(code)
      if (!isWhitespace && code !== SLASH && code !== EQUALS && code !== GREATER) continue
      this.#emit('ATTR_NAME', this.#at, at)
      this.#at = code === GREATER ? at : at + 1
      if (isWhitespace) this.#state = AFTER_NAME
      else if (code === SLASH) this.#state = SELF_CLOSING
      else this.#state = code === EQUALS ? BEFORE_VALUE : TAG_NAME_CLOSE
      return true
    }
    return this.#rest('ATTR_NAME')
  }

  #afterName(): void {
    const code = this.#skipWhite()
    if (code < 0) this.#state = END
    else if (code === GREATER) this.#state = TAG_NAME_CLOSE
    else if (code === SLASH || code === EQUALS) {
      this.#at += 1
      this.#state = code === SLASH ? SELF_CLOSING : BEFORE_VALUE
    } else this.#state = NAME
  }

  #beforeValue(): void {
    const code = this.#skipWhite()
    if (code < 0) this.#state = END
    else if (code === 0x22 || code === 0x27 || code === 0x60) {
      this.#quote = code
      this.#state = QUOTED_VALUE
    } else this.#state = PLAIN_VALUE
  }

  /** The quote at the beginning is not there where the value itself begins inside one. */
  #quotedValue(): true {
    if (this.#at > 0) this.#at += 1
    const end = this.#value.indexOf(String.fromCharCode(this.#quote), this.#at)
    if (end < 0) return this.#rest('ATTR_VALUE')
    this.#emit('ATTR_VALUE', this.#at, end)
    this.#at = end + 1
    this.#state = AFTER_VALUE
    return true
  }

  #plainValue(): true {
    for (let at = this.#at; at < this.#value.length; at += 1) {
      const code = this.#code(at)
      if (code !== GREATER && !isWhite(code)) continue
      this.#emit('ATTR_VALUE', this.#at, at)
      this.#at = code === GREATER ? at : at + 1
      this.#state = code === GREATER ? TAG_NAME_CLOSE : BEFORE_NAME
      return true
    }
    return this.#rest('ATTR_VALUE')
  }

  #afterValue(): boolean {
    const code = this.#code(this.#at)
    if (this.#at >= this.#value.length) this.#state = END
    else if (code === GREATER) {
      this.#state = DATA
      return this.#one('TAG_NAME_CLOSE')
    } else if (code === SLASH) {
      this.#at += 1
      this.#state = SELF_CLOSING
    } else {
      if (isWhite(code)) this.#at += 1
      this.#state = BEFORE_NAME
    }
    return false
  }

  #markup(): boolean {
    const value = this.#value
    if (/^doctype/i.test(value.slice(this.#at, this.#at + 7))) {
      return this.#until('>', 1, 'DOCTYPE')
    }
    if (value.startsWith('[CDATA[', this.#at)) {
      this.#at += 7
      return this.#until(']]>', 3, 'DATA_TEXT')
    }
    if (value.startsWith('--', this.#at)) {
      this.#at += 2
      return this.#comment()
    }
    this.#state = BOGUS_COMMENT
    return false
  }

  /** Ends in `-->` or `-!>`, NULs after the first dash ignored. */
  #comment(): true {
    const value = this.#value
    let dash = value.indexOf('-', this.#at)
    while (dash >= 0 && dash <= value.length - 3) {
      let at = dash + 1
      while (this.#code(at) === 0) at += 1
      const code = this.#code(at)
      if ((code === DASH || code === BANG) && this.#code(at + 1) === GREATER) {
        this.#emit('TAG_COMMENT', this.#at, dash)
        this.#at = at + 2
        this.#state = DATA
        return true
      }
      dash = value.indexOf('-', dash + 1)
    }
    return this.#rest('TAG_COMMENT')
  }

  /** Skips white space and NUL; -1 at the end. */
  #skipWhite(): number {
    while (this.#at < this.#value.length) {
      const code = this.#code(this.#at)
      if (code !== 0 && code !== 0x20 && !(code >= 9 && code <= 13)) return code
      this.#at += 1
    }
    return -1
  }
}

function isLetter(code: number): boolean {
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x7a
}

/** NUL is one too: the reference implementation looks it up in a C string. */
function isWhite(code: number): boolean {
  return code === 0x20 || code === 0 || (code >= 9 && code <= 13)
}
