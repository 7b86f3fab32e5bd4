import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { before, describe, it } from 'node:test'
import { TLSSocket, connect, type SecureVersion } from 'node:tls'
import * as fc from 'fast-check'
import { parseCertificate } from '#inspectors/ids/tls/certificate.ts'
import { ja3String, ja4 } from '#inspectors/ids/tls/fingerprints.ts'
import { HandshakeReader } from '#inspectors/ids/tls/handshake-reader.ts'
import { type Hello, parseHello } from '#inspectors/ids/tls/hello.ts'
import { type Piece, idsOf, play, recut } from '../drive.ts'

const folder = join(import.meta.dirname, '../../../fixtures/tls')
const key = readFileSync(join(folder, 'server.key'))
const cert = readFileSync(join(folder, 'server.crt'))

/** The bytes of a real handshake between Node's own ends, and some data after it. */
async function handshake(maxVersion: SecureVersion): Promise<Piece[]> {
  const pieces: Piece[] = []
  const client: Duplex = new Duplex({
    read() {},
    write(bytes: Buffer, _encoding, done) {
      pieces.push({ flow: 'to_server', bytes })
      server.push(bytes)
      done()
    },
  })
  const server: Duplex = new Duplex({
    read() {},
    write(bytes: Buffer, _encoding, done) {
      pieces.push({ flow: 'to_client', bytes })
      client.push(bytes)
      done()
    },
  })
  const accepted = new TLSSocket(server, { isServer: true, key, cert, ALPNProtocols: ['h2'] })
  const socket = connect({
    socket: client,
    servername: 'www.example.test',
    rejectUnauthorized: false,
    maxVersion,
    ALPNProtocols: ['h2', 'http/1.1'],
  })
  await once(socket, 'secureConnect')
  socket.write('secret')
  await once(accepted, 'data')
  socket.destroy()
  accepted.destroy()
  return pieces
}

const TLS = 'alert tls any any -> any any'

