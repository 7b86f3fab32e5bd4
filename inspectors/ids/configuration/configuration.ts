import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'

/** Largest `suricata.yaml`, deepest chain of `include`s, and most settings of all files together. */
export const MAX_CONFIGURATION_BYTES = 4_194_304
export const MAX_INCLUDE_DEPTH = 8
export const MAX_SETTINGS = 100_000

export type Tree = string | null | readonly Tree[] | { readonly [name: string]: Tree }

export class ConfigurationError extends Error {}

const YES: ReadonlySet<string> = new Set(['yes', 'true', 'on', '1'])
const NO: ReadonlySet<string> = new Set(['no', 'false', 'off', '0'])

/**
 * Settings as Suricata has them: a tree of names, with dots between them. Scalars are kept as text; whoever asks
 * says what they are.
 */
export class Configuration {
  #tree: Tree

  constructor(tree: Tree = {}) {
    this.#tree = tree
  }

  /**
   * Reads a `suricata.yaml` with all it includes.
   *
   * @param options.skipsMissing an included file that is not there says nothing
   * @throws ConfigurationError
   */
  static read(path: string, options: { readonly skipsMissing?: boolean } = {}): Configuration {
    return new Configuration(readTree(path, options.skipsMissing ?? false, 0))
  }

  /**
   * Puts one value in place: `stream.midstream=true`, `outputs.1.eve-log.enabled=no`.
   *
   * @throws ConfigurationError when there is no `=`
   */
  set(assignment: string): void {
    const equals = assignment.indexOf('=')
    if (equals <= 0) throw new ConfigurationError(`"${assignment}" is no NAME=VALUE`)
    const path = assignment.slice(0, equals).trim().split('.')
    this.#tree = withValue(this.#tree, path, assignment.slice(equals + 1).trim())
  }

  /** What holds where the settings say nothing at all of this. */
  otherwise(name: string, tree: Tree): void {
    if (this.tree(name) === undefined) this.#tree = merged({ [name]: tree }, this.#tree)
  }

  tree(name: string): Tree | undefined {
    let at: Tree | undefined = this.#tree
    for (const part of name.split('.')) at = child(at, part)
    return at
  }

  text(name: string): string | null {
    const found = this.tree(name)
    return typeof found === 'string' ? found : null
  }

  /** @throws ConfigurationError when the value is neither yes nor no */
  flag(name: string, otherwise: boolean): boolean {
    const text = this.text(name)
    if (text === null) return otherwise
    const flag = flagOf(text)
    if (flag === null) throw new ConfigurationError(`${name} is "${text}", neither yes nor no`)
    return flag
  }

