import { type HttpTransaction, headerValue } from '#inspectors/http/transaction.ts'
import type { HashAlgorithm } from '#signatures/suricata/checks.ts'
import { BodyDecoder } from '../coding/body-decoder.ts'
import { joinedValue } from '../http/buffers.ts'
import type { Side } from '../program/compiled-rule.ts'
import { MultipartSplitter, dispositionFileName, multipartBoundary } from './multipart-splitter.ts'
import { MAX_FILE_BYTES, TransferredFile } from './transferred-file.ts'

/** Files of one message that are told apart. */
export const MAX_FILES = 256

const NO_BYTES = Buffer.alloc(0)

/**
 * Files that one HTTP message carries: the file parts of a form, otherwise its body as one. Content coding
 * is removed.
 */
export class MessageFiles {
  readonly files: TransferredFile[] = []
  #isOver = false
  readonly #wanted: readonly HashAlgorithm[]
  readonly #decoder: BodyDecoder
  readonly #splitter: MultipartSplitter | null
  readonly #name: string | null
  #open: TransferredFile | null = null

  /** @param wanted sums that rules or records ask for */
  constructor(transaction: HttpTransaction, side: Side, wanted: readonly HashAlgorithm[]) {
    const head = side === 'request' ? transaction.request : transaction.response
    const headers = head?.headers ?? []
    this.#wanted = wanted
    this.#decoder = new BodyDecoder(joinedValue(headers, 'content-encoding'), MAX_FILE_BYTES)
    this.#name = fileName(transaction, side)
    const type = headerValue(headers, 'content-type')
    const boundary = side === 'request' && type !== null ? multipartBoundary(type) : null
    this.#splitter =
      boundary === null
        ? null
        : new MultipartSplitter(boundary, {
            begin: (name) => {
              this.#open = name === null ? null : this.#add(name)
            },
            data: (bytes) => this.#open?.push(bytes),
            end: (isWhole) => {
              this.#open?.close(isWhole)
              this.#open = null
            },
          })
  }

  /** No file will be added, and none grows. */
  get isOver(): boolean {
    return this.#isOver
  }

  push(chunk: Buffer): void {
    this.#decoded(this.#decoder.push(chunk, false))
  }

  /** @param isWhole the message came as long as it said it was */
  end(isWhole: boolean): void {
    if (this.#isOver) return
    this.#decoded(this.#decoder.push(NO_BYTES, true))
    this.#splitter?.end()
    this.#open?.close(isWhole)
    this.#isOver = true
  }

  #decoded(bytes: Buffer): void {
    if (bytes.length === 0) return
    if (this.#splitter !== null) {
      this.#splitter.push(bytes)
      return
    }
    this.#open ??= this.#add(this.#name)
    this.#open?.push(bytes)
  }

  #add(name: string | null): TransferredFile | null {
    if (this.files.length >= MAX_FILES) return null
    const file = new TransferredFile(name, this.#wanted)
    this.files.push(file)
    return file
  }
}

/** Name of the file that a message's body is: the one it is given, or the path it was asked for by. */
export function fileName(transaction: HttpTransaction, side: Side): string | null {
  const headers =
    side === 'request' ? transaction.request.headers : (transaction.response?.headers ?? [])
  const disposition = headerValue(headers, 'content-disposition')
  const named = disposition === null ? null : dispositionFileName(disposition)
  if (named !== null) return named
  const [path = ''] = transaction.request.target.split(/[?#]/, 1)
  return path === '' ? null : path
}
