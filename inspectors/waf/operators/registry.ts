import { beginsWith } from './begins-with.ts'
import { containsWord } from './contains-word.ts'
import { contains } from './contains.ts'
import { detectSQLi } from './detect-sqli.ts'
import { detectXSS } from './detect-xss.ts'
import { endsWith } from './ends-with.ts'
import { eq } from './eq.ts'
import { ge } from './ge.ts'
import { geoLookup } from './geo-lookup.ts'
import { gt } from './gt.ts'
import { ipMatchFromFile } from './ip-match-from-file.ts'
import { ipMatch } from './ip-match.ts'
import { le } from './le.ts'
import { lt } from './lt.ts'
import { noMatch } from './no-match.ts'
import type { OperatorDefinition } from './operator.ts'
import { pmFromFile } from './pm-from-file.ts'
import { pm } from './pm.ts'
import { rbl } from './rbl.ts'
import { rxGlobal } from './rx-global.ts'
import { rx } from './rx.ts'
import { streq } from './streq.ts'
import { strmatch } from './strmatch.ts'
import { unconditionalMatch } from './unconditional-match.ts'
import { UNSUPPORTED } from './unsupported.ts'
import { validateByteRange } from './validate-byte-range.ts'
import { validateUrlEncoding } from './validate-url-encoding.ts'
import { validateUtf8Encoding } from './validate-utf8-encoding.ts'
import { verifyCC } from './verify-cc.ts'
import { verifyCPF } from './verify-cpf.ts'
import { verifySSN } from './verify-ssn.ts'
import { verifySVNR } from './verify-svnr.ts'
import { within } from './within.ts'

const ALL: readonly OperatorDefinition[] = [
  beginsWith,
  contains,
  containsWord,
  detectSQLi,
  detectXSS,
  endsWith,
  eq,
  ge,
  geoLookup,
  gt,
  ipMatch,
  ipMatchFromFile,
  le,
  lt,
  noMatch,
  pm,
  pmFromFile,
  rbl,
  rx,
  rxGlobal,
  streq,
  strmatch,
  unconditionalMatch,
  validateByteRange,
  validateUrlEncoding,
  validateUtf8Encoding,
  verifyCC,
  verifyCPF,
  verifySSN,
  verifySVNR,
  within,
  ...UNSUPPORTED,
]

/** Other spellings that ModSecurity takes. */
const ALIASES: readonly (readonly [string, OperatorDefinition])[] = [
  ['pmf', pmFromFile],
  ['ipmatchf', ipMatchFromFile],
]

/** Every operator by its name in lower case. */
export const OPERATORS: ReadonlyMap<string, OperatorDefinition> = new Map([
  ...ALL.map((each) => [each.name.toLowerCase(), each] as const),
  ...ALIASES,
])
