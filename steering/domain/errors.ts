/**
 * What can go wrong when an inspection domain is built, run or removed.
 *
 * `COMMAND_FAILED`: a system command ended non-zero, by signal or by its deadline.
 * `NAME_COLLISION`: two networks derive the same interface name.
 * `PATH_TOO_LONG`: the control socket's path does not fit a `sockaddr_un`.
 * `SUPERVISOR_DIED`: the supervisor ended before it answered.
 * `CONTROL_CLOSED`, `CONTROL_TIMEOUT`, `CONTROL_PROTOCOL`: the control socket closed, was silent too
 * long, or carried something that is no answer.
 * `CONFIG_REFUSED`: the supervisor answered `ok: false`.
 */
export type DomainErrorCode =
  | 'COMMAND_FAILED'
  | 'NAME_COLLISION'
  | 'PATH_TOO_LONG'
  | 'SUPERVISOR_DIED'
  | 'CONTROL_CLOSED'
  | 'CONTROL_TIMEOUT'
  | 'CONTROL_PROTOCOL'
  | 'CONFIG_REFUSED'

export class DomainError extends Error {
  readonly code: DomainErrorCode

  constructor(code: DomainErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DomainError'
    this.code = code
  }
}
