import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import type { Connection } from '#inspectors/inspector.ts'
import { WafConnection, type WafContext } from './connection.ts'
import { LocalPersistentStore } from './transaction/persistent-store.ts'

/**
 * Engines of patterns are built, and code is compiled, when they are first used: the first requests of a
 * worker would take a hundred times as long as the later ones. So it is shown some before, of the kinds that
 * it will see. They leave nothing behind but that.
 */

/** The rounds end after the one in which this is exceeded. */
const WARM_UP_MS = 150
const MAX_ROUNDS = 200

const FIELDS =
  'Host: warm-up.invalid\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n' +
  'Accept: text/html,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\nCookie: session=0123456789abcdef; theme=dark\r\n'

const get = (target: string): string => `GET ${target} HTTP/1.1\r\n${FIELDS}\r\n`

const post = (type: string, body: string): string =>
  `POST /form HTTP/1.1\r\n${FIELDS}Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`

const part = (name: string, data: string): string =>
  `--part\r\nContent-Disposition: form-data; ${name}\r\n\r\n${data}\r\n`

/** @param round makes values that were not seen before */
function samples(round: number): readonly string[] {
  const word = `v${(round * 7919).toString(36)}`
  return [
    get(`/shop/item?id=${round}&name=blue+${word}`),
    post(
      'application/x-www-form-urlencoded',
      `name=Jane+Doe&mail=jane%40example.com&text=some+${word}`,
    ),
    post(
      'application/json',
      `{"name":"Jane Doe","items":[{"sku":"A-${round}","note":"by the back ${word}"}]}`,
    ),
    post(
      'multipart/form-data; boundary=part',
      `${part('name="note"', `a text ${word}`)}${part('name="file"; filename="a.txt"', 'lorem ipsum '.repeat(200))}--part--\r\n`,
    ),
    get(`/?id=${round}'+union+select+${word},password+from+users--+-`),
    get(`/?q=%3Cscript%3Ealert(${round})%3C/script%3E${word}`),
    get(`/?file=../../../../etc/passwd&x=${word}`),
    get(`/?cmd=;cat+/etc/passwd|id+${word}`),
  ]
}

const CONNECTION: Connection = {
  id: 'warm-up',
  flowId: 0,
  clientAddress: '192.0.2.1',
  clientPort: 1024,
  serverAddress: '192.0.2.2',
  serverPort: 80,
  openedAt: 0,
}

/** Shows the rules requests that nobody sent; nothing is told of them, kept or logged. */
export function warmUp(of: WafContext): void {
  const store = new LocalPersistentStore(of.configuration.collectionTimeoutSeconds)
  const context: WafContext = { ...of, store, audit: null, onHit: null, onPhase: null }
  const endsAt = performance.now() + WARM_UP_MS
  for (let round = 0; round < MAX_ROUNDS && performance.now() < endsAt; round += 1) {
    for (const request of samples(round)) show(context, request)
  }
}

function show(context: WafContext, request: string): void {
  const connection = new WafConnection(context, CONNECTION)
  const ignore = (): void => {}
  const parser = new HttpExchangeParser(
    {
      requestHead: (transaction) => void connection.requestHead(transaction),
      requestBody: (transaction, chunk) => void connection.requestBody(transaction, chunk),
      requestEnd: (transaction) => {
        connection.requestEnd(transaction)
        connection.transactionEnd(transaction)
      },
      responseHead: ignore,
      responseBody: ignore,
      responseEnd: ignore,
      interimResponse: ignore,
      tunnel: ignore,
      error: ignore,
    },
    { nextId: () => CONNECTION.id, now: Date.now },
  )
  parser.pushClient(Buffer.from(request, 'latin1'))
  connection.close()
}
