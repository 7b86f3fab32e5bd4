import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { AlertFile, Flow } from '#inspectors/inspector.ts'
import { alertFile } from '../../alert.ts'
import { MessageFiles } from '../../files/message-files.ts'

/** Messages of one recorder whose files are open at a time. */
export const MAX_OPEN_FILES = 4096

/** Sums that records of files carry. */
const SUMS = ['md5', 'sha256'] as const

type Fields = Record<string, unknown>

/** Files that HTTP messages carry: their names, sizes and sums. */
export class BodyFiles {
  readonly #files = new Map<HttpTransaction, Record<Flow, MessageFiles | null>>()

  body(transaction: HttpTransaction, flow: Flow, chunk: Buffer): void {
    let files = this.#files.get(transaction)
    if (files === undefined) {
      if (this.#files.size >= MAX_OPEN_FILES) return
      files = { to_server: null, to_client: null }
      this.#files.set(transaction, files)
    }
    files[flow] ??= new MessageFiles(
      transaction,
      flow === 'to_server' ? 'request' : 'response',
      SUMS,
    )
    files[flow].push(chunk)
  }

  /** EVE's `fileinfo` objects of a body that is over. */
  close(transaction: HttpTransaction, flow: Flow, hasGaps: boolean): Fields[] {
    const carried = this.#files.get(transaction)?.[flow]
    if (carried === null || carried === undefined) return []
    carried.end(isWhole(transaction, flow))
    return carried.files.map((file) => ({
      ...fileFields(alertFile(file), transaction.index, hasGaps),
    }))
  }

  forget(transaction: HttpTransaction): void {
    this.#files.delete(transaction)
  }
}

/** EVE's object of one file. */
export function fileFields(file: AlertFile, transaction: number, hasGaps: boolean): Fields {
  const { name, bytes, state, md5, sha1, sha256 } = file
  return {
    ...(name === null ? {} : { filename: name }),
    gaps: hasGaps,
    state: state === 'open' ? 'UNKNOWN' : state.toUpperCase(),
    ...(hasGaps || md5 === undefined ? {} : { md5 }),
    ...(hasGaps || sha1 === undefined ? {} : { sha1 }),
    ...(hasGaps || sha256 === undefined ? {} : { sha256 }),
    stored: false,
    size: bytes,
    tx_id: transaction,
  }
}

function isWhole(transaction: HttpTransaction, flow: Flow): boolean {
  const head = flow === 'to_server' ? transaction.request : transaction.response
  const bytes = flow === 'to_server' ? transaction.requestBodyBytes : transaction.responseBodyBytes
  return head?.framing.kind !== 'length' || bytes >= head.framing.bytes
}
