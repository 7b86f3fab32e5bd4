import { readFileSync } from 'node:fs'

/**
 * Tables of libinjection out of `tables.txt`: comments first, then sections, each a name on its own line,
 * the entries, and an empty line.
 */
const sections = readSections(
  readFileSync(new URL('./tables.txt', import.meta.url), 'latin1').split('\n'),
)

function readSections(lines: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  let entries: string[] | null = null
  for (const line of lines) {
    if (line === '') entries = null
    else if (entries !== null) entries.push(line)
    else if (!line.startsWith('#')) found.set(line, (entries = []))
  }
  return found
}

function wordsOf(section: string): string[] {
  return (sections.get(section) ?? []).flatMap((line) => line.split(' '))
}

/** How the tokenizer goes on at each byte: the parser's name by byte. */
export const BYTE_CLASSES: readonly string[] = wordsOf('classes')

/** Keywords and phrases in upper case with the character of their token type. */
export const KEYWORDS: ReadonlyMap<string, string> = new Map(
  [...sections].flatMap(([section, words]) =>
    section.startsWith('keywords ')
      ? words.map((word) => [word, section.slice('keywords '.length)] as const)
      : [],
  ),
)

/** Types that occur in fingerprints, in upper case: five bits are enough to number them. */
const FINGERPRINT_TYPES = 'KUBETFNVSOCAX1&(){}.,:;?\\'

/** Number of a token type by the code of its character, both cases being one; 0 for none. */
const typeNumbers = Uint8Array.from(
  { length: 128 },
  (_, code) => FINGERPRINT_TYPES.indexOf(String.fromCharCode(code).toUpperCase()) + 1,
)

/** Appends a token type to a packed fingerprint, of which 0 is the empty one. */
export function appendType(fingerprint: number, type: number): number {
  return fingerprint * 32 + typeNumbers[type]
}

const fingerprints: ReadonlySet<number> = new Set(
  wordsOf('fingerprints').map((fingerprint) =>
    Array.from(fingerprint).reduce((packed, type) => appendType(packed, type.charCodeAt(0)), 0),
  ),
)

/** True for the packed fingerprint of an attack. */
export function isKnownFingerprint(fingerprint: number): boolean {
  return fingerprints.has(fingerprint)
}

/** Names of events without their `ON`, tags, and attributes with what is wrong with them. */
export const EVENT_NAMES: readonly string[] = wordsOf('events')
export const TAG_NAMES: readonly string[] = wordsOf('tags')

/** `black`: never harmless; `url`: its value is an address; `style`: CSS; `indirect`: value is a name. */
export type AttributeType = 'black' | 'url' | 'style' | 'indirect'

const ATTRIBUTE_TYPES: Readonly<Record<string, AttributeType>> = {
  TYPE_BLACK: 'black',
  TYPE_ATTR_URL: 'url',
  TYPE_STYLE: 'style',
  TYPE_ATTR_INDIRECT: 'indirect',
}

export const ATTRIBUTES: readonly { readonly name: string; readonly type: AttributeType }[] = (
  sections.get('attributes') ?? []
).map((line) => {
  const [name, type] = line.split(' ')
  return { name, type: ATTRIBUTE_TYPES[type] }
})
