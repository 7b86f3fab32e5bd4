import { reserve } from './byte-writer.ts'

const SLASH = 0x2f
const BACKSLASH = 0x5c
const DOT = 0x2e

/**
 * Writes the normal form of a path into the byte writer's buffer, byte for byte as ModSecurity's
 * `normalise_path_inplace` does it:
 *
 * - a run of slashes becomes one
 * - `.` segments go
 * - `..` takes the segment before it along; at the root of an absolute path it goes, at the start of a
 *   relative one it stays, and those after it too
 * - a slash at the end stays only where there was one
 *
 * Paths are looked at backwards from the end of each segment, so `a..` counts as a back reference as
 * well: the reference implementation looks at the two bytes before the slash alone.
 *
 * @returns bytes written
 */
export function normalizeInto(path: string, isWindows: boolean): number {
  if (path.length === 0) return 0
  const bytes = reserve(path.length + 1)
  for (let index = 0; index < path.length; index += 1) {
    const code = path.charCodeAt(index)
    bytes[index] = isWindows && code === BACKSLASH ? SLASH : code
  }
  const last = path.length - 1
  const isRelative = bytes[0] !== SLASH
  const endsInSlash = bytes[last] === SLASH
  let from = 0
  let to = 0
  let hitRoot = false
  let isDone = false
  while (!isDone && from <= last && to <= last) {
    let keepsByte = true
    if (from === last) isDone = true
    const isSegmentEnd = isDone || bytes[from + 1] === SLASH
    const isEmptySegment = from !== last && bytes[from] === SLASH
    if (isSegmentEnd && !isEmptySegment) {
      if (bytes[from] === DOT) {
        if (to > 0 && bytes[to - 1] === DOT) {
          if (isRelative && (hitRoot || to - 2 <= 0)) hitRoot = true
          else {
            // Takes back the dot before, the slash before that, and the segment.
            to -= 3
            while (to > 0 && bytes[to] !== SLASH) to -= 1
            if (to <= 0) {
              hitRoot = true
              to = 0
              if (!isRelative && from === last) to = 1
            }
            keepsByte = false
          }
        } else if (to === 0) keepsByte = false
        else if (bytes[to - 1] === SLASH) {
          if (!isDone) to -= 1
          keepsByte = false
        }
        if (!keepsByte) {
          if (isDone) break
          from += 1
        }
      } else if (to > 0) hitRoot = false
    }
    // What follows a reference, its slash, is copied in the same step.
    if (bytes[from] === SLASH) {
      while (from < last && bytes[from + 1] === SLASH) from += 1
      if (isRelative && to === 0) {
        from += 1
        continue
      }
    }
    bytes[to] = bytes[from]
    to += 1
    from += 1
  }
  if (!endsInSlash && to > 0 && bytes[to - 1] === SLASH) to -= 1
  return to
}

/** True when the buffer's first bytes are not the path itself. */
export function isPathChanged(path: string, length: number): boolean {
  if (length !== path.length) return true
  const bytes = reserve(length)
  for (let index = 0; index < length; index += 1) {
    if (bytes[index] !== path.charCodeAt(index)) return true
  }
  return false
}
