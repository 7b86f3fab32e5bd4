import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { idsOf, play, toClient, toServer } from './drive.ts'

const HTTP = 'alert http any any -> any any'
const REQUEST =
  'POST /Shop/%2e%2e/a%2Fb//c.php?q=%3Cb%3E+x&id=7&top HTTP/1.1\r\nHost: WWW.Example.com:8080\r\n' +
  'User-Agent: Mozilla/5.0 (X11)\r\nAccept: */*\r\nAccept: text/html\r\nCookie: sid=abc\r\n' +
  'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 24\r\n\r\n' +
  'name=len12abcdefghijkl&z'
const RESPONSE =
  'HTTP/1.1 404 Not Found\r\nServer: nginx\r\nSet-Cookie: t=1\r\nSet-Cookie: u=2\r\nLocation: /x\r\n' +
  'Content-Length: 12\r\n\r\nresponse end'
const EXCHANGE = [toServer(REQUEST), toClient(RESPONSE)]

/** Options of a rule, and whether it matches the exchange above. */
const HTTP_CASES: readonly (readonly [string, boolean])[] = [
  // content and its modifiers
  ['http.uri; content:"/a/b/c.php?q=<b>+x&id=7&top"; startswith; endswith', true],
  ['http.uri; content:"C.PHP"; nocase', true],
  ['http.uri; content:"C.PHP"', false],
  ['http.uri; content:"b/c"; offset:3; depth:3', true],
  ['http.uri; content:"b/c"; offset:4', false],
  ['http.uri; content:"b/c"; depth:5', false],
  ['http.uri; content:"/a"; content:"/c"; distance:2; within:2', true],
  ['http.uri; content:"/a"; content:"/c"; distance:3', false],
  ['http.uri; content:"/a"; content:"/c"; within:3', false],
  ['http.uri; content:"/a"; content:!"/x"; distance:0', true],
  ['http.uri; content:"/a"; content:!"/c"; within:4', false],
  ['http.uri; content:"q="; content:"/b"; distance:-11; within:2', true],
  ['http.uri; content:"top"; endswith', true],
  ['http.uri; content:"to"; endswith', false],
  ['http.uri; content:!"top"; endswith', false],
  ['http.uri; content:!"bottom"', true],
  ['http.uri; content:"/a/b"; startswith', true],
  ['http.uri; content:"a/b"; startswith', false],
  // the first "a" has no "b" behind it at the right place; the search goes on with the next
  ['http.request_body; content:"a"; content:"bc"; distance:0; within:2', true],
  ['http.request_body; content:"n"; content:"12"; distance:0; within:2', true],
  [
    'http.request_body; content:"a"; content:"b"; distance:0; within:1; content:"d"; distance:1; within:1',
    true,
  ],
  [
    'http.request_body; content:"a"; content:"b"; distance:0; within:1; content:"d"; distance:2; within:1',
    false,
  ],
  // sizes
  ['http.method; content:"POST"; bsize:4', true],
  ['http.method; content:"POST"; bsize:<4', false],
  ['http.host; content:"www"; bsize:10<>20', true],
  ['http.host; content:"www"; bsize:15<>20', false],
  ['urilen:28', false],
  ['urilen:25<>32', true],
  ['urilen:>100', false],
  ['http.uri; content:"top"; isdataat:!1,relative', true],
  ['http.uri; content:"to"; isdataat:1,relative', true],
  ['http.uri; content:"/a"; isdataat:200,relative', false],
  ['http.uri; content:"/a"; isdataat:!200', true],
  // byte keywords over digits and binary
  ['http.request_body; content:"len"; byte_test:2,=,12,0,relative,string,dec', true],
  ['http.request_body; content:"len"; byte_test:2,>,12,0,relative,string,dec', false],
  ['http.request_body; content:"len"; byte_test:1,=,0x31,0,relative', true],
  ['http.request_body; content:"len"; byte_test:2,=,0x3231,0,relative,little', true],
  ['http.request_body; content:"len"; byte_test:2,=,0x3132,0,relative,little', false],
  ['http.request_body; content:"len"; byte_test:1,&,0x30,0,relative', true],
  ['http.request_body; content:"len"; byte_test:1,!&,0x30,0,relative', false],
  [
    'http.request_body; content:"len"; byte_jump:2,0,relative,string,dec; content:"&"; within:1',
    true,
  ],
  [
    'http.request_body; content:"len"; byte_jump:2,0,relative,string,dec,post_offset 1; content:"z"; within:1',
    true,
  ],
  ['http.request_body; byte_jump:2,8,string,dec,from_beginning; content:"cdef"; within:4', true],
  [
    'http.request_body; content:"len"; byte_extract:2,0,n,relative,string,dec; content:"&"; distance:n; within:1',
    true,
  ],
  [
    'http.request_body; content:"len"; byte_extract:2,0,n,relative,string,dec; content:"&"; within:n',
    false,
  ],
  [
    'http.request_body; byte_math:bytes 2, offset 8, oper -, rvalue 10, result n, string dec; content:"me"; offset:n; depth:2',
    true,
  ],
  // regular expressions
  ['http.uri; pcre:"/c\\.php\\?q=/"', true],
  ['http.uri; pcre:"/C\\.PHP/i"', true],
  ['http.uri; pcre:!"/C\\.PHP/"', true],
  ['http.uri; content:"/a"; pcre:"/^\\/b/R"', true],
  ['http.uri; content:"/a"; pcre:"/^\\/c/R"', false],
  ['content:"shop"; nocase; http_raw_uri; pcre:"/^\\/Shop/I"', true],
  ['http.user_agent; pcre:"/^Mozilla\\/(\\d)\\.\\d \\(X11\\)$/"', true],
  // buffers
  [
    'http.uri.raw; content:"/Shop/%2e%2e/a%2Fb//c.php?q=%3Cb%3E+x&id=7&top"; startswith; endswith',
    true,
  ],
  ['http.host; content:"www.example.com"; bsize:15', true],
  ['http.host.raw; content:"WWW.Example.com:8080"; bsize:20', true],
  ['http.header; content:"Accept: */*, text/html|0d 0a|"', true],
  ['http.header; content:"Cookie"', false],
  ['http.header.raw; content:"Cookie: sid=abc|0d 0a|"', true],
  ['http.cookie; content:"sid=abc"; bsize:7', true],
  [
    'http.header_names; content:"|0d 0a|Host|0d 0a|User-Agent|0d 0a|Accept|0d 0a|Accept|0d 0a|"; startswith',
    true,
  ],
  ['http.request_line; content:"POST /Shop"; startswith; content:"HTTP/1.1"; endswith', true],
  ['http.protocol; content:"HTTP/1.1"; bsize:8', true],
  ['http.start; content:"HTTP/1.1|0d 0a|Host: "', true],
  ['http.content_type; content:"application/"; startswith', true],
  ['http.content_len; content:"24"; bsize:2', true],
  ['http.request_header; content:"Accept: text/html"; bsize:17', true],
  ['http.referer; content:"a"', false],
  ['http.request_body; content:"name="; startswith; content:"&z"; endswith', true],
  ['file.data; content:"name="; startswith', true],
  // transforms
  ['http.host; dotprefix; content:".www"; startswith', true],
  ['http.user_agent; to_lowercase; content:"mozilla"; startswith', true],
  ['http.user_agent; strip_whitespace; content:"5.0(X11)"; endswith', true],
  ['http.cookie; to_md5; bsize:16', true],
  ['http.uri.raw; url_decode; content:"<b> x"', true],
  ['http.cookie; xor:"01"; content:"rhe<"; startswith', true],
]

