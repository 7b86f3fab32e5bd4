import { connect } from 'node:net'
import { type RatePlan, type RateReport, quantile } from './guest-protocol.ts'

/**
 * Requests per second over keep-alive connections, one request under way on each. Answers must carry a
 * Content-Length; only as much of them is parsed as finds their end.
 */
export async function measureRate(plan: RatePlan): Promise<RateReport> {
  const request = Buffer.from(plan.request, 'latin1')
  const latencies: number[] = []
  const state = { measuring: false, stopping: false, wrong: 0 }
  const connections = Array.from({ length: plan.connections }, () =>
    runConnection(plan, request, latencies, state),
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
    requestsPerSecond: Math.round((latencies.length * 1000) / elapsedMs),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    wrong: state.wrong,
  }
}

function runConnection(
  plan: RatePlan,
  request: Buffer,
  latencies: number[],
  state: { measuring: boolean; stopping: boolean; wrong: number },
): Promise<void> {
  const statusLine = `HTTP/1.1 ${plan.expect} `
  return new Promise((resolve) => {
    const socket = connect({ host: plan.host, port: plan.port, noDelay: true })
    let pending = Buffer.alloc(0)
    let startedAt = 0
    const send = (): void => {
      if (state.stopping) {
        socket.destroy()
        return
      }
      startedAt = performance.now()
      socket.write(request)
    }
    socket.on('connect', send)
    socket.on('data', (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      const length = answerLength(pending)
      if (length === -1 || pending.length < length) return
      if (state.measuring) latencies.push(performance.now() - startedAt)
      if (pending.toString('latin1', 0, statusLine.length) !== statusLine) state.wrong++
      pending = pending.subarray(length)
      send()
    })
    socket.on('error', () => {
      if (!state.stopping) state.wrong++
    })
    socket.on('close', () => {
      if (!state.stopping) state.wrong++
      resolve()
    })
  })
}

/** Bytes of head and body, or -1 while the head is incomplete. */
function answerLength(bytes: Buffer): number {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return -1
  const match = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, end))
  return end + 4 + (match === null ? 0 : Number(match[1]))
}
