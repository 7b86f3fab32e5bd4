/**
 * Operators of SecLang by lower-case name, with what their argument is.
 * `pattern`: a PCRE pattern; `file`: a data file beside the rules; `text`: anything; `none`: no
 * argument; `words`, `addresses`, `bytes`: as the manual says; `refused`: known to ModSecurity and not offered, with the reason.
 */
export type OperatorArgument =
  | 'pattern'
  | 'file'
  | 'text'
  | 'none'
  | 'words'
  | 'addresses'
  | 'bytes'
export type OperatorKind =
  | { readonly kind: OperatorArgument }
  | { readonly kind: 'inert' | 'refused'; readonly reason: string }

const BY_ARGUMENT: Readonly<Record<OperatorArgument, string>> = {
  pattern: 'rx rxGlobal verifyCC verifyCPF verifySSN verifySVNR',
  file: 'pmFromFile pmf ipMatchFromFile ipMatchF',
  text: 'beginsWith contains containsWord endsWith eq ge gt le lt strmatch streq within',
  none: 'detectSQLi detectXSS noMatch unconditionalMatch validateUrlEncoding validateUtf8Encoding',
  words: 'pm',
  addresses: 'ipMatch',
  bytes: 'validateByteRange',
}

const INERT: Readonly<Record<string, string>> = {
  geoLookup: 'no geolocation database is configured',
  gsbLookup: 'the Safe Browsing database it reads is no longer published',
  rbl: 'rules do not send DNS queries while a request waits',
}

const REFUSED: Readonly<Record<string, string>> = {
  fuzzyHash: 'fuzzy hashing is not offered',
  inspectFile: 'rules do not start programs or scripts',
  rsub: 'traffic is inspected and never rewritten',
  validateDTD: 'document types are not loaded',
  validateHash: 'links are not signed, traffic is never rewritten',
  validateSchema: 'schemas are not loaded',
}

export const OPERATORS: ReadonlyMap<string, OperatorKind> = new Map<string, OperatorKind>([
  ...Object.entries(BY_ARGUMENT).flatMap(([kind, names]) =>
    names
      .split(' ')
      .map((name) => [name.toLowerCase(), { kind: kind as OperatorArgument }] as const),
  ),
  ...Object.entries(INERT).map(
    ([name, reason]) => [name.toLowerCase(), { kind: 'inert', reason }] as const,
  ),
  ...Object.entries(REFUSED).map(
    ([name, reason]) => [name.toLowerCase(), { kind: 'refused', reason }] as const,
  ),
])

/** Names as the manual spells them, for suggestions. */
export const OPERATOR_SPELLINGS: readonly string[] = [
  ...Object.values(BY_ARGUMENT).flatMap((names) => names.split(' ')),
  ...Object.keys(INERT),
  ...Object.keys(REFUSED),
]
