import { isPathChanged, normalizeInto } from './path-walk.ts'
import { take } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'

/** `t:normalizePath` (`normalisePath`): no double slashes, self references or resolvable back references. */
export const normalizePath: Transformation = {
  name: 'normalizePath',
  apply: (value) => {
    const length = normalizeInto(value, false)
    return isPathChanged(value, length) ? take(length) : value
  },
  triggerBytes: triggers('/.'),
}
