import { forgetBody } from '../transaction/collections.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { queryArguments } from '../transaction/body-collections.ts'
import { BodyBytes, NO_BYTES } from './body-bytes.ts'
import { inflateBody } from './inflate.ts'
import { parseJson } from './json.ts'
import { parseMultipart } from './multipart.ts'
import { parseForm } from './urlencoded.ts'
import { parseXml } from './xml-document.ts'

/** What became of the reading; a body over a limit must not pass unseen. */
export type BodyOutcome = 'read' | 'over-limit'

/**
 * Reads a complete request body with the processor in force and puts what it holds into the
 * transaction, as far as the limits go. A body that cannot be read sets `bodyError`, which the built-in
 * rules turn into a refusal; one that is cut at a limit is in most formats such a body.
 */
export function readRequestBody(transaction: Transaction, received: Buffer): BodyOutcome {
  const { configuration } = transaction
  const limit = transaction.requestBodyLimit
  const coding = transaction.header('content-encoding')
  let bytes = received
  if (coding !== null) {
    const result = inflateBody(received, coding, limit)
    if (result.kind === 'failed') transaction.bodyError = `Content-Encoding: ${result.message}`
    else if (result.kind === 'inflated') bytes = result.bytes
  }
  forgetBody(transaction)
  const body = new BodyBytes(bytes)
  transaction.requestBody = body
  const room = Math.max(0, configuration.argumentsLimit - queryArguments(transaction).length)
  const { processor } = transaction
  // Files of a multipart body have no part in this limit; what goes beyond it is read nowhere else.
  const most = processor === 'MULTIPART' ? bytes.length : configuration.requestBodyNoFilesLimit
  const isOver = bytes.length > most
  const text = (): string => (isOver ? bytes.toString('latin1', 0, most) : body.latin1)
  switch (processor) {
    case 'URLENCODED': {
      const form = parseForm(text(), configuration.argumentSeparator, room)
      transaction.bodyArguments = form.entries
      if (form.hasBrokenEscape) transaction.hasUrlencodedError = true
      break
    }
    case 'JSON': {
      const limits = { depth: configuration.jsonDepthLimit, arguments: room }
      const json = parseJson(text(), limits)
      transaction.bodyArguments = json.args
      transaction.bodyError ??= json.error
      break
    }
    case 'XML': {
      transaction.xml = parseXml(text())
      transaction.bodyError ??= transaction.xml.error
      break
    }
    case 'MULTIPART': {
      const multipart = parseMultipart(transaction.header('content-type') ?? '', bytes, {
        parts: room,
        files: configuration.uploadFileLimit,
        noFilesBytes: configuration.requestBodyNoFilesLimit,
      })
      transaction.bodyArguments = multipart.args
      transaction.files = multipart.files
      transaction.partHeaders = multipart.partHeaders
      transaction.multipart = multipart.flags
      transaction.bodyError ??= multipart.error
      if (multipart.isOverNoFilesLimit) return 'over-limit'
      break
    }
    case null:
      break
  }
  return isOver ? 'over-limit' : 'read'
}

/** The transaction is over: the memory of its body is about to be used for another. */
export function forgetRequestBody(transaction: Transaction): void {
  transaction.requestBody = NO_BYTES
  transaction.files = []
}
