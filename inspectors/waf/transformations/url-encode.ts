import { type Transformation, triggers } from './transformation.ts'

/** `t:urlEncode`: letters, digits and `*` stay, a space becomes `+`, all else `%hh`. */
export const urlEncode: Transformation = {
  name: 'urlEncode',
  apply: encode,
  triggerBytes: triggers('', [0, 41], [43, 47], [58, 64], [91, 96], [123, 255]),
}

function encode(value: string): string {
  if (!/[^A-Za-z0-9*]/.test(value)) return value
  let out = ''
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index)
    out += ENCODED[code]
  }
  return out
}

const ENCODED = Array.from({ length: 256 }, (_, code) => {
  if (code === 0x20) return '+'
  const character = String.fromCharCode(code)
  return /[A-Za-z0-9*]/.test(character) ? character : `%${code.toString(16).padStart(2, '0')}`
})
