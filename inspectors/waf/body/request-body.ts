import { forgetBody } from '../transaction/collections.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { queryArguments } from '../transaction/body-collections.ts'
import { inflateBody } from './inflate.ts'
import { parseJson } from './json.ts'
import { parseMultipart } from './multipart.ts'
import { parseForm } from './urlencoded.ts'
import { parseXml } from './xml-document.ts'

/** What became of the reading; a body over a limit must not pass unseen. */
export type BodyOutcome = 'read' | 'over-limit'

/**
 * Reads a complete request body with the processor in force and puts what it holds into the
 * transaction. A body that cannot be read sets `bodyError`, which the built-in rules turn into a refusal.
 */
export function readRequestBody(transaction: Transaction, receivedLatin1: string): BodyOutcome {
  const { configuration } = transaction
  const limit = transaction.requestBodyLimit
  const coding = transaction.header('content-encoding')
  let text = receivedLatin1
  if (coding !== null) {
    const result = inflateBody(receivedLatin1, coding, limit)
    if (result.kind === 'failed') transaction.bodyError = `Content-Encoding: ${result.message}`
    else if (result.kind === 'inflated') text = result.textLatin1
  }
  forgetBody(transaction)
  transaction.requestBodyLatin1 = text
  const room = Math.max(0, configuration.argumentsLimit - queryArguments(transaction).length)
  if (
    transaction.processor !== 'MULTIPART' &&
    text.length > configuration.requestBodyNoFilesLimit
  ) {
    return 'over-limit'
  }
  switch (transaction.processor) {
    case 'URLENCODED': {
      const form = parseForm(text, configuration.argumentSeparator, room)
      transaction.bodyArguments = form.entries
      if (form.hasBrokenEscape) transaction.hasUrlencodedError = true
      break
    }
    case 'JSON': {
      const limits = { depth: configuration.jsonDepthLimit, arguments: room }
      const json = parseJson(text, limits)
      transaction.bodyArguments = json.args
      transaction.bodyError ??= json.error
      break
    }
    case 'XML': {
      transaction.xml = parseXml(text)
      transaction.bodyError ??= transaction.xml.error
      break
    }
    case 'MULTIPART': {
      const multipart = parseMultipart(transaction.header('content-type') ?? '', text, {
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
  return 'read'
}
