import type { SignatureErrorCode } from '#signatures/errors.ts'

/** Exit statuses of `portcullis signatures`; scripts rely on them. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  /** `check`: some rules would not be loaded. */
  rejected: 4,
  /** The manager cannot be reached, or an archive is refused. */
  network: 5,
  interrupted: 130,
} as const

const BY_CODE: Readonly<Record<SignatureErrorCode, number>> = {
  BUNDLE_INVALID: EXIT.network,
  SOURCE_UNREADABLE: EXIT.failure,
  USAGE: EXIT.usage,
  API_UNREACHABLE: EXIT.network,
  API_REFUSED: EXIT.failure,
  INTERRUPTED: EXIT.interrupted,
}

export function exitCodeOf(code: SignatureErrorCode): number {
  return BY_CODE[code]
}
