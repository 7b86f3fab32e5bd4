/**
 * Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not in force yet or changes pending,
 * 4 some rules rejected, 5 the API cannot be reached, 130 interrupted.
 */
export const EXIT_CODES = {
  failure: 1,
  usage: 2,
  pending: 3,
  rejected: 4,
  network: 5,
  interrupted: 130,
} as const

export type ExitKind = keyof typeof EXIT_CODES

/** Why a command ends, and what to do about it. */
export class CliError extends Error {
  readonly kind: ExitKind
  readonly hint: string

  constructor(kind: ExitKind, message: string, hint = '') {
    super(message)
    this.name = 'CliError'
    this.kind = kind
    this.hint = hint
  }
}
