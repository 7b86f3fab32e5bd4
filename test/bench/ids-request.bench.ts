import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createIds } from '#inspectors/ids/ids.ts'
import { play, toClient, toServer } from '#test/inspectors/ids/drive.ts'

/**
 * Cost of the IDS: exchanges per second of processor time with a whole rule set, HTTP parser included,
 * each on a connection of its own. Prints one JSON line per case; `nothing` has a single rule.
 *
 *     node test/bench/ids-request.bench.ts [seconds per case] [rules file]
 *
 * Default rules: ET Open of the reference data beside the checkout, or the baseline where that is absent.
 */

const EXAMPLE = join(import.meta.dirname, '../../../shared/data/et-open/emerging-all.rules')
const BASELINE = join(import.meta.dirname, '../../signatures/baseline/baseline.rules')

const BODY = `<html><head><title>Shop</title></head><body>${Array.from({ length: 40 }, (_, row) => `<p id="r${row}">item ${row * 7919} costs ${row * 13}</p>`).join('')}</body></html>`
const CASES = [
  {
    name: 'browser GET, HTML answer',
    pieces: [
      toServer(
        'GET /shop/catalog.php?page=2&sort=price HTTP/1.1\r\nHost: www.example.test\r\n' +
          'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n' +
          'Accept: text/html,application/xhtml+xml\r\nAccept-Language: en-GB,en;q=0.5\r\n' +
          'Accept-Encoding: gzip, deflate, br\r\nReferer: https://www.example.test/shop\r\n' +
          'Connection: keep-alive\r\nCookie: session=0123456789abcdef; theme=dark\r\n\r\n',
      ),
      toClient(
        `HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
      ),
    ],
  },
  {
    name: 'form POST of 1 kB, short answer',
    pieces: [
      toServer(
        'POST /login HTTP/1.1\r\nHost: www.example.test\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n' +
          `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1024\r\n\r\n${'name=value&ab=12'.repeat(64)}`,
      ),
      toClient('HTTP/1.1 204 No Content\r\nServer: nginx\r\n\r\n'),
    ],
  },
]

const seconds = Number(process.argv[2] ?? 2)
const file = process.argv[3] ?? (existsSync(EXAMPLE) ? EXAMPLE : BASELINE)

for (const rules of [file, 'nothing']) {
  const startedAt = performance.now()
  const ids = createIds({
    mode: 'detect',
    rulePaths: [rules === 'nothing' ? BASELINE : rules],
    ...(rules === 'nothing' ? { settings: { variables: { HOME_NET: '192.0.2.0' } } } : {}),
  })
  const loadMs = Math.round(performance.now() - startedAt)
  for (const { name, pieces } of CASES) {
    for (let warm = 0; warm < 500; warm += 1) play(ids, pieces)
    const before = process.cpuUsage()
    let exchanges = 0
    let alerts = 0
    for (let spent = 0; spent < seconds * 1e6;) {
      for (let round = 0; round < 100; round += 1) alerts += play(ids, pieces).alerts.length
      exchanges += 100
      const { user, system } = process.cpuUsage(before)
      spent = user + system
    }
    const { user, system } = process.cpuUsage(before)
    console.log(
      JSON.stringify({
        name,
        rules: ids.ruleCount,
        loadMs,
        exchangesPerCpuSecond: Math.round(exchanges / ((user + system) / 1e6)),
        microsecondsEach: Math.round(((user + system) / exchanges) * 10) / 10,
        alertsEach: alerts / exchanges,
      }),
    )
  }
}
