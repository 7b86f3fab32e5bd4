import { type Transformation, triggers } from './transformation.ts'

/** `t:replaceComments`: each C comment, closed or not, becomes a space. A lone close stays. */
export const replaceComments: Transformation = {
  name: 'replaceComments',
  apply: replace,
  triggerBytes: triggers('*'),
}

function replace(value: string): string {
  let open = value.indexOf('/*')
  if (open < 0) return value
  let out = ''
  let from = 0
  while (open >= 0) {
    out += `${value.slice(from, open)} `
    const close = value.indexOf('*/', open + 2)
    if (close < 0) return out
    from = close + 2
    open = value.indexOf('/*', from)
  }
  return out + value.slice(from)
}
