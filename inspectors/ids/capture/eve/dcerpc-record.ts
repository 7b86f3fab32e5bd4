import type { RpcCall, Stub } from '../../dcerpc/rpc-session.ts'

type Fields = Record<string, unknown>

/** EVE's `dcerpc` object of a call. */
export function dcerpcFields(call: RpcCall): Fields {
  const { contract } = call
  const { request, response } = call.stubs
  return {
    request: request.fragments > 0 ? 'REQUEST' : 'UNREPLIED',
    ...(request.fragments === 0 ? {} : { req: { opnum: call.opnum, ...stubFields(request) } }),
    ...(response.fragments === 0 ? {} : { response: 'RESPONSE', res: stubFields(response) }),
    ...(contract === null
      ? {}
      : {
          interfaces: [
            { uuid: uuidText(contract.uuid), version: `${contract.version}.0`, ack_result: 0 },
          ],
        }),
    call_id: call.id,
    rpc_version: '5.0',
  }
}

/** True when what findings are about is a call of DCE/RPC. */
export function isRpcCall(transaction: object): transaction is RpcCall {
  return 'opnum' in transaction
}

function stubFields({ fragments, text }: Stub): Fields {
  return { frag_cnt: fragments, stub_data_size: text.length }
}

function uuidText(bytes: string): string {
  const hex = Buffer.from(bytes, 'latin1').toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
