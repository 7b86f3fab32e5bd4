/**
 * `BUNDLE_MISSING`: no bundle of that hash in Redis. `BUNDLE_HASH`: its bytes have another hash.
 * `BUNDLE_INVALID`: not an archive that may be unpacked here.
 * `NOT_ROOT`, `NO_SWITCH`, `NO_NAMESPACES`, `NO_PROGRAM`: this machine cannot run an agent.
 * `CONFIG_INVALID`: an option's value is unusable.
 */
export type AgentErrorCode =
  | 'BUNDLE_MISSING'
  | 'BUNDLE_HASH'
  | 'BUNDLE_INVALID'
  | 'NOT_ROOT'
  | 'NO_SWITCH'
  | 'NO_NAMESPACES'
  | 'NO_PROGRAM'
  | 'CONFIG_INVALID'

export class AgentError extends Error {
  readonly code: AgentErrorCode

  constructor(code: AgentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AgentError'
    this.code = code
  }
}
