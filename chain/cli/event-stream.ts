/** One server-sent event. */
export interface ServerEvent {
  readonly id: string | null
  readonly data: string
}

/** Longest event that is kept while it comes in. */
export const MAX_EVENT_BYTES = 1_048_576

/**
 * Server-sent events out of a byte stream, however it is cut (WHATWG HTML, 9.2.6). Comments and events
 * without data are left out.
 */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let pending = ''
  for await (const chunk of chunks) {
    pending += decoder.decode(chunk, { stream: true })
    const blocks = pending.split('\n\n')
    pending = blocks.pop() ?? ''
    if (pending.length > MAX_EVENT_BYTES) throw new Error('an event is too long')
    for (const block of blocks) {
      const event = parseEvent(block)
      if (event !== null) yield event
    }
  }
}

function parseEvent(block: string): ServerEvent | null {
  let id: string | null = null
  const data: string[] = []
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const value = line.slice(colon + 1).replace(/^ /, '')
    const field = line.slice(0, colon)
    if (field === 'id') id = value
    else if (field === 'data') data.push(value)
  }
  return data.length === 0 ? null : { id, data: data.join('\n') }
}
