import { base64DecodeExt } from './base64-decode-ext.ts'
import { base64Decode } from './base64-decode.ts'
import { base64Encode } from './base64-encode.ts'
import { cmdLine } from './cmd-line.ts'
import { compressWhitespace } from './compress-whitespace.ts'
import { cssDecode } from './css-decode.ts'
import { escapeSeqDecode } from './escape-seq-decode.ts'
import { hexDecode } from './hex-decode.ts'
import { hexEncode } from './hex-encode.ts'
import { htmlEntityDecode } from './html-entity-decode.ts'
import { jsDecode } from './js-decode.ts'
import { length } from './length.ts'
import { lowercase } from './lowercase.ts'
import { md5 } from './md5.ts'
import { none } from './none.ts'
import { normalizePathWin } from './normalize-path-win.ts'
import { normalizePath } from './normalize-path.ts'
import { parityEven7bit, parityOdd7bit, parityZero7bit } from './parity.ts'
import { phpArgsNames } from './php-args-names.ts'
import { removeCommentsChar } from './remove-comments-char.ts'
import { removeComments } from './remove-comments.ts'
import { removeNulls } from './remove-nulls.ts'
import { removeWhitespace } from './remove-whitespace.ts'
import { replaceComments } from './replace-comments.ts'
import { replaceNulls } from './replace-nulls.ts'
import { sha1 } from './sha1.ts'
import { sqlHexDecode } from './sql-hex-decode.ts'
import type { Transformation } from './transformation.ts'
import { trimLeft } from './trim-left.ts'
import { trimRight } from './trim-right.ts'
import { trim } from './trim.ts'
import { uppercase } from './uppercase.ts'
import { urlDecodeUni } from './url-decode-uni.ts'
import { urlDecode } from './url-decode.ts'
import { urlEncode } from './url-encode.ts'
import { utf8toUnicode } from './utf8-to-unicode.ts'

const ALL: readonly Transformation[] = [
  base64Decode,
  base64DecodeExt,
  base64Encode,
  cmdLine,
  compressWhitespace,
  cssDecode,
  escapeSeqDecode,
  hexDecode,
  hexEncode,
  htmlEntityDecode,
  jsDecode,
  length,
  lowercase,
  md5,
  none,
  normalizePath,
  normalizePathWin,
  parityEven7bit,
  parityOdd7bit,
  parityZero7bit,
  phpArgsNames,
  removeComments,
  removeCommentsChar,
  removeNulls,
  removeWhitespace,
  replaceComments,
  replaceNulls,
  sha1,
  sqlHexDecode,
  trim,
  trimLeft,
  trimRight,
  uppercase,
  urlDecode,
  urlDecodeUni,
  urlEncode,
  utf8toUnicode,
]

/** Other spellings that ModSecurity takes. */
const ALIASES: readonly (readonly [string, Transformation])[] = [
  ['normalisepath', normalizePath],
  ['normalisepathwin', normalizePathWin],
  ['decodebase64ext', base64DecodeExt],
]

/** Every transformation by its name in lower case. */
export const TRANSFORMATIONS: ReadonlyMap<string, Transformation> = new Map([
  ...ALL.map((each) => [each.name.toLowerCase(), each] as const),
  ...ALIASES,
])
