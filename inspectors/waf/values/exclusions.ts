import type { TargetExclusion } from './selector.ts'

/** What the settings of a chain leave out, as bit sets over the rules that all chains share. */
export interface Exclusions {
  /** Rules that never run. */
  readonly rules: Int32Array
  /** Variables that rules do not look at. */
  readonly targets: readonly TargetExclusion[]
  /** What holds on some paths only. */
  readonly atPaths: readonly PathExclusion[]
}

export interface PathExclusion {
  readonly path: PathPattern
  /** Null: `targets` alone. */
  readonly rules: Int32Array | null
  readonly targets: TargetExclusion | null
}

/** `/login` is that path alone, `/api/*` all that begins with `/api/`. */
export interface PathPattern {
  readonly text: string
  readonly isPrefix: boolean
}

/**
 * True when the pattern covers a path. A path that a server might read as another one (dot segments,
 * doubled slashes, backslashes, a percent sign or a semicolon left over) is covered by none: otherwise
 * `/api/../admin` would be inspected as mildly as `/api/`.
 *
 * @param path percent-decoded, latin1 (REQUEST_FILENAME)
 */
export function coversPath({ text, isPrefix }: PathPattern, path: string): boolean {
  if (isPrefix ? !path.startsWith(text) : path !== text) return false
  return !AMBIGUOUS.test(path)
}

const AMBIGUOUS = /[^\x20-\x7e\x80-\xff]|[\\%;]|\/\/|\/\.\.?(?:\/|$)/
