import { createHash, type Hash } from 'node:crypto'
import { headerValue, type HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Flow } from '#inspectors/inspector.ts'
import { BodyDecoder } from '../../coding/body-decoder.ts'
import { fileNameOf } from './fields.ts'

/** Bytes of one file that are decoded for its size and sums. */
export const MAX_FILE_BYTES = 1_048_576
/** Files of one recorder that are open at a time. */
export const MAX_OPEN_FILES = 4096

interface OpenFile {
  readonly decoder: BodyDecoder
  readonly md5: Hash
  readonly sha256: Hash
  bytes: number
}

/** Bodies of HTTP messages as files: their sizes and sums. */
export class BodyFiles {
  readonly #files = new Map<HttpTransaction, Record<Flow, OpenFile | null>>()

  body(transaction: HttpTransaction, flow: Flow, chunk: Buffer): void {
    let files = this.#files.get(transaction)
    if (files === undefined) {
      if (this.#files.size >= MAX_OPEN_FILES) return
      files = { to_server: null, to_client: null }
      this.#files.set(transaction, files)
    }
    const file = (files[flow] ??= openFile(transaction, flow))
    take(file, file.decoder.push(chunk, false))
  }

  /** EVE's `fileinfo` object of a body that is over; null: there was none. */
  close(
    transaction: HttpTransaction,
    flow: Flow,
    hasGaps: boolean,
  ): Record<string, unknown> | null {
    const file = this.#files.get(transaction)?.[flow]
    if (file === null || file === undefined) return null
    take(file, file.decoder.push(Buffer.alloc(0), true))
    const name = fileNameOf(transaction, flow === 'to_client')
    return {
      ...(name === null ? {} : { filename: name }),
      gaps: hasGaps,
      state: isWhole(transaction, flow) ? 'CLOSED' : 'TRUNCATED',
      ...(hasGaps ? {} : { md5: file.md5.digest('hex'), sha256: file.sha256.digest('hex') }),
      stored: false,
      size: file.bytes,
      tx_id: transaction.index,
    }
  }

  forget(transaction: HttpTransaction): void {
    this.#files.delete(transaction)
  }
}

function take(file: OpenFile, bytes: Buffer): void {
  file.bytes += bytes.length
  file.md5.update(bytes)
  file.sha256.update(bytes)
}

function openFile(transaction: HttpTransaction, flow: Flow): OpenFile {
  const headers =
    flow === 'to_server' ? transaction.request.headers : (transaction.response?.headers ?? [])
  return {
    decoder: new BodyDecoder(headerValue(headers, 'content-encoding'), MAX_FILE_BYTES),
    md5: createHash('md5'),
    sha256: createHash('sha256'),
    bytes: 0,
  }
}

function isWhole(transaction: HttpTransaction, flow: Flow): boolean {
  const head = flow === 'to_server' ? transaction.request : transaction.response
  const bytes = flow === 'to_server' ? transaction.requestBodyBytes : transaction.responseBodyBytes
  return head?.framing.kind !== 'length' || bytes >= head.framing.bytes
}
