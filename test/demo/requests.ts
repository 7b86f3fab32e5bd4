import type { HttpCall } from '#test/stage/guest-protocol.ts'

/** A request of the demo with what it is, for people. */
export interface DemoRequest {
  readonly name: string
  readonly call: Omit<HttpCall, 'host' | 'port'>
}

const form = (body: string): Omit<HttpCall, 'host' | 'port'> => ({
  method: 'POST',
  path: '/comments',
  headers: {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(body.length),
  },
  body,
})

/** Names that a strict rule could mistake for attacks are among them on purpose. */
export const BENIGN: readonly DemoRequest[] = [
  { name: 'a page', call: { path: '/' } },
  { name: 'a search', call: { path: '/search?q=select+a+union+hotel&page=2' } },
  {
    name: 'an apostrophe',
    call: form('name=O%27Brien&comment=Nice+shop%2C+see+you+in+Drop+Street'),
  },
  { name: 'a basket', call: form('item=42&amount=3&note=%3C3+thanks') },
  {
    name: 'JSON',
    call: {
      method: 'POST',
      path: '/api/orders',
      headers: { 'content-type': 'application/json', 'content-length': '39' },
      body: '{"item":42,"where":"Berlin","amount":3}',
    },
  },
]

/** What the WAF must answer with 403. */
export const ATTACKS: readonly DemoRequest[] = [
  {
    name: 'SQL injection',
    call: { path: '/items?id=1%27%20UNION%20SELECT%20name,password%20FROM%20users--%20-' },
  },
  { name: 'SQL injection in a form', call: form('user=admin%27+OR+1%3D1--+-&password=x') },
  {
    name: 'cross-site scripting',
    call: { path: '/search?q=%3Cscript%3Ealert(document.cookie)%3C/script%3E' },
  },
  { name: 'path traversal', call: { path: '/download?file=../../../../etc/passwd' } },
  { name: 'command injection', call: { path: '/ping?host=127.0.0.1%3Bcat%20/etc/passwd' } },
]