describe('TLS rules', () => {
  let old: Piece[]
  let modern: Piece[]
  before(async () => {
    old = await handshake('TLSv1.2')
    modern = await handshake('TLSv1.3')
  })

  const x509 = new X509Certificate(cert)
  const cases: readonly (readonly [string, boolean, boolean])[] = [
    ['tls.sni; content:"www.example.test"; bsize:16', true, true],
    ['tls.sni; dotprefix; content:".example.test"; endswith', true, true],
    ['tls.sni; content:"other"', false, false],
    ['tls.alpn; content:"http/1.1"; bsize:8', true, true],
    ['ja3.hash; pcre:"/^[0-9a-f]{32}$/"', true, true],
    ['ja3.string; content:"771,"; startswith', true, true],
    ['ja4.hash; content:"t13d"; startswith', false, true],
    ['ja4.hash; content:"t12d"; startswith', true, false],
    ['flow:to_client; ja3s.string; content:"771,"; startswith', true, true],
    ['flow:to_client; tls.alpn; content:"h2"; bsize:2', true, false],
    [
      'tls.cert_subject; content:"C=DE, O=Example, Inc., CN=www.example.test"; bsize:42',
      true,
      false,
    ],
    ['tls.cert_issuer; content:"CN=www.example.test"; endswith', true, false],
    ['tls.cert_serial; content:"00:8B:01:FF"; bsize:11', true, false],
    [`tls.cert_fingerprint; content:"${x509.fingerprint.toLowerCase()}"; bsize:59`, true, false],
    [`tls.fingerprint:"${x509.fingerprint}"`, true, false],
    ['tls.subject:"CN=www.example.test"', true, false],
    ['tls.subjectaltname; content:"alt.example.test"; bsize:16', true, false],
    ['tls.subjectaltname; content:"192.0.2.1"', true, false],
    ['tls.certs; content:"|30 82|"; startswith', true, false],
    ['tls.cert_chain_len:1', true, false],
    ['tls_cert_notbefore:>2000', true, false],
    ['tls_cert_notafter:<2000-01-01 12:00', false, false],
    ['flow:to_client; tls.version:1.2', true, false],
    ['flow:to_client; tls.version:1.3', false, true],
    ['ssl_state:server_hello; flow:to_client', true, true],
    ['flow:to_server; tls.random; bsize:32', true, true],
  ]
  for (const [options, inOld, inModern] of cases) {
    it(options.replaceAll(':', '\u2236'), () => {
      const ids = idsOf(`${TLS} (${options}; sid:1;)`)
      const seen = (pieces: readonly Piece[]): boolean => play(ids, pieces).sids.length > 0
      assert.deepEqual([seen(old), seen(modern)], [inOld, inModern])
      assert.deepEqual([seen(recut(old, [1])), seen(recut(modern, [7]))], [inOld, inModern])
    })
  }

  it('knows whether a certificate is valid at the time', () => {
    const rules = `${TLS} (tls_cert_valid; sid:1;)\n${TLS} (tls_cert_expired; sid:2;)`
    const at = (time: number): readonly number[] =>
      play(idsOf(rules, { now: () => time }), old).sids
    assert.deepEqual(at(Date.parse(x509.validFrom) - 1000), [])
    assert.deepEqual(at(Date.parse(x509.validFrom) + 1000), [1])
    assert.deepEqual(at(Date.parse(x509.validTo) + 1000), [2])
  })

  it('lets go of the flow when keys are in use', () => {
    const ids = idsOf(`${TLS} (tls.sni; content:"nothing"; sid:1;)`)
    for (const pieces of [old, modern]) assert.equal(play(ids, pieces).bypassed, true)
  })

  it('drops at the ClientHello, before the server hears of it', () => {
    const ids = idsOf('drop tls any any -> any any (tls.sni; content:"www.example.test"; sid:1;)')
    const outcome = play(ids, old)
    assert.deepEqual([outcome.dropped, outcome.seen.to_client], [true, 0])
  })
})

describe('TLS parsers', () => {
  const hello: Hello = {
    legacyVersion: 0x0303,
    version: 0x0304,
    random: Buffer.alloc(32),
    suites: [0x1a1a, 0x1301, 0x1302],
    extensions: [0x2a2a, 0, 16, 43, 10],
    serverName: 'a',
    alpn: ['h2'],
    groups: [0x3a3a, 29],
    pointFormats: [0],
    signatureAlgorithms: [0x0403],
    versions: [0x0304],
    sessionId: Buffer.alloc(0),
    hasTicket: false,
    isSslV2: false,
  }
  it('leave GREASE out of fingerprints', () => {
    assert.equal(ja3String(hello), '771,4865-4866,0-16-43-10,29,0')
    assert.match(ja4(hello), /^t13d0204h2_[0-9a-f]{12}_[0-9a-f]{12}$/)
  })

  it('read what Node reads from a certificate', () => {
    const facts = parseCertificate(new X509Certificate(cert).raw)
    assert.equal(facts?.subject, 'C=DE, O=Example, Inc., CN=www.example.test')
    assert.deepEqual(facts?.alternativeNames, ['www.example.test', 'alt.example.test', '192.0.2.1'])
  })

  it('do not throw on bytes of any kind', () => {
    const raw = new X509Certificate(cert).raw
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(raw.length - 1),
        fc.nat(255),
        (bytes, at, value) => {
          parseHello(Buffer.from(bytes), 'client')
          parseHello(Buffer.from(bytes), 'server')
          parseCertificate(Buffer.from(bytes))
          const changed = Buffer.from(raw)
          changed[at] = value
          parseCertificate(changed)
          new HandshakeReader().push(Buffer.concat([Buffer.from([22, 3, 1]), Buffer.from(bytes)]))
        },
      ),
      { numRuns: 500 },
    )
  })
})
