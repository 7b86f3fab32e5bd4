import { PAYLOAD } from '#signatures/suricata/buffers.ts'

/**
 * Which scan finds the fast patterns of a buffer when the head of an HTTP message is looked at.
 *
 * `head`: its bytes stand in a plain head as sent. `recurring`: few values of it come again and again. `alone`: neither.
 * `body`: not of the head.
 */
export type SlotReading = 'head' | 'recurring' | 'alone' | 'body'

const OF_HEAD: ReadonlySet<string> = new Set([
  'http.uri.raw',
  'http.referer',
  'http.request_line',
  'http.location',
  'http.response_line',
  'http.content_len',
  'http.cookie',
  'http.header',
  'http.header.raw',
  'http.start',
  'http.request_header',
  'http.response_header',
])

/** What programs send, not what they send it about. */
const RECURRING: ReadonlySet<string> = new Set([
  'http.method',
  'http.protocol',
  'http.host',
  'http.host.raw',
  'http.user_agent',
  'http.accept',
  'http.accept_enc',
  'http.accept_lang',
  'http.connection',
  'http.content_type',
  'http.header_names',
  'http.server',
  'http.stat_code',
  'http.stat_msg',
])

/** Few values of the buffer come again and again. */
export function isRecurring(buffer: string): boolean {
  return RECURRING.has(buffer)
}

/** @param side direction it is pinned to; null: that of the data */
export function slotReading(
  buffer: string,
  side: 'request' | 'response' | null,
  isTransformed: boolean,
  isStreaming: boolean,
): SlotReading {
  if (isStreaming && buffer !== PAYLOAD) return 'body'
  if (RECURRING.has(buffer)) return 'recurring'
  return OF_HEAD.has(buffer) && !isTransformed && side === null ? 'head' : 'alone'
}
