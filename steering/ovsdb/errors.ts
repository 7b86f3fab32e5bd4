/**
 * What can go wrong between us and a JSON-RPC peer (ovsdb-server, ovs-vswitchd's control socket).
 *
 * `CLOSED`: the connection ended, or was never there. `TIMEOUT`: no answer in time.
 * `PROTOCOL`: the peer sent what is no JSON-RPC, or more than the bound.
 * `REFUSED`: the peer answered with an error (its text is in the message).
 */
export type RpcErrorCode = 'CLOSED' | 'TIMEOUT' | 'PROTOCOL' | 'REFUSED'

export class RpcError extends Error {
  readonly code: RpcErrorCode

  constructor(code: RpcErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RpcError'
    this.code = code
  }
}