  /** Every scalar under its name; items of lists by their number. */
  *entries(): Generator<readonly [name: string, value: string | null]> {
    yield* entriesOf(this.#tree, '')
  }
}

/** Null: neither yes nor no. */
export function flagOf(text: string): boolean | null {
  const lower = text.trim().toLowerCase()
  return YES.has(lower) ? true : NO.has(lower) ? false : null
}

/** One item of a list that stands under its own name: `- eve-log: {…}`. */
export function namedItem(list: Tree | undefined, name: string): Tree | undefined {
  if (!Array.isArray(list)) return undefined
  for (const item of list as readonly Tree[]) {
    if (item === name) return null
    const found = child(item, name)
    if (found !== undefined) return found
  }
  return undefined
}

export function child(tree: Tree | undefined, name: string): Tree | undefined {
  if (tree === undefined || tree === null || typeof tree === 'string') return undefined
  if (Array.isArray(tree))
    return /^\d{1,6}$/.test(name) ? (tree as readonly Tree[])[Number(name)] : undefined
  const names = tree as { readonly [name: string]: Tree }
  return Object.hasOwn(names, name) ? names[name] : undefined
}

function* entriesOf(tree: Tree, name: string): Generator<readonly [string, string | null]> {
  if (tree === null || typeof tree === 'string') {
    yield [name, tree]
    return
  }
  for (const [key, value] of Object.entries(tree))
    yield* entriesOf(value, name === '' ? key : `${name}.${key}`)
}

function withValue(tree: Tree | undefined, path: readonly string[], value: string): Tree {
  if (path.length === 0) return value
  const [name, ...rest] = path
  if (Array.isArray(tree) && /^\d{1,4}$/.test(name)) {
    const items = [...(tree as readonly Tree[])]
    items[Number(name)] = withValue(items[Number(name)], rest, value)
    return Array.from(items, (item) => item ?? null)
  }
  const names =
    tree === undefined || tree === null || typeof tree === 'string' || Array.isArray(tree)
      ? {}
      : (tree as { readonly [name: string]: Tree })
  return cleanObject([...Object.entries(names), [name, withValue(child(names, name), rest, value)]])
}

function readTree(path: string, skipsMissing: boolean, depth: number): Tree {
  if (depth > MAX_INCLUDE_DEPTH)
    throw new ConfigurationError(`${path} is included more than ${MAX_INCLUDE_DEPTH} deep`)
  let text: string
  try {
    if (statSync(path).size > MAX_CONFIGURATION_BYTES)
      throw new ConfigurationError(`${path} is larger than ${MAX_CONFIGURATION_BYTES} bytes`)
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (skipsMissing && depth > 0 && (error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    if (error instanceof ConfigurationError) throw error
    throw new ConfigurationError(`${path} cannot be read: ${String(error)}`, { cause: error })
  }
  const own = toTree(parsed(text, path), { count: 0 }, path)
  const included: readonly Tree[] = includesOf(own).map((name) =>
    readTree(join(dirname(path), name), skipsMissing, depth + 1),
  )
  // What stands in the file itself is stronger than what it includes.
  return [...included, own].reduce((below, above) => merged(below, above), {} as Tree)
}

function parsed(text: string, path: string): unknown {
  try {
    // Scalars stay as they are written: 0x10, 1e3 and 007 are not for YAML to read.
    return parse(text, {
      schema: 'failsafe',
      maxAliasCount: 100,
      logLevel: 'error',
      uniqueKeys: false,
    })
  } catch (error) {
    throw new ConfigurationError(`${path} is no YAML: ${String(error)}`, { cause: error })
  }
}

function toTree(value: unknown, counter: { count: number }, path: string): Tree {
  counter.count += 1
  if (counter.count > MAX_SETTINGS)
    throw new ConfigurationError(`${path} has more than ${MAX_SETTINGS} settings`)
  if (typeof value === 'string') return value === '' || value === '~' ? null : value
  if (Array.isArray(value)) return value.map((item) => toTree(item, counter, path))
  if (typeof value !== 'object' || value === null) return null
  return cleanObject(
    Object.entries(value).map(([name, item]) => [name, toTree(item, counter, path)]),
  )
}

function includesOf(tree: Tree): readonly string[] {
  const found = child(tree, 'include')
  if (typeof found === 'string') return [found]
  return Array.isArray(found)
    ? (found as readonly Tree[]).filter((item): item is string => typeof item === 'string')
    : []
}

function merged(below: Tree, above: Tree): Tree {
  if (above === null || typeof above !== 'object' || Array.isArray(above)) return above
  const names = below === null || typeof below !== 'object' || Array.isArray(below) ? {} : below
  const found = new Map<string, Tree>(Object.entries(names as { readonly [name: string]: Tree }))
  for (const [name, value] of Object.entries(above as { readonly [name: string]: Tree })) {
    const before = found.get(name)
    found.set(name, before === undefined ? value : merged(before, value))
  }
  return cleanObject([...found])
}

/** An object without a prototype: names come from a file. */
function cleanObject(entries: readonly (readonly [string, Tree])[]): {
  readonly [name: string]: Tree
} {
  const made = Object.create(null) as { [name: string]: Tree }
  for (const [name, value] of entries) made[name] = value
  return made
}
