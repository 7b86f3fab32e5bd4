import { reserve, takeUnlessSame } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'

/**
 * `t:cmdLine`: undoes shell tricks. Leaves out `"`, `'`, `\` and `^`; makes runs of blanks, commas,
 * semicolons, tabs and line ends one space; leaves out a space before `/` and `(`; lower case.
 *
 * ModSecurity v2 stops at a NUL byte, which hides what follows; every byte is looked at here, as in v3.
 */
export const cmdLine: Transformation = {
  name: 'cmdLine',
  apply: normalize,
  triggerBytes: triggers('"\'\\^ ,;\t\r\n', [0x41, 0x5a]),
}

function normalize(value: string): string {
  const out = reserve(value.length)
  let length = 0
  let isAfterSpace = false
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index)
    switch (code) {
      case 0x22:
      case 0x27:
      case 0x5c:
      case 0x5e:
        break
      case 0x20:
      case 0x2c:
      case 0x3b:
      case 0x09:
      case 0x0d:
      case 0x0a:
        if (!isAfterSpace) out[length++] = 0x20
        isAfterSpace = true
        break
      case 0x2f:
      case 0x28:
        if (isAfterSpace) length -= 1
        isAfterSpace = false
        out[length++] = code
        break
      default:
        isAfterSpace = false
        out[length++] = code >= 0x41 && code <= 0x5a ? code + 0x20 : code
    }
  }
  return takeUnlessSame(length, value)
}