const RESPONSE_CASES: readonly (readonly [string, boolean])[] = [
  ['http.stat_code; content:"404"; bsize:3', true],
  ['http.stat_msg; content:"Not Found"; bsize:9', true],
  ['http.server; content:"nginx"', true],
  ['http.location; content:"/x"; bsize:2', true],
  ['http.cookie; content:"t=1, u=2"; bsize:8', true],
  ['http.response_line; content:"HTTP/1.1 404 Not Found"; bsize:22', true],
  ['http.response_body; content:"response"; content:"end"; distance:1; endswith', true],
  ['file.data; content:"response"; endswith', false],
  ['file.data; bsize:12', true],
  ['http.response_header; content:"Server: nginx"; bsize:13', true],
]

describe('HTTP rules', () => {
  for (const [options, matches] of HTTP_CASES) {
    it(`${matches ? 'matches' : 'does not match'}: ${options}`, () => {
      const { sids } = play(idsOf(`${HTTP} (flow:to_server; ${options}; sid:1;)`), EXCHANGE)
      assert.deepEqual(sids, matches ? [1] : [])
    })
  }
  for (const [options, matches] of RESPONSE_CASES) {
    it(`${matches ? 'matches' : 'does not match'} in the response: ${options}`, () => {
      const { sids } = play(idsOf(`${HTTP} (flow:to_client; ${options}; sid:1;)`), EXCHANGE)
      assert.deepEqual(sids, matches ? [1] : [])
    })
  }

  it('sees both sides in a rule of direction =>', () => {
    const rule =
      'alert http any any => any any (http.uri; content:"/c.php"; http.stat_code; content:"404"; sid:1;)'
    assert.deepEqual(play(idsOf(rule), EXCHANGE).sids, [1])
  })

  it('decodes base64 and matches in it', () => {
    const body = `x=${Buffer.from('attack code').toString('base64')}`
    const rule = `${HTTP} (http.request_body; content:"x="; base64_decode:relative; base64_data; content:"code"; distance:0; sid:1;)`
    const request = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    assert.deepEqual(play(idsOf(rule), [toServer(request)]).sids, [1])
  })

  it('gives the matched bytes, their place and the line of the rule', () => {
    const ids = idsOf(
      `\n${HTTP} (msg:"found"; http.uri; content:"C.PHP"; nocase; content:"q="; distance:1; sid:5; rev:2; classtype:web-application-attack;)`,
    )
    const [alert] = play(ids, EXCHANGE).alerts
    assert.deepEqual(
      alert.matches.map(({ variable, valueLatin1, offset }) => [variable, valueLatin1, offset]),
      [
        ['http.uri', 'c.php', 5],
        ['http.uri', 'q=', 11],
      ],
    )
    assert.deepEqual([alert.gid, alert.signatureId, alert.rev, alert.severity], [1, 5, 2, 1])
    assert.match(alert.source, /test\.rules:2$/)
    assert.equal(alert.decisive, false)
  })

  it('gives up a search at the recursion limit and goes on with the next rule', () => {
    const body = 'a'.repeat(3000)
    const chain = 'content:"a"; distance:0; '.repeat(12)
    const ids = idsOf(
      `${HTTP} (http.request_body; content:"a"; ${chain} content:"b"; distance:0; sid:1;)\n` +
        `${HTTP} (http.request_body; content:"aa"; sid:2;)`,
    )
    const request = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const startedAt = performance.now()
    assert.deepEqual(play(ids, [toServer(request)]).sids, [2])
    assert.ok(performance.now() - startedAt < 1000)
  })
})
