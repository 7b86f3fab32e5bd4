import * as fc from 'fast-check'

/**
 * Requests made of fragments that rules look for, joined, encoded and mangled: most of them are odd in
 * some way, many are attacks, all can be parsed by a front that is not strict.
 */

const FRAGMENTS = [
  "' or 1=1 -- ",
  'union select',
  'sleep(5)',
  '/*!50000select*/',
  '<script>',
  'alert(1)',
  '<img src=x onerror=',
  '../../etc/passwd',
  '..\\..\\boot.ini',
  ';cat /etc/passwd',
  '|/bin/sh -c id',
  '$(id)',
  '`id`',
  '%{(#a=1)}',
  '${jndi:ldap://x}',
  '{{7*7}}',
  '__proto__',
  'php://input',
  '<?php system(',
  'O:8:"stdClass":0:{}',
  'java.lang.Runtime',
  'rO0ABXQA',
  'javascript:',
  'onerror=',
  '%00',
  '%u0061',
  '&lt;',
  '\\x41',
  '\\u0041',
  '\\074script',
  '%252e%252e',
  'http://10.0.0.1/',
  'file:///etc/shadow',
  'hello world',
  'john@example.com',
  '0x31',
  'base64_decode(',
  '\xc0\xae',
  '\xef\xbc\x9cscript',
  '\r\nSet-Cookie: a=b',
  'GET / HTTP/1.1',
  'a'.repeat(300),
  ' ',
] as const

const text = fc
  .array(
    fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ unit: 'binary-ascii', maxLength: 8 })),
    { maxLength: 4 },
  )
  .map((parts) => parts.join(''))

const encoded = text.map((value) =>
  Array.from(Buffer.from(value, 'latin1'), (byte) =>
    /[A-Za-z0-9/.()<>'=;*$-]/.test(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).padStart(2, '0')}`,
  ).join(''),
)

const header = text.map((value) => value.replaceAll(/[^\x20-\x7e]/g, ''))

interface Body {
  readonly type: string
  readonly text: string
}

const json = fc
  .dictionary(text, fc.oneof(text, fc.integer(), fc.array(text, { maxLength: 3 })), { maxKeys: 3 })
  .map((value): Body => ({ type: 'application/json', text: JSON.stringify(value) }))

const xml = fc.tuple(header, header).map(([attribute, content]): Body => {
  const safe = (value: string): string => value.replaceAll(/["<&]/g, '')
  return { type: 'text/xml', text: `<a b="${safe(attribute)}"><c>${safe(content)}</c></a>` }
})

const multipart = fc
  .array(
    fc.record({
      name: header,
      file: fc.option(header),
      extra: fc.constantFrom('', 'Content-Type: text/plain\r\n', 'X-Odd: <script>\r\n'),
      data: text,
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((parts): Body => {
    const body = parts.map(({ name, file, extra, data }) => {
      const quoted = (value: string): string => `"${value.replaceAll(/["\\]/g, '')}"`
      const filename = file === null ? '' : `; filename=${quoted(file)}`
      return `--XyZ\r\nContent-Disposition: form-data; name=${quoted(name)}${filename}\r\n${extra}\r\n${data}\r\n`
    })
    return { type: 'multipart/form-data; boundary=XyZ', text: `${body.join('')}--XyZ--\r\n` }
  })

const body = fc.oneof(
  encoded.map((value): Body => ({ type: 'application/x-www-form-urlencoded', text: value })),
  fc.tuple(encoded, encoded).map(([name, value]): Body => ({
    type: 'application/x-www-form-urlencoded',
    text: `${name}=${value}&a=${value}`,
  })),
  json,
  xml,
  multipart,
  fc
    .tuple(fc.constantFrom('application/json', 'text/xml', 'multipart/form-data', 'x/y'), text)
    .map(([type, broken]): Body => ({ type, text: broken })),
)

/** Bytes of one request, head and body. */
export const hostileRequest: fc.Arbitrary<Buffer> = fc
  .record({
    method: fc.constantFrom('GET', 'GET', 'HEAD', 'PUT', 'DELETE', 'ODD'),
    path: encoded,
    args: fc.array(fc.tuple(encoded, encoded), { maxLength: 3 }),
    agent: header,
    cookie: header,
    more: fc.array(
      fc.tuple(
        fc.constantFrom('Referer', 'Range', 'Accept', 'X-Forwarded-For', 'Content-Encoding', 'Odd'),
        header,
      ),
      { maxLength: 2 },
    ),
    body: fc.option(body),
  })
  .map(({ method, path, args, agent, cookie, more, body: content }) => {
    const query = args.map(([name, value]) => `${name}=${value}`).join('&')
    const bytes = Buffer.from(content?.text ?? '', 'latin1')
    const lines = [
      `${content === null ? method : 'POST'} /${path}?${query} HTTP/1.1`,
      'Host: shop.example',
      `User-Agent: ${agent}`,
      `Cookie: a=${cookie}`,
      ...more.map(([name, value]) => `${name}: ${value}`),
      ...(content === null
        ? []
        : [`Content-Type: ${content.type}`, `Content-Length: ${bytes.length}`]),
      '',
      '',
    ]
    return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), bytes])
  })

const harmless = fc.oneof(
  fc.nat().map(String),
  fc.stringMatching(/^[a-z0-9]{0,12}$/),
  fc.constant('en'),
)

/** Requests of one client, that differ in what most clients change from one to the next; few are attacks. */
export const commonRequest: fc.Arbitrary<Buffer> = fc
  .record({
    path: fc.constantFrom('/shop/item', '/shop/item', '/api/v1/orders'),
    id: fc.oneof({ weight: 6, arbitrary: harmless }, { weight: 1, arbitrary: encoded }),
    name: fc.oneof({ weight: 6, arbitrary: harmless }, { weight: 1, arbitrary: encoded }),
    token: fc.oneof({ weight: 6, arbitrary: harmless }, { weight: 1, arbitrary: header }),
    language: fc.oneof({ weight: 12, arbitrary: harmless }, { weight: 1, arbitrary: header }),
    form: fc.option(harmless, { freq: 5 }),
  })
  .map(({ path, id, name, token, language, form }) => {
    const bytes = form === null ? '' : `field=${form}`
    const lines = [
      `${form === null ? 'GET' : 'POST'} ${path}?id=${id}&name=${name} HTTP/1.1`,
      'Host: shop.example',
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
      'Accept: text/html,application/xhtml+xml,*/*;q=0.8',
      `Accept-Language: ${language}`,
      `Cookie: session=${token}; theme=dark`,
    ]
    if (form !== null) {
      lines.push('Content-Type: application/x-www-form-urlencoded')
      lines.push(`Content-Length: ${bytes.length}`)
    }
    return Buffer.from([...lines, '', bytes].join('\r\n'), 'latin1')
  })
