import { NAME_PATTERN } from '#chain/model/names.ts'
import { parseRuleReference } from '#chain/model/rule-set.ts'
import { SignatureError } from '#signatures/errors.ts'
import { printable } from './printable.ts'

const NAME = new RegExp(NAME_PATTERN)

/** @throws SignatureError `USAGE` */
export function checkName(name: string): void {
  if (NAME.test(name)) return
  throw new SignatureError(
    'USAGE',
    `${printable(name)} is no name: letters, digits and ._- (63 at most), a letter or digit first`,
  )
}

/** `NAME@VERSION`. @throws SignatureError `USAGE` */
export function readReference(text: string): { readonly name: string; readonly version: string } {
  const reference = parseRuleReference(text)
  if (reference !== null && reference.version !== null) {
    return { name: reference.name, version: reference.version }
  }
  const hint = reference === null ? '' : `; \`signatures list\` shows the versions of ${text}`
  throw new SignatureError('USAGE', `${printable(text)} is not NAME@VERSION${hint}`)
}
