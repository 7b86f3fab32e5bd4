import type { HttpHeader } from '#inspectors/http/transaction.ts'
import { baseMediaType } from '../body/media-type.ts'
import { parseCookies } from '../body/cookies.ts'
import { Entry, NO_ENTRIES } from '../values/entry.ts'
import { type CollectionSource, namesOf, scalar } from './collection.ts'
import type { Transaction } from './transaction.ts'

/** Most cookies of one request that are read one by one; heads are bounded by the parser anyway. */
const MAX_COOKIES = 2000

/** Variables that follow from the heads of request and response and from the connection. */
export const MESSAGE_COLLECTIONS: CollectionSource = {
  REQUEST_HEADERS: (transaction) => headers(transaction.http.request.headers),
  REQUEST_HEADERS_NAMES: (transaction) => headerNames(transaction.http.request.headers),
  REQUEST_COOKIES: cookies,
  REQUEST_COOKIES_NAMES: (transaction) => namesOf(cookies(transaction)),
  REQUEST_LINE: ({ http }) => scalar(http.request.line),
  REQUEST_METHOD: ({ http }) => scalar(http.request.method),
  REQUEST_PROTOCOL: ({ http }) => scalar(http.request.protocol),
  REQUEST_URI: (transaction) => {
    const { uri } = transaction.target
    // Mostly the target as it was sent: then both are one value, which is looked at once.
    return uri === transaction.http.request.target ? rawUri(transaction) : scalar(uri)
  },
  REQUEST_URI_RAW: rawUri,
  REQUEST_FILENAME: ({ target }) => scalar(target.path),
  REQUEST_BASENAME: ({ target }) => scalar(target.basename),
  QUERY_STRING: ({ target }) => scalar(target.query),
  PATH_INFO: () => scalar(''),
  AUTH_TYPE: (transaction) => {
    const value = transaction.header('authorization')
    return scalar(value === null ? null : value.split(' ', 1)[0])
  },
  REMOTE_USER: (transaction) => scalar(basicUser(transaction)),
  REMOTE_ADDR: ({ connection }) => scalar(connection.clientAddress),
  REMOTE_HOST: ({ connection }) => scalar(connection.clientAddress),
  REMOTE_PORT: ({ connection }) => scalar(String(connection.clientPort)),
  USERAGENT_IP: ({ connection }) => scalar(connection.clientAddress),
  SERVER_ADDR: ({ connection }) => scalar(connection.serverAddress),
  SERVER_PORT: ({ connection }) => scalar(String(connection.serverPort)),
  SERVER_NAME: (transaction) => {
    const host = transaction.header('host')
    return scalar((host ?? transaction.connection.serverAddress).replace(/:\d*$/, ''))
  },
  UNIQUE_ID: ({ http }) => scalar(http.id),
  MODSEC_BUILD: () => scalar('020900000'),
  WEBAPPID: ({ configuration }) => scalar(configuration.webAppId),
  TIME: (transaction) => scalar(clock(transaction).toTimeString().slice(0, 8)),
  TIME_DAY: (transaction) => scalar(String(clock(transaction).getDate())),
  TIME_EPOCH: ({ nowMs }) => scalar(String(Math.floor(nowMs / 1000))),
  TIME_HOUR: (transaction) => scalar(String(clock(transaction).getHours())),
  TIME_MIN: (transaction) => scalar(String(clock(transaction).getMinutes())),
  TIME_MON: (transaction) => scalar(String(clock(transaction).getMonth())),
  TIME_SEC: (transaction) => scalar(String(clock(transaction).getSeconds())),
  TIME_WDAY: (transaction) => scalar(String(clock(transaction).getDay())),
  TIME_YEAR: (transaction) => scalar(String(clock(transaction).getFullYear())),
  RESPONSE_HEADERS: ({ http, isResponseInflated }) => {
    const fields = http.response?.headers ?? []
    return headers(
      isResponseInflated ? fields.filter((one) => one.nameLower !== 'content-encoding') : fields,
    )
  },
  RESPONSE_HEADERS_NAMES: ({ http }) => headerNames(http.response?.headers ?? []),
  RESPONSE_PROTOCOL: ({ http }) => scalar(http.response?.protocol ?? null),
  RESPONSE_STATUS: ({ http }) =>
    scalar(http.response === null ? null : String(http.response.status)),
  STATUS_LINE: ({ http }) => scalar(http.response?.line ?? null),
  RESPONSE_CONTENT_TYPE: (transaction) => {
    const type = transaction.responseHeader('content-type')
    return scalar(type === null ? null : baseMediaType(type))
  },
  RESPONSE_CONTENT_LENGTH: (transaction) => scalar(transaction.responseHeader('content-length')),
}

function rawUri(transaction: Transaction): readonly Entry[] {
  return (transaction.rawUri ??= scalar(transaction.http.request.target))
}

function headers(fields: readonly HttpHeader[]): readonly Entry[] {
  return fields.length === 0
    ? NO_ENTRIES
    : fields.map(({ name, value, nameLower }) => new Entry(name, value, nameLower))
}

function headerNames(fields: readonly HttpHeader[]): readonly Entry[] {
  return fields.length === 0
    ? NO_ENTRIES
    : fields.map(({ name, nameLower }) => new Entry(name, name, nameLower))
}

function cookies(transaction: Transaction): readonly Entry[] {
  const entries: Entry[] = []
  for (const field of transaction.http.request.headers) {
    if (field.nameLower === 'cookie') parseCookies(field.value, entries, MAX_COOKIES)
  }
  return entries
}

function basicUser(transaction: Transaction): string | null {
  const match = /^basic\s+([A-Za-z0-9+/=]{1,4096})/i.exec(transaction.header('authorization') ?? '')
  if (match === null) return null
  return Buffer.from(match[1], 'base64').toString('latin1').split(':', 1)[0]
}

function clock(transaction: Transaction): Date {
  return new Date(transaction.nowMs)
}
