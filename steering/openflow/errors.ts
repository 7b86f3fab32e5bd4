/**
 * What can go wrong at the switch.
 *
 * `COMMAND_FAILED`: ovs-ofctl ended non-zero; a bundle that failed has changed nothing.
 * `COMMAND_MISSING`: ovs-ofctl is not installed. `OUTPUT_TOO_LARGE`: a dump over its bound.
 * `UNREADABLE`: ovs-ofctl said something we cannot read.
 * `TABLES_IN_USE`: somebody else has flows in the tables we were told to use.
 * `NOT_IN_FORCE`: the switch took the bundle, and yet what it has is not what it was given.
 * `OUT_OF_IDS`: no conntrack zone or attachment number is free.
 * `BAD_STATE`: the file with ids is not ours or is damaged.
 */
export type SwitchErrorCode =
  | 'COMMAND_FAILED'
  | 'COMMAND_MISSING'
  | 'OUTPUT_TOO_LARGE'
  | 'UNREADABLE'
  | 'TABLES_IN_USE'
  | 'NOT_IN_FORCE'
  | 'OUT_OF_IDS'
  | 'BAD_STATE'

export class SwitchError extends Error {
  readonly code: SwitchErrorCode

  constructor(code: SwitchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SwitchError'
    this.code = code
  }
}
