/**
 * What the values of a variable follow from, where that is less than the whole exchange. It tells whether a
 * request that differs from an earlier one in some of its texts only has other values (`evaluate/request-memo.ts`).
 */
export interface ValueOrigin {
  /** One of the bits below; 0: of nothing that may differ. */
  readonly part: number
  /** The one field that it is, in lower case; null: of all, each value is named after its own. */
  readonly field: string | null
  /** The values are the texts that differ, and can be looked at one by one. */
  readonly isText: boolean
}

/** Request line and target. */
export const OF_TARGET = 1
/** Values of query arguments; their names do not differ. */
export const OF_ARGUMENTS = 2
export const OF_COOKIES = 4
export const OF_FIELDS = 8
export const OF_RESPONSE_FIELDS = 16

/** Follows from method, path, addresses, names, the response's status, or what rules did before. */
const SAME: ValueOrigin = { part: 0, field: null, isText: false }
const TARGET: ValueOrigin = { part: OF_TARGET, field: null, isText: true }
const ARGUMENTS: ValueOrigin = { part: OF_ARGUMENTS, field: null, isText: true }
const COOKIES: ValueOrigin = { part: OF_COOKIES, field: null, isText: true }
const FIELDS: ValueOrigin = { part: OF_FIELDS, field: null, isText: true }
const RESPONSE_FIELDS: ValueOrigin = { part: OF_RESPONSE_FIELDS, field: null, isText: true }

/**
 * Variables that are not here (times, ports of clients, identifiers, whole messages) may have any value.
 * Those of bodies are the same as there is none.
 */
const ORIGINS: Readonly<Record<string, ValueOrigin>> = {
  REQUEST_LINE: TARGET,
  REQUEST_URI: TARGET,
  REQUEST_URI_RAW: TARGET,
  QUERY_STRING: TARGET,
  ARGS: ARGUMENTS,
  ARGS_GET: ARGUMENTS,
  ARGS_COMBINED_SIZE: { part: OF_ARGUMENTS, field: null, isText: false },
  REQUEST_COOKIES: COOKIES,
  REQUEST_HEADERS: FIELDS,
  SERVER_NAME: { part: OF_FIELDS, field: 'host', isText: false },
  AUTH_TYPE: { part: OF_FIELDS, field: 'authorization', isText: false },
  REMOTE_USER: { part: OF_FIELDS, field: 'authorization', isText: false },
  RESPONSE_HEADERS: RESPONSE_FIELDS,
  RESPONSE_CONTENT_TYPE: { part: OF_RESPONSE_FIELDS, field: 'content-type', isText: false },
  RESPONSE_CONTENT_LENGTH: { part: OF_RESPONSE_FIELDS, field: 'content-length', isText: false },
  ...Object.fromEntries(
    [
      'ARGS_NAMES',
      'ARGS_GET_NAMES',
      'ARGS_POST',
      'ARGS_POST_NAMES',
      'FILES',
      'FILES_NAMES',
      'FILES_SIZES',
      'FILES_TMP_CONTENT',
      'FILES_COMBINED_SIZE',
      'GLOBAL',
      'HIGHEST_SEVERITY',
      'INBOUND_DATA_ERROR',
      'IP',
      'MATCHED_VAR',
      'MATCHED_VAR_NAME',
      'MATCHED_VARS',
      'MATCHED_VARS_NAMES',
      'MODSEC_BUILD',
      'MSC_PCRE_LIMITS_EXCEEDED',
      'MULTIPART_BOUNDARY_QUOTED',
      'MULTIPART_BOUNDARY_WHITESPACE',
      'MULTIPART_CRLF_LF_LINES',
      'MULTIPART_DATA_AFTER',
      'MULTIPART_DATA_BEFORE',
      'MULTIPART_FILE_LIMIT_EXCEEDED',
      'MULTIPART_FILENAME',
      'MULTIPART_HEADER_FOLDING',
      'MULTIPART_INVALID_HEADER_FOLDING',
      'MULTIPART_INVALID_PART',
      'MULTIPART_INVALID_QUOTING',
      'MULTIPART_LF_LINE',
      'MULTIPART_MISSING_SEMICOLON',
      'MULTIPART_NAME',
      'MULTIPART_PART_HEADERS',
      'MULTIPART_STRICT_ERROR',
      'MULTIPART_UNMATCHED_BOUNDARY',
      'OUTBOUND_DATA_ERROR',
      'PATH_INFO',
      'REMOTE_ADDR',
      'REMOTE_HOST',
      'REQBODY_ERROR',
      'REQBODY_ERROR_MSG',
      'REQBODY_PROCESSOR',
      'REQBODY_PROCESSOR_ERROR',
      'REQBODY_PROCESSOR_ERROR_MSG',
      'REQUEST_BASENAME',
      'REQUEST_BODY',
      'REQUEST_BODY_LENGTH',
      'REQUEST_COOKIES_NAMES',
      'REQUEST_FILENAME',
      'REQUEST_HEADERS_NAMES',
      'REQUEST_METHOD',
      'REQUEST_PROTOCOL',
      'RESOURCE',
      'RESPONSE_BODY',
      'RESPONSE_HEADERS_NAMES',
      'RESPONSE_PROTOCOL',
      'RESPONSE_STATUS',
      'RULE',
      'SERVER_ADDR',
      'SERVER_PORT',
      'SESSION',
      'SESSIONID',
      'STATUS_LINE',
      'STREAM_INPUT_BODY',
      'STREAM_OUTPUT_BODY',
      'TX',
      'URLENCODED_ERROR',
      'USER',
      'USERAGENT_IP',
      'USERID',
      'WEBAPPID',
      'XML',
    ].map((name) => [name, SAME]),
  ),
}

const origins = new Map(Object.entries(ORIGINS))

/** What the values of a collection follow from; null: of anything. */
export function originOf(collection: string): ValueOrigin | null {
  return origins.get(collection) ?? null
}
