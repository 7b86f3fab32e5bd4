/** The requests that `portcullis bench waf` sends. */
export interface WafRequest {
  readonly name: 'GET' | 'form 1 kB' | 'JSON 1 kB' | 'multipart 64 kB' | 'attack' | '950 arguments'
  /** Latin1; each `PLACEHOLDER` gives way to a number of its own for each request. */
  readonly request: string
  readonly expect: 200 | 403
  /** Rule that must be among those that matched; null: none may match. */
  readonly rule: number | null
  /** Least requests/s over the peer's; null: none is promised. */
  readonly leastRatio: number | null
  /** Connections at once, where the slow one of the two would answer nothing for seconds. */
  readonly connections?: number
  /** Most milliseconds of inspection of 99 in 100 requests. */
  readonly mostInspectionMs: number
}

/** No value is seen twice, so nothing that was learnt about one helps with the next. */
export const PLACEHOLDER = '@@@@@@@@'

const HEADERS =
  'Host: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 ' +
  'Firefox/128.0\r\nAccept: text/html,application/xhtml+xml,*/*;q=0.8\r\n' +
  'Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n' +
  `Cookie: session=8f14e45fceea167a5a36${PLACEHOLDER}; theme=dark\r\n`

const get = (query: string): string => `GET /shop/item?${query} HTTP/1.1\r\n${HEADERS}\r\n`

function post(type: string, body: string): string {
  const head = `POST /api/orders HTTP/1.1\r\n${HEADERS}Content-Type: ${type}\r\n`
  return `${head}Content-Length: ${body.length}\r\n\r\n${body}`
}

function form(bytes: number): string {
  const pairs: string[] = []
  while (pairs.join('&').length < bytes) {
    pairs.push(`field_${pairs.length}=some+text+${PLACEHOLDER}+of+an+order`)
  }
  return post('application/x-www-form-urlencoded', pairs.join('&'))
}

function json(): string {
  const items = Array.from({ length: 16 }, (_, index) => ({
    sku: `A-${index}-${PLACEHOLDER}`,
    note: 'by the back door',
  }))
  return post('application/json', JSON.stringify({ name: 'Jane Doe', items }))
}

function multipart(): string {
  const part = (name: string, data: string): string =>
    `--BOUNDARY\r\nContent-Disposition: form-data; ${name}\r\n\r\n${data}\r\n`
  const file = part('name="file"; filename="a.txt"', 'lorem ipsum dolor '.repeat(3_640))
  const body = `${part('name="note"', `a text ${PLACEHOLDER}`)}${file}--BOUNDARY--\r\n`
  return post('multipart/form-data; boundary=BOUNDARY', body)
}

function manyArguments(): string {
  const pairs = Array.from({ length: 950 }, (_, index) => `a${index}=v${index}x${PLACEHOLDER}`)
  return post('application/x-www-form-urlencoded', pairs.join('&'))
}

const BENIGN = { expect: 200, rule: null, mostInspectionMs: 1 } as const

export const WAF_REQUESTS: readonly WafRequest[] = [
  { ...BENIGN, name: 'GET', request: get(`id=${PLACEHOLDER}&name=blue+shirt`), leastRatio: 30 },
  { ...BENIGN, name: 'form 1 kB', request: form(1000), leastRatio: 30 },
  { ...BENIGN, name: 'JSON 1 kB', request: json(), leastRatio: 15 },
  { ...BENIGN, name: 'multipart 64 kB', request: multipart(), leastRatio: 15 },
  {
    name: 'attack',
    request: get(`id=1'+union+select+${PLACEHOLDER},password+from+users--+-`),
    expect: 403,
    rule: 942_100,
    leastRatio: 15,
    mostInspectionMs: 1,
  },
  {
    ...BENIGN,
    name: '950 arguments',
    request: manyArguments(),
    leastRatio: null,
    connections: 1,
    mostInspectionMs: 20,
  },
]
