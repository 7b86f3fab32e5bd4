import type { AlertEvent } from '../chain/hop.ts'

const MAX_TARGET_CHARACTERS = 120

/** One alert for somebody who watches a terminal; payload is made printable. */
export function shortLine({
  alert,
  connection,
  transaction,
  verdict,
  context,
}: AlertEvent): string {
  const request =
    transaction === null
      ? ''
      : ` "${printable(`${transaction.request.method} ${alert.quoted?.target ?? transaction.request.target}`)}"`
  const id = transaction?.id ?? connection.id
  return `${verdict} ${context.inspector} ${alert.gid}:${alert.signatureId} ${printable(alert.message)} ${connection.clientAddress}:${connection.clientPort}${request} ${id}`
}

function printable(text: string): string {
  const cut =
    text.length > MAX_TARGET_CHARACTERS ? `${text.slice(0, MAX_TARGET_CHARACTERS)}...` : text
  return cut.replaceAll(/[^\x20-\x7e]/g, '?')
}
