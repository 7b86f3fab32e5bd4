import { connect } from 'node:net'
import { type RatePlan, type RateReport, quantile } from './guest-protocol.ts'

/**
 * Requests per second, one request under way on each connection; who is answered with `Connection: close`
 * opens another. Answers must carry a Content-Length; only as much of them is parsed as finds their end.
 */
export async function measureRate(plan: RatePlan): Promise<RateReport> {
  const latencies: number[] = []
  const state: RateState = { measuring: false, stopping: false, wrong: 0, sent: 0, answered: 0 }
  const connections = Array.from({ length: plan.connections }, () =>
    runConnection(plan, Buffer.from(plan.request, 'latin1'), latencies, state),
  )
  await new Promise((resolve) => setTimeout(resolve, plan.warmUpMs))
  state.measuring = true
  const startedAt = performance.now()
  await new Promise((resolve) => setTimeout(resolve, plan.measureMs))
  const elapsedMs = performance.now() - startedAt
  state.measuring = false
  state.stopping = true
  await Promise.all(connections)
  return {
    requests: latencies.length,
    answered: state.answered,
    requestsPerSecond: Math.round((latencies.length * 1000) / elapsedMs),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    wrong: state.wrong,
  }
}

interface RateState {
  measuring: boolean
  stopping: boolean
  wrong: number
  /** Requests sent over all connections. */
  sent: number
  answered: number
}

function runConnection(
  plan: RatePlan,
  request: Buffer,
  latencies: number[],
  state: RateState,
): Promise<void> {
  const statusLine = `HTTP/1.1 ${plan.expect} `
  const number = numbering(request, plan.placeholder)
  let startedAt = 0
  return new Promise((resolve) => {
    const open = (): void => {
      const socket = connect({ host: plan.host, port: plan.port, noDelay: true })
      let pending = Buffer.alloc(0)
      let isClosing = false
      const send = (): void => {
        if (state.stopping) {
          socket.destroy()
          return
        }
        startedAt = performance.now()
        number(state.sent++)
        socket.write(request)
      }
      socket.on('connect', send)
      socket.on('data', (chunk) => {
        pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
        const answer = answerIn(pending)
        if (answer === null || pending.length < answer.bytes) return
        state.answered++
        if (state.measuring) latencies.push(performance.now() - startedAt)
        if (pending.toString('latin1', 0, statusLine.length) !== statusLine) state.wrong++
        pending = pending.subarray(answer.bytes)
        isClosing = answer.isLast
        if (isClosing) socket.destroy()
        else send()
      })
      socket.on('error', () => {
        if (!state.stopping && !isClosing) state.wrong++
      })
      socket.on('close', () => {
        if (isClosing && !state.stopping) {
          open()
          return
        }
        if (!state.stopping) state.wrong++
        resolve()
      })
    }
    open()
  })
}

/** Writes a number into each place that the placeholder has in the request. */
function numbering(request: Buffer, placeholder: string | undefined): (value: number) => void {
  if (placeholder === undefined) return () => {}
  const places: number[] = []
  for (
    let at = request.indexOf(placeholder);
    at !== -1;
    at = request.indexOf(placeholder, at + 1)
  ) {
    places.push(at)
  }
  return (value) => {
    const text = value.toString(36).padStart(placeholder.length, '0')
    for (const place of places) request.write(text, place, 'latin1')
  }
}

/** The answer at the start of the bytes, or null while its head is incomplete. */
function answerIn(bytes: Buffer): { readonly bytes: number; readonly isLast: boolean } | null {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return null
  const head = bytes.toString('latin1', 0, end)
  const match = /\r\ncontent-length: *(\d+)/i.exec(head)
  return {
    bytes: end + 4 + (match === null ? 0 : Number(match[1])),
    isLast: /\r\nconnection: *close/i.test(head),
  }
}
