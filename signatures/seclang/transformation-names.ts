/** Transformations (`t:`) of SecLang as the manual spells them; `none` is not one of them. */
export const TRANSFORMATION_SPELLINGS: readonly string[] = (
  'base64Decode base64DecodeExt base64Encode cmdLine compressWhitespace cssDecode escapeSeqDecode ' +
  'hexDecode hexEncode htmlEntityDecode jsDecode length lowercase md5 normalisePath ' +
  'normalisePathWin normalizePath normalizePathWin parityEven7bit parityOdd7bit parityZero7bit ' +
  'removeComments removeCommentsChar removeNulls removeWhitespace replaceComments replaceNulls ' +
  'sha1 sqlHexDecode trim trimLeft trimRight uppercase urlDecode urlDecodeUni urlEncode ' +
  'utf8toUnicode'
).split(' ')

/** Lower-case names. */
export const TRANSFORMATIONS: ReadonlySet<string> = new Set(
  TRANSFORMATION_SPELLINGS.map((name) => name.toLowerCase()),
)
