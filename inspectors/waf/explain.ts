import type { HttpExchangeHandler } from '#inspectors/http/exchange-handler.ts'
import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import type { HttpError } from '#inspectors/http/http-error.ts'
import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Connection, ConnectionInspector, Verdict } from '#inspectors/inspector.ts'
import type { CompiledRule } from './compile/program.ts'
import type { RuleHit } from './transaction/rule-hit.ts'
import { type LinkTrace, traceRule } from './evaluate/trace-rule.ts'
import { createWaf, type WafOptions } from './waf.ts'

/** Why a request is judged as it is. */
export interface Explanation {
  /** What the client would get: `pass`, `block 403`, `drop`, or the parser's refusal. */
  readonly outcome: string
  /** Rules that matched, in order, bookkeeping rules included. */
  readonly hits: readonly RuleHit[]
  /** The rule that was asked about, link by link; null when it is not in the rule set. */
  readonly asked: {
    readonly rule: CompiledRule
    /** False: settings of the chain (paranoia, exclusions) leave it out. */
    readonly isInForce: boolean
    readonly links: readonly LinkTrace[]
  } | null
}

const CONNECTION: Connection = {
  id: 'explain',
  flowId: 1,
  clientAddress: '192.0.2.1',
  clientPort: 40_000,
  serverAddress: '192.0.2.2',
  serverPort: 80,
  openedAt: 0,
}

/**
 * Runs one raw HTTP/1 request through the request phases of a WAF and tells what each rule saw.
 *
 * @param request bytes as a client sends them; line ends may be bare LF, as editors write them
 * @param ruleId rule to be shown even where it does not match
 * @throws WafRulesError when the rules do not load
 */
export function explain(options: WafOptions, request: Buffer, ruleId: number | null): Explanation {
  const hits: RuleHit[] = []
  let asked: Explanation['asked'] = null
  const waf = createWaf({
    ...options,
    onHit: (_transaction, hit) => hits.push(hit),
    onPhase: (program, transaction, phase) => {
      const rule = program.rules.find((one) => one.id === ruleId && one.phase === phase)
      if (rule === undefined) return
      const isInForce = program.phases[phase].rules.some(
        ({ index, links }) => index === rule.index && links.length > 0,
      )
      asked = { rule, isInForce, links: traceRule(transaction, rule) }
    },
  })
  const run = new ExplainedRequest(waf.open(CONNECTION))
  run.push(withLineEnds(request))
  return { outcome: run.outcome, hits, asked }
}

/** Gives the head CRLF line ends where it has none; the body stays as it is. */
function withLineEnds(request: Buffer): Buffer {
  const text = request.toString('latin1')
  const firstLine = text.slice(0, text.indexOf('\n') + 1)
  if (firstLine.endsWith('\r\n')) return request
  const end = text.indexOf('\n\n')
  const head = end < 0 ? `${text.trimEnd()}\n\n` : text.slice(0, end + 2)
  const body = end < 0 ? '' : text.slice(end + 2)
  const lines = head.replaceAll('\n', '\r\n')
  const needsLength = body !== '' && !/^(?:content-length|transfer-encoding):/im.test(head)
  const length = needsLength ? `Content-Length: ${body.length}\r\n\r\n` : '\r\n'
  return Buffer.from(lines.slice(0, -2) + length + body, 'latin1')
}

class ExplainedRequest implements HttpExchangeHandler {
  outcome = 'pass'
  readonly #inspector: ConnectionInspector
  readonly #parser: HttpExchangeParser
  #transaction: HttpTransaction | null = null

  constructor(inspector: ConnectionInspector) {
    this.#inspector = inspector
    this.#parser = new HttpExchangeParser(this, { nextId: () => 'explain', now: Date.now })
  }

  push(request: Buffer): void {
    this.#parser.pushClient(request)
    this.#parser.endClient()
    if (this.#transaction !== null) this.#inspector.transactionEnd(this.#transaction)
  }

  requestHead(transaction: HttpTransaction): void {
    this.#transaction = transaction
    this.#note(this.#inspector.requestHead(transaction))
  }
  requestBody(transaction: HttpTransaction, chunk: Buffer): void {
    this.#note(this.#inspector.requestBody(transaction, chunk))
  }
  requestEnd(transaction: HttpTransaction): void {
    this.#note(this.#inspector.requestEnd(transaction))
  }
  responseHead(): void {}
  responseBody(): void {}
  responseEnd(): void {}
  interimResponse(): void {}
  tunnel(): void {}
  error(error: HttpError): void {
    if (error.flow === 'to_server' && error.code !== 'request-cut-off') {
      this.outcome = `refused by the parser: ${error.message}`
    }
  }

  #note(verdict: Verdict): void {
    if (this.outcome !== 'pass') return
    if (verdict.kind === 'block') this.outcome = `block ${verdict.status}`
    else if (verdict.kind === 'drop') this.outcome = 'drop'
  }
}
