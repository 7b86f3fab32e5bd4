import { type CapturedPacket, CaptureReader } from '#inspectors/ids/capture/pcap-file.ts'

export type CaptureResult =
  | { readonly ok: true; readonly packets: readonly CapturedPacket[]; readonly truncated: boolean }
  | { readonly ok: false; readonly message: string }

/** A reader of bytes that gives no more than so many at once. */
export function readerOf(file: Buffer, pieceBytes = Infinity): CaptureReader {
  let at = 0
  return new CaptureReader((into) => {
    const copied = file.copy(into, 0, at, at + Math.min(pieceBytes, into.length))
    at += copied
    return copied
  })
}

/** All packets of a capture. */
export function readCapture(file: Buffer, pieceBytes?: number): CaptureResult {
  const reader = readerOf(file, pieceBytes)
  const message = reader.open()
  if (message !== null) return { ok: false, message }
  const packets: CapturedPacket[] = []
  for (let packet = reader.next(); packet !== null; packet = reader.next()) packets.push(packet)
  return { ok: true, packets, truncated: reader.truncated }
}
