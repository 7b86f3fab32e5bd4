import { isPathChanged, normalizeInto } from './path-walk.ts'
import { take } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'

/** `t:normalizePathWin` (`normalisePathWin`): `t:normalizePath` with backslashes made slashes first. */
export const normalizePathWin: Transformation = {
  name: 'normalizePathWin',
  apply: (value) => {
    const length = normalizeInto(value, true)
    return isPathChanged(value, length) ? take(length) : value
  },
  triggerBytes: triggers('/.\\'),
}
