/**
 * Names and values that heads bring again and again, each kept once: a name is put in lower case once, and what looks
 * a value up later finds its hash made. A word has one place by its length and some of its bytes; another word that
 * belongs there takes it, so what a head can make us keep is bounded.
 */

const NAME_PLACES = 256
const VALUE_PLACES = 1024
const MAX_NAME = 64
const MAX_VALUE = 256

/** Fields by which programs are known, not what they ask for, with the values seen of each by place. */
const RECURRING: ReadonlyMap<string, (string | null)[]> = new Map(
  [
    'host',
    'user-agent',
    'accept',
    'accept-encoding',
    'accept-language',
    'connection',
    'server',
    'content-type',
  ].map((name) => [name, Array.from({ length: VALUE_PLACES }, (): string | null => null)]),
)

export interface KnownName {
  readonly name: string
  readonly lower: string
  /** Values seen with it, by place; null: they rarely come again. */
  readonly values: (string | null)[] | null
}

const names: (KnownName | null)[] = Array.from({ length: NAME_PLACES }, () => null)

/** The name from `from` up to `to`. */
export function knownName(raw: string, from: number, to: number): KnownName {
  const size = to - from
  const place =
    (size * 31 + raw.charCodeAt(from) * 7 + raw.charCodeAt(from + (size >> 1))) % NAME_PLACES
  const known = names[place]
  const name = raw.slice(from, to)
  if (known !== null && known.name === name) return known
  const kept = size > MAX_NAME ? name : copyOf(name)
  const lower = kept.toLowerCase()
  const made = { name: kept, lower, values: RECURRING.get(lower) ?? null }
  if (size <= MAX_NAME) names[place] = made
  return made
}

/** The value of that name from `from` up to `to`. */
export function knownValue({ values }: KnownName, raw: string, from: number, to: number): string {
  const value = raw.slice(from, to)
  const size = to - from
  if (values === null || size === 0 || size > MAX_VALUE) return value
  const sum = raw.charCodeAt(from + (size >> 1)) * 7 + raw.charCodeAt(from + (size >> 2)) * 3
  const place = (size * 31 + sum + raw.charCodeAt(to - 1)) % VALUE_PLACES
  const known = values[place]
  if (known !== null && known === value) return known
  const kept = copyOf(value)
  values[place] = kept
  return kept
}

/** A slice would keep the whole head. */
function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
