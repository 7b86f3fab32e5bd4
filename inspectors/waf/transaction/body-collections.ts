import { parseForm } from '../body/urlencoded.ts'
import type { MultipartFlags } from '../body/multipart.ts'
import { Entry } from '../values/entry.ts'
import { type CollectionSource, flag, namesOf, scalar } from './collection.ts'
import type { Transaction } from './transaction.ts'

/** Variables that follow from arguments and bodies. */
export const BODY_COLLECTIONS: CollectionSource = {
  ARGS: (transaction) => allArguments(transaction),
  ARGS_NAMES: (transaction) => namesOf(allArguments(transaction)),
  ARGS_GET: queryArguments,
  ARGS_GET_NAMES: (transaction) => namesOf(queryArguments(transaction)),
  ARGS_POST: ({ bodyArguments }) => bodyArguments,
  ARGS_POST_NAMES: ({ bodyArguments }) => namesOf(bodyArguments),
  ARGS_COMBINED_SIZE: (transaction) => scalar(String(combinedSize(allArguments(transaction)))),
  FILES: ({ files }) => files.map((file) => new Entry(file.name, file.fileName)),
  FILES_NAMES: ({ files }) => files.map((file) => new Entry(file.name, file.name)),
  FILES_SIZES: ({ files }) =>
    files.map((file) => new Entry(file.name, String(file.content.length))),
  FILES_TMP_CONTENT: ({ files }) => files.map((file) => new Entry(file.name, file.content.latin1)),
  FILES_COMBINED_SIZE: ({ files }) =>
    scalar(String(files.reduce((sum, file) => sum + file.content.length, 0))),
  FULL_REQUEST: ({ http, requestBody }) => scalar(http.request.rawLatin1 + requestBody.latin1),
  FULL_REQUEST_LENGTH: ({ http, requestBody }) =>
    scalar(String(http.request.rawLatin1.length + requestBody.length)),
  MULTIPART_PART_HEADERS: ({ partHeaders }) => partHeaders,
  MULTIPART_NAME: ({ files }) => files.map((file) => new Entry(file.name, file.name)),
  MULTIPART_FILENAME: ({ files }) => files.map((file) => new Entry(file.name, file.fileName)),
  MULTIPART_STRICT_ERROR: ({ multipart, bodyError }) =>
    flag(multipart !== null && (bodyError !== null || isStrictError(multipart))),
  MULTIPART_UNMATCHED_BOUNDARY: multipartFlag('unmatchedBoundary'),
  MULTIPART_BOUNDARY_QUOTED: multipartFlag('boundaryQuoted'),
  MULTIPART_BOUNDARY_WHITESPACE: multipartFlag('boundaryWhitespace'),
  MULTIPART_CRLF_LF_LINES: ({ multipart }) =>
    flag(multipart !== null && multipart.crlfLine && multipart.lfLine),
  MULTIPART_DATA_AFTER: multipartFlag('dataAfter'),
  MULTIPART_DATA_BEFORE: multipartFlag('dataBefore'),
  MULTIPART_FILE_LIMIT_EXCEEDED: multipartFlag('fileLimitExceeded'),
  MULTIPART_HEADER_FOLDING: multipartFlag('headerFolding'),
  MULTIPART_INVALID_HEADER_FOLDING: multipartFlag('invalidHeaderFolding'),
  MULTIPART_INVALID_PART: multipartFlag('invalidPart'),
  MULTIPART_INVALID_QUOTING: multipartFlag('invalidQuoting'),
  MULTIPART_LF_LINE: multipartFlag('lfLine'),
  MULTIPART_MISSING_SEMICOLON: multipartFlag('missingSemicolon'),
  REQBODY_ERROR: ({ bodyError }) => flag(bodyError !== null),
  REQBODY_ERROR_MSG: ({ bodyError }) => scalar(bodyError ?? ''),
  REQBODY_PROCESSOR_ERROR: ({ bodyError }) => flag(bodyError !== null),
  REQBODY_PROCESSOR_ERROR_MSG: ({ bodyError }) => scalar(bodyError ?? ''),
  /** Set for urlencoded bodies, or where a rule asks for it (v2): XML and JSON have ARGS and XML. */
  REQUEST_BODY: ({ processor, forcesRequestBody, requestBody }) =>
    scalar(
      requestBody.length > 0 && (processor === 'URLENCODED' || forcesRequestBody)
        ? requestBody.latin1
        : null,
    ),
  REQUEST_BODY_LENGTH: ({ requestBody }) => scalar(String(requestBody.length)),
  STREAM_INPUT_BODY: ({ requestBody }) => scalar(requestBody.latin1),
  RESPONSE_BODY: ({ responseBodyLatin1 }) =>
    scalar(responseBodyLatin1 === '' ? null : responseBodyLatin1),
  STREAM_OUTPUT_BODY: ({ responseBodyLatin1 }) => scalar(responseBodyLatin1),
  INBOUND_DATA_ERROR: ({ hasInboundDataError }) => flag(hasInboundDataError),
  OUTBOUND_DATA_ERROR: ({ hasOutboundDataError }) => flag(hasOutboundDataError),
  URLENCODED_ERROR: (transaction) => {
    queryArguments(transaction)
    return flag(transaction.hasUrlencodedError)
  },
}

/** Query arguments are parsed once and shared, so that ARGS and ARGS_GET hold the same values. */
export function queryArguments(transaction: Transaction): readonly Entry[] {
  if (transaction.queryArguments !== null) return transaction.queryArguments
  const { configuration, target } = transaction
  const form = parseForm(
    target.query,
    configuration.argumentSeparator,
    configuration.argumentsLimit,
  )
  if (form.hasBrokenEscape) transaction.hasUrlencodedError = true
  transaction.queryArguments = form.entries
  return form.entries
}

function allArguments(transaction: Transaction): readonly Entry[] {
  const query = queryArguments(transaction)
  const { bodyArguments } = transaction
  if (bodyArguments.length === 0) return query
  return query.length === 0 ? bodyArguments : [...query, ...bodyArguments]
}

function combinedSize(entries: readonly Entry[]): number {
  let size = 0
  for (const entry of entries) size += entry.name.length + entry.value.length
  return size
}

function multipartFlag(name: keyof MultipartFlags): CollectionSource[string] {
  return ({ multipart }) => flag(multipart !== null && multipart[name])
}

/** ModSecurity v2's list; an unmatched boundary is a variable of its own. */
function isStrictError(flags: MultipartFlags): boolean {
  return (
    flags.boundaryQuoted ||
    flags.boundaryWhitespace ||
    flags.dataBefore ||
    flags.dataAfter ||
    flags.headerFolding ||
    flags.lfLine ||
    flags.missingSemicolon ||
    flags.invalidQuoting ||
    flags.invalidPart ||
    flags.invalidHeaderFolding ||
    flags.fileLimitExceeded
  )
}
