import { commaList } from '../arguments.ts'
import type { RuleBuilder } from '../builder.ts'
import { contentBytes, quotedValue } from '../content-pattern.ts'
import { RuleFault } from '../problem.ts'
import { type Keyword, keyword } from './keyword.ts'

const VERSIONS: ReadonlyMap<string, number> = new Map([
  ['sslv2', 0x0200],
  ['sslv3', 0x0300],
  ['ssl3', 0x0300],
  ['tls1.0', 0x0301],
  ['tls1.1', 0x0302],
  ['tls1.2', 0x0303],
  ['tls1.3', 0x0304],
  ['1.0', 0x0301],
  ['1.1', 0x0302],
  ['1.2', 0x0303],
  ['1.3', 0x0304],
])

const STATES = new Set(['client_hello', 'server_hello', 'client_keyx', 'server_keyx', 'unknown'])

/** TLS keywords that are not sticky buffers. */
export const TLS_KEYWORDS: readonly Keyword[] = [
  keyword(
    'tls.version',
    'flow',
    'Version of the handshake',
    { grammar: '[!]1.0|1.1|1.2|1.3' },
    (builder, argument) => {
      const text = argument.trim().replace(/^"(.*)"$/, '$1')
      const negated = text.startsWith('!')
      const version = VERSIONS.get((negated ? text.slice(1) : text).trim())
      if (version === undefined)
        throw new RuleFault('bad-argument', `"${text}" is not a TLS version`)
      builder.flowChecks.push({ kind: 'tls.version', items: [{ version, negated }] })
    },
  ),
  keyword(
    'ssl_version',
    'flow',
    'Version of the handshake',
    { grammar: '[!]sslv2|sslv3|tls1.0|tls1.1|tls1.2|tls1.3, …' },
    (builder, argument) => {
      const items = commaList(argument.toLowerCase()).map((item) => {
        const negated = item.startsWith('!')
        const version = VERSIONS.get((negated ? item.slice(1) : item).trim())
        if (version === undefined)
          throw new RuleFault('bad-argument', `"${item}" is not an SSL version`)
        return { version, negated }
      })
      builder.flowChecks.push({ kind: 'tls.version', items })
    },
  ),
  keyword(
    'ssl_state',
    'flow',
    'How far the handshake is',
    { grammar: '[!]client_hello|server_hello|client_keyx|server_keyx|unknown | …' },
    (builder, argument) => {
      const items = argument.split(/[|,]/).map((item) => item.trim().toLowerCase())
      const negated = items.every((item) => item.startsWith('!'))
      const states = items.map((item) => item.replace(/^!/, ''))
      for (const state of states)
        if (!STATES.has(state))
          throw new RuleFault('bad-argument', `"${state}" is not a state of TLS`)
      builder.flowChecks.push({ kind: 'ssl_state', states, negated })
    },
  ),
  certificate('tls.subject', 'tls.cert_subject', 'Text in the subject of the certificate'),
  certificate('tls.issuerdn', 'tls.cert_issuer', 'Text in the issuer of the certificate'),
  certificate('tls.fingerprint', 'tls.cert_fingerprint', 'SHA-1 of the certificate'),
]

/** The old forms with a value: a content in the buffer of today. */
function certificate(name: string, buffer: string, summary: string): Keyword {
  return keyword(
    name,
    'match',
    summary,
    { grammar: '[!]"TEXT"' },
    (builder: RuleBuilder, argument) => {
      const { negated, inner } = quotedValue(argument)
      builder.addTo(buffer, {
        kind: 'content',
        pattern: name === 'tls.fingerprint' ? inner.toLowerCase() : contentBytes(inner),
        negated,
        nocase: false,
        startsWith: false,
        endsWith: false,
        offset: null,
        depth: null,
        distance: null,
        within: null,
        fastPattern: false,
        fastPatternChop: null,
      })
    },
  )
}
