import { connect } from 'node:net'

/** What came back over a connection of its own. */
export interface RawAnswer {
  /** Null: the connection ended, or the time was up, before a whole head. */
  readonly status: number | null
  /** Head and body as received, latin1. */
  readonly text: string
}

const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: |$)/

/**
 * Sends bytes as they are and waits for one answer. Its body is awaited too, but an answer whose body does
 * not end in time counts all the same.
 */
export function sendRaw(port: number, request: Buffer, timeoutMs: number): Promise<RawAnswer> {
  const isHead = request.toString('latin1', 0, 5) === 'HEAD '
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    let received: Buffer = Buffer.alloc(0)
    const timer = setTimeout(() => socket.destroy(), timeoutMs)
    socket.on('connect', () => socket.write(request))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      received = withoutInterim(received)
      if (received.length > MAX_ANSWER_BYTES || isWhole(received, isHead)) socket.destroy()
    })
    // A reset after the answer, as after a refusal, takes nothing away from it.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(timer)
      const text = received.toString('latin1')
      const status = text.includes('\r\n\r\n') ? STATUS_LINE.exec(text)?.[1] : undefined
      resolve({ status: status === undefined ? null : Number(status), text })
    })
  })
}

/** Cuts off a `100 Continue` that came before the answer. */
function withoutInterim(bytes: Buffer): Buffer {
  if (!/^HTTP\/1\.1 10[02-9] /.test(bytes.toString('latin1', 0, 13))) return bytes
  const end = bytes.indexOf('\r\n\r\n')
  return end === -1 ? bytes : bytes.subarray(end + 4)
}

function isWhole(bytes: Buffer, isHead: boolean): boolean {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return false
  const head = bytes.toString('latin1', 0, end)
  const status = STATUS_LINE.exec(head)?.[1]
  if (status === undefined || isHead || /^(?:101|204|304)$/.test(status)) return true
  const bodyBytes = bytes.length - end - 4
  if (/\r\ntransfer-encoding:[^\r]*chunked/i.test(head)) {
    return bytes.subarray(-7).toString('latin1').endsWith('\r\n0\r\n\r\n') || bodyBytes === 5
  }
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  return length !== undefined && bodyBytes >= Number(length)
}
