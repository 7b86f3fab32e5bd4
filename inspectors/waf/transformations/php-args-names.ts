import { isSpace } from './byte-classes.ts'
import { type Transformation, triggers } from './transformation.ts'

/**
 * `t:phpArgsNames`: the name PHP gives to an argument. Leading blanks go; blanks and dots before the
 * first bracket become `_`; a first bracket that is never closed becomes `_`; `[ ]` is `[]`; what follows
 * the last index is dropped; a name that starts with a bracket is dropped whole.
 *
 * @see PHP, main/php_variables.c, php_register_variable_ex
 */
export const phpArgsNames: Transformation = {
  name: 'phpArgsNames',
  apply: rename,
  triggerBytes: triggers(' .['),
}

function rename(value: string): string {
  const name = value.replace(/^ +/, '')
  const bracket = name.indexOf('[')
  const plain = (bracket < 0 ? name : name.slice(0, bracket)).replaceAll(/[ .]/g, '_')
  if (bracket < 0) return plain === value ? value : plain
  if (plain === '') return ''
  let out = plain
  let open = bracket
  while (name.charCodeAt(open) === 0x5b) {
    const start = open + 1
    const skipped = isSpace(name.charCodeAt(start)) ? start + 1 : start
    if (name.charCodeAt(skipped) === 0x5d) {
      out += '[]'
      open = skipped + 1
      continue
    }
    const close = name.indexOf(']', skipped)
    if (close < 0) {
      if (open === bracket) out += `_${name.slice(start)}`
      break
    }
    out += name.slice(open, close + 1)
    open = close + 1
  }
  return out === value ? value : out
}
