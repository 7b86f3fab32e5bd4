import { existsSync } from 'node:fs'
import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Inspector } from '#inspectors/inspector.ts'
import { createWaf } from '#inspectors/waf/waf.ts'
import { TEST_CONNECTION } from '#test/conformance/crs/in-process.ts'

/**
 * Cost of the WAF: processor time per request, parsing of the message and the proxy left out. "same"
 * sends one request again and again, "unique" puts values never seen before into each. Each case checks
 * that what should pass passes and what should not does not. Prints one JSON line per case.
 *
 *     node test/bench/waf-request.bench.ts [paranoia] [case]
 */

const CRS = `${import.meta.dirname}/../../../shared/data/crs`
const DEBIAN = '/usr/share/modsecurity-crs/rules'
const paranoia = Number(process.argv[2] ?? 1)
const only = process.argv[3]
const BATCH = 200
const MIN_MS = 1000

const BROWSER =
  'Host: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 ' +
  'Firefox/128.0\r\nAccept: text/html,application/xhtml+xml,*/*;q=0.8\r\n' +
  'Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n' +
  'Cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark\r\n'

let counter = 1
const fresh = (): string => {
  counter = (Math.imul(counter, 1_103_515_245) + 12_345) & 0x7fffffff
  return counter.toString(36)
}
const fixed = (): string => 'k3x9'

function get(query: string): string {
  return `GET /shop/item?${query} HTTP/1.1\r\n${BROWSER}\r\n`
}

function post(type: string, body: string): string {
  const head = `POST /api/orders HTTP/1.1\r\n${BROWSER}Content-Type: ${type}\r\n`
  return `${head}Content-Length: ${body.length}\r\n\r\n${body}`
}

function form(value: () => string): string {
  const pairs: string[] = []
  while (pairs.join('&').length < 1000) pairs.push(`field_${pairs.length}=some+text+${value()}`)
  return post('application/x-www-form-urlencoded', pairs.join('&'))
}

function json(value: () => string): string {
  const items = Array.from({ length: 16 }, () => ({
    sku: `A-${value()}`,
    note: 'by the back door',
  }))
  return post('application/json', JSON.stringify({ name: 'Jane Doe', items }))
}

function multipart(value: () => string): string {
  const part = (name: string, data: string): string =>
    `--BOUNDARY\r\nContent-Disposition: form-data; ${name}\r\n\r\n${data}\r\n`
  const file = part('name="file"; filename="a.txt"', 'lorem ipsum dolor '.repeat(3600))
  const body = `${part('name="note"', `text ${value()}`)}${file}--BOUNDARY--\r\n`
  return post('multipart/form-data; boundary=BOUNDARY', body)
}

function manyArguments(value: () => string): string {
  const pairs = Array.from({ length: 950 }, (_, index) => `a${index}=v${value()}`)
  return post('application/x-www-form-urlencoded', pairs.join('&'))
}

interface Case {
  readonly name: string
  readonly make: (value: () => string) => string
  readonly isAttack: boolean
}

const CASES: readonly Case[] = [
  { name: 'GET', make: (value) => get(`id=${value()}&name=blue+shirt`), isAttack: false },
  { name: 'form 1 kB', make: form, isAttack: false },
  { name: 'JSON 1 kB', make: json, isAttack: false },
  { name: 'multipart 64 kB', make: multipart, isAttack: false },
  { name: '950 arguments', make: manyArguments, isAttack: false },
  {
    name: 'SQL injection',
    make: (value) => get(`id=1'+union+select+${value()},password+from+users--+-`),
    isAttack: true,
  },
]

function parse(text: string): { transaction: HttpTransaction; body: Buffer } {
  let transaction: HttpTransaction | null = null
  const body: Buffer[] = []
  const ignore = (): void => {}
  const parser = new HttpExchangeParser(
    {
      requestHead: (one) => (transaction = one),
      requestBody: (_one, chunk) => body.push(Buffer.from(chunk)),
      requestEnd: ignore,
      responseHead: ignore,
      responseBody: ignore,
      responseEnd: ignore,
      interimResponse: ignore,
      tunnel: ignore,
      error: (error) => {
        throw new Error(error.message)
      },
    },
    { nextId: () => 'bench', now: () => 1_780_000_000_000 },
  )
  parser.pushClient(Buffer.from(text, 'latin1'))
  if (transaction === null) throw new Error('no request')
  return { transaction, body: Buffer.concat(body) }
}

/** Runs both request phases and the logging phase; true when the request was blocked. */
function inspect(waf: Inspector, { transaction, body }: ReturnType<typeof parse>): boolean {
  const connection = waf.open(TEST_CONNECTION)
  let verdict = connection.requestHead(transaction)
  if (verdict.kind !== 'block' && body.length > 0) {
    verdict = connection.requestBody(transaction, body)
    verdict = connection.requestEnd(transaction)
  }
  connection.transactionEnd(transaction)
  return verdict.kind === 'block'
}

function measure(waf: Inspector, { name, make, isAttack }: Case, value: () => string): void {
  let requests = 0
  let microseconds = 0
  const warmUp = 2
  for (let batch = 0; batch < warmUp || microseconds < MIN_MS * 1000; batch += 1) {
    const parsed = Array.from({ length: name.startsWith('950') ? 20 : BATCH }, () =>
      parse(make(value)),
    )
    const before = process.cpuUsage()
    for (const one of parsed) {
      if (inspect(waf, one) !== isAttack) throw new Error(`${name}: wrong verdict`)
    }
    if (batch < warmUp) continue
    const { user, system } = process.cpuUsage(before)
    microseconds += user + system
    requests += parsed.length
  }
  const values = value === fresh ? 'unique' : 'same'
  const each = Math.round((microseconds / requests) * 10) / 10
  console.log(JSON.stringify({ case: name, values, paranoia, microseconds: each, requests }))
}

const [setup, rules] = existsSync(CRS)
  ? [`${CRS}/crs-setup.conf.example`, `${CRS}/rules`]
  : ['/etc/modsecurity/crs/crs-setup.conf', DEBIAN]
const loadedAt = performance.now()
const waf = createWaf({
  mode: 'block',
  rulePaths: [rules],
  setupPaths: [setup],
  settings: { paranoia },
})
const loadMs = Math.round(performance.now() - loadedAt)
console.log(JSON.stringify({ rules: waf.ruleCount, loadMs }))
for (const one of CASES) {
  if (only !== undefined && one.name !== only) continue
  measure(waf, one, fixed)
  measure(waf, one, fresh)
}
