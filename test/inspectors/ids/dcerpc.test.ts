import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { RpcSession } from '#inspectors/ids/dcerpc/rpc-session.ts'
import { type Piece, idsOf, play, recut } from './drive.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s+/g, ''), 'hex')

/** A packet, little endian: header with its length, call 1, then the body. */
function pdu(type: string, flags: string, body: string): string {
  const length = Buffer.alloc(2)
  length.writeUInt16LE(16 + bytes(body).length)
  return `05 00 ${type} ${flags} 10000000 ${length.toString('hex')} 0000 01000000 ${body}`
}

/* 12345678-1234-abcd-ef00-0123456789ab version 2, in context 3 */
const INTERFACE = '78563412 3412 cdab ef00 0123456789ab'
const TRANSFER = '045d888aeb1cc9119fe808002b10486002000000'
const BIND = pdu(
  '0b',
  '03',
  `b810b810 00000000 01000000 0300 01 00 ${INTERFACE} 0200 0000 ${TRANSFER}`,
)
const ack = (result: string): string =>
  pdu('0c', '03', `b810b810 00000000 0400 31333500 0000 01000000 ${result} 0000 ${TRANSFER}`)
const REQUEST =
  pdu('00', '01', '00000000 0300 0f00 41424344') + pdu('00', '02', '00000000 0300 0f00 45462a00')
const RESPONSE = pdu('02', '03', '00000000 0300 00 00 77787a00')

const client = (hex: string): Piece => ({ flow: 'to_server', bytes: bytes(hex) })
const server = (hex: string): Piece => ({ flow: 'to_client', bytes: bytes(hex) })
const CALL = [client(BIND), server(ack('0000')), client(REQUEST), server(RESPONSE)]

const UUID = '12345678-1234-abcd-ef00-0123456789ab'
const TCP = 'alert tcp any any -> any any'

describe('DCE/RPC', () => {
  const rows: readonly (readonly [string, number])[] = [
    [`dcerpc.iface:${UUID}; flow:to_server`, 1],
    [`dce_iface:${UUID},=2,any_frag; dce_opnum:15; flow:to_server`, 1],
    [`dcerpc.iface:${UUID},<2`, 0],
    [`dcerpc.iface:${UUID},!3; flow:to_client`, 1],
    ['dcerpc.iface:00000000-1234-abcd-ef00-0123456789ab', 0],
    // once for the request and once for the response
    ['dcerpc.opnum:1,3,10-15', 2],
    ['dcerpc.opnum:16-20', 0],
    ['dcerpc.opnum:>14; flow:to_server', 1],
    // fragments are put together
    ['dcerpc.stub_data; content:"ABCDEF"; startswith', 1],
    ['dcerpc.stub_data; content:"ABCDEF"; byte_test:2,=,42,0,relative,dce', 1],
    ['dcerpc.stub_data; content:"ABCDEF"; byte_test:2,=,42,0,relative', 0],
    ['dcerpc.stub_data; content:"wxz"; flow:to_client', 1],
    ['dcerpc.stub_data; bsize:8; flow:to_server', 1],
  ]
  for (const [options, count] of rows)
    it(`${options}: ${count}`, () => {
      const ids = idsOf(`${TCP} (${options}; sid:1;)`)
      assert.deepEqual(ids.warnings, [])
      for (const lengths of [[1000], [1], [7, 30]])
        assert.equal(play(ids, recut(CALL, lengths)).sids.length, count, lengths.join())
    })

  it('does not take a refused interface for bound', () => {
    const ids = idsOf(`${TCP} (dcerpc.iface:${UUID}; sid:1;)`)
    assert.deepEqual(play(ids, [client(BIND), server(ack('0200')), client(REQUEST)]).sids, [])
  })

  it('bears any bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 0, max: 19 }),
        (tail, type) => {
          const session = new RpcSession()
          const head = bytes(pdu(type.toString(16).padStart(2, '0'), '83', ''))
          const all = Buffer.concat([head, tail])
          all.writeUInt16LE(Math.max(16, all.length), 8)
          session.push('request', all)
          session.push('response', all)
        },
      ),
    )
  })
})
