/** Just enough of DNS (RFC 1035) for tests: one question, answered with TXT. */

const HEADER_BYTES = 12
const TXT = 16
const MAX_STRING = 255

export function encodeQuestion(name: string, id: number): Buffer {
  const labels = name
    .split('.')
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`))
  const header = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0])
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, TXT, 0, 1])])
}

export function nameOf(message: Buffer): string {
  const labels: string[] = []
  for (let at = HEADER_BYTES; at < message.length && message[at] !== 0; at += 1 + message[at])
    labels.push(message.toString('latin1', at + 1, at + 1 + message[at]))
  return labels.join('.')
}

/** The question with one TXT record of these texts. */
export function encodeAnswer(question: Buffer, ...texts: string[]): Buffer {
  const head = Buffer.from(question)
  head.writeUInt16BE(0x8180, 2)
  head.writeUInt16BE(1, 6)
  const strings: Buffer[] = []
  for (const text of texts)
    for (let at = 0; at < text.length; at += MAX_STRING) {
      const part = text.slice(at, at + MAX_STRING)
      strings.push(Buffer.from([part.length]), Buffer.from(part, 'latin1'))
    }
  const data = Buffer.concat(strings)
  const record = Buffer.from([
    0xc0,
    0x0c,
    0,
    TXT,
    0,
    1,
    0,
    0,
    0,
    60,
    data.length >> 8,
    data.length & 255,
  ])
  return Buffer.concat([head, record, data])
}

/** First string of the answer's record, and the bytes of the whole. */
export function readAnswer(message: Buffer): { readonly text: string; readonly bytes: number } {
  let at = HEADER_BYTES
  while (message[at] !== 0) at += 1 + message[at]
  at += 5 + 12
  return { text: message.toString('latin1', at + 1, at + 1 + message[at]), bytes: message.length }
}
