import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import { type Ids, type IdsOptions, createIds } from '#inspectors/ids/ids.ts'
import {
  type Alert,
  BORROWED_CHUNK_BYTES,
  type Connection,
  type ConnectionInspector,
  type Flow,
  type Verdict,
} from '#inspectors/inspector.ts'

/** A stretch of one direction, in the order of the wire. */
export interface Piece {
  readonly flow: Flow
  readonly bytes: Buffer
}

export const toServer = (text: string): Piece => ({
  flow: 'to_server',
  bytes: Buffer.from(text, 'latin1'),
})
export const toClient = (text: string): Piece => ({
  flow: 'to_client',
  bytes: Buffer.from(text, 'latin1'),
})

export const CONNECTION: Connection = {
  id: 'c1',
  flowId: 1,
  clientAddress: '10.0.0.1',
  clientPort: 40_000,
  serverAddress: '192.168.1.2',
  serverPort: 80,
  openedAt: 0,
}

/** An IDS over rules given as text. */
export function idsOf(rules: string, options: Partial<IdsOptions> = {}): Ids {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-ids-'))
  try {
    const file = join(folder, 'test.rules')
    writeFileSync(file, rules, 'latin1')
    return createIds({ mode: 'block', rulePaths: [file], ...options })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What became of a connection: alerts in order, and the bytes of each direction let go before a drop. */
export interface Outcome {
  readonly alerts: readonly Alert[]
  readonly sids: readonly number[]
  readonly dropped: boolean
  readonly bypassed: boolean
  /** Event whose verdict dropped. */
  readonly droppedAt: string | null
  /** Bytes of the piece's direction whose `bytes` event came before the drop, the last chunk included. */
  readonly seen: Readonly<Record<Flow, number>>
}

/** Plays the pieces through the real HTTP parser and one connection of the inspector. */
export function play(
  ids: Ids,
  pieces: readonly Piece[],
  connection: Connection = CONNECTION,
): Outcome {
  const inspector = ids.open(connection)
  const alerts: Alert[] = []
  const seen = { to_server: 0, to_client: 0 }
  let droppedAt: string | null = null
  let bypassed = false
  const take = (event: string, ask: () => Verdict): void => {
    if (droppedAt !== null || bypassed) return
    const verdict = ask()
    if (verdict.kind === 'pass') return
    alerts.push(...verdict.alerts)
    if (verdict.kind === 'drop' || verdict.kind === 'block') droppedAt = event
    if (verdict.kind === 'bypass') bypassed = true
  }
  const parser = httpEvents(inspector, take)
  for (const { flow, bytes } of pieces) {
    if (droppedAt !== null) break
    seen[flow] += bytes.length
    showLent(bytes, (lent) => take('bytes', () => inspector.bytes(flow, lent)))
    if (flow === 'to_server') parser.pushClient(bytes)
    else parser.pushServer(bytes)
  }
  if (droppedAt === null) {
    parser.endClient()
    parser.endServer()
  }
  take('close', () => inspector.close())
  return {
    alerts,
    sids: alerts.map((alert) => alert.signatureId),
    dropped: droppedAt !== null,
    bypassed,
    droppedAt,
    seen,
  }
}

/** As the proxy does: each chunk has memory of its own, and large memory is taken back (`inspector.ts`). */
function showLent(bytes: Buffer, show: (lent: Buffer) => void): void {
  const lent = Buffer.from(new Uint8Array(bytes).buffer)
  show(lent)
  if (lent.buffer.byteLength >= BORROWED_CHUNK_BYTES) lent.buffer.transfer(0)
}

function httpEvents(
  inspector: ConnectionInspector,
  take: (event: string, ask: () => Verdict) => void,
): HttpExchangeParser {
  let count = 0
  return new HttpExchangeParser(
    {
      requestHead: (transaction) => take('requestHead', () => inspector.requestHead(transaction)),
      requestBody: (transaction, chunk) =>
        take('requestBody', () => inspector.requestBody(transaction, chunk)),
      requestEnd: (transaction) => take('requestEnd', () => inspector.requestEnd(transaction)),
      responseHead: (transaction) =>
        take('responseHead', () => inspector.responseHead(transaction)),
      responseBody: (transaction, chunk) =>
        take('responseBody', () => inspector.responseBody(transaction, chunk)),
      responseEnd: (transaction) => {
        take('responseEnd', () => inspector.responseEnd(transaction))
        take('transactionEnd', () => inspector.transactionEnd(transaction))
      },
      interimResponse: () => {},
      tunnel: () => {},
      error: () => {},
    },
    { nextId: () => `t${(count += 1)}`, now: () => 0 },
  )
}

/** Cuts every piece into parts of the given lengths, taken in turn. */
export function recut(pieces: readonly Piece[], lengths: readonly number[]): Piece[] {
  const cut: Piece[] = []
  let next = 0
  for (const { flow, bytes } of pieces) {
    let at = 0
    while (at < bytes.length) {
      const length = Math.max(1, lengths[next % lengths.length])
      next += 1
      cut.push({ flow, bytes: bytes.subarray(at, at + length) })
      at += length
    }
  }
  return cut
}
