import { PAYLOAD } from '#signatures/suricata/buffers.ts'

/**
 * Which scan finds the fast patterns of a buffer when the head of an HTTP message is looked at.
 *
 * `head`: a stretch of any plain head. `target`: of one whose target needs no normalising. `lines`: of one
 * without cookies. `alone`: it has bytes, or an order of bytes, that the head has not. `body`: not of the head.
 */
export type SlotReading = 'head' | 'target' | 'lines' | 'alone' | 'body'

const OF_HEAD: ReadonlySet<string> = new Set([
  'http.uri.raw',
  'http.method',
  'http.host',
  'http.host.raw',
  'http.user_agent',
  'http.referer',
  'http.accept',
  'http.accept_enc',
  'http.accept_lang',
  'http.request_line',
  'http.location',
  'http.server',
  'http.stat_code',
  'http.stat_msg',
  'http.response_line',
  'http.protocol',
  'http.connection',
  'http.content_type',
  'http.content_len',
  'http.cookie',
  'http.header.raw',
  'http.start',
  'http.request_header',
  'http.response_header',
])

/** @param side direction it is pinned to; null: that of the data */
export function slotReading(
  buffer: string,
  side: 'request' | 'response' | null,
  isTransformed: boolean,
  isStreaming: boolean,
): SlotReading {
  if (isStreaming && buffer !== PAYLOAD) return 'body'
  if (isTransformed || side !== null) return 'alone'
  if (OF_HEAD.has(buffer)) return 'head'
  if (buffer === 'http.uri') return 'target'
  return buffer === 'http.header' ? 'lines' : 'alone'
}
