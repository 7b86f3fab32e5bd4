import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import type { AlertRecord } from '#chain/model/eve.ts'
import { parseCount, parseTime } from './arguments.ts'
import { CliError } from './cli-error.ts'
import { type CommonOptions, type Session, sessionOf, withCommonOptions } from './command.ts'
import { readEvents } from './event-stream.ts'
import { coloured, type Column, printable, table } from './output.ts'

interface FilterOptions extends CommonOptions {
  readonly port?: string
  readonly attachment?: string
  readonly inspector?: string
  readonly signature?: string
  readonly verdict?: string
  readonly requestId?: string
  readonly srcIp?: string
  readonly since?: string
  readonly until?: string
}

const RECONNECT_MS = 1000

const COLUMNS: readonly Column<AlertRecord>[] = [
  ['TIME', ({ timestamp }) => timestamp.slice(0, 19).replace('T', ' ')],
  ['PORT', ({ portcullis }) => portcullis.port],
  ['INSPECTOR', ({ portcullis }) => portcullis.inspector],
  ['VERDICT', ({ portcullis }) => portcullis.verdict],
  ['SOURCE', ({ src_ip: source }) => source ?? '-'],
  ['SIGNATURE', ({ alert }) => `${alert.signature_id} ${alert.signature}`],
  ['ID', ({ portcullis }) => portcullis.id],
]

function withFilters(command: Command): Command {
  return withCommonOptions(command)
    .option('--port <id>', 'of this port')
    .option('--attachment <id>', 'of this attachment')
    .option('--inspector <type>', 'waf, ids or portcullis')
    .option('--signature <id or text>', 'signature id, or a part of its text')
    .option('--verdict <verdict>', 'passed, blocked, dropped, would-block or bypassed')
    .option('--request-id <id>', 'as the block page shows it')
    .option('--src-ip <address>', 'from this client')
}

/** `portcullis alerts list|show|tail` */
export function registerAlertCommands(program: Command): void {
  const alerts = program.command('alerts').description('what the inspectors found')

  withFilters(alerts.command('list'))
    .description('alerts, newest first')
    .option('--since <time>', '15m, 2h, 7d ago, or an RFC 3339 time', (text) => parseTime(text))
    .option('--until <time>', 'as --since', (text) => parseTime(text))
    .option('--limit <n>', 'how many', parseCount, 50)
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis alerts list --verdict blocked --since 1h\n' +
        '  portcullis alerts list --request-id ID-OF-THE-BLOCK-PAGE',
    )
    .action(async (options: FilterOptions & { limit: number }) => {
      const { api, output } = sessionOf(options)
      const found = await api.list<AlertRecord>('/v1/alerts', filterOf(options), options.limit)
      if (output.isJson) found.forEach((alert) => output.json(alert))
      else if (found.length > 0) output.line(table(found, COLUMNS))
      else output.note('no alerts match')
    })

  withCommonOptions(alerts.command('show <id>'))
    .description('one alert with everything that explains it; ID may be a request id')
    .action(async (id: string, options: CommonOptions) => {
      const session = sessionOf(options)
      const found = await findAlerts(session, id)
      for (const alert of found) {
        if (session.output.isJson) session.output.json(alert)
        else session.output.line(explain(alert))
      }
    })

  withFilters(alerts.command('tail'))
    .description('alerts as they come, until Ctrl-C')
    .action(async (options: FilterOptions) => tail(sessionOf(options), filterOf(options)))
}

function filterOf(options: FilterOptions): Record<string, string | undefined> {
  return {
    tenant: options.tenant,
    port: options.port,
    attachment: options.attachment,
    inspector: options.inspector,
    signature: options.signature,
    verdict: options.verdict,
    request_id: options.requestId,
    src_ip: options.srcIp,
    since: options.since,
    until: options.until,
  }
}

/** By alert id; where there is none such, by the request id that a block page showed. */
async function findAlerts({ api, tenant }: Session, id: string): Promise<AlertRecord[]> {
  const byRequest = await api.list<AlertRecord>('/v1/alerts', { ...tenant, request_id: id }, 100)
  if (byRequest.length > 0) return byRequest
  return [await api.call({ path: `/v1/alerts/${encodeURIComponent(id)}`, query: tenant })]
}

function explain({ alert, portcullis: ours, http, ...record }: AlertRecord): string {
  const lines = [
    `${alert.signature_id} ${alert.signature}`,
    `  verdict    ${ours.verdict} by ${ours.inspector} (${ours.mode ?? '-'}), severity ${alert.severity}, ${alert.category}`,
    `  when       ${record.timestamp}`,
    `  from       ${record.src_ip ?? '-'}:${record.src_port ?? '-'} to ${record.dest_ip ?? '-'}:${record.dest_port ?? '-'}`,
    `  where      tenant ${ours.tenant}, port ${ours.port}, attachment ${ours.attachment}, chain ${ours.chain}`,
    `  rule       ${ours.source ?? '-'} of ${ours.rule_set ?? '-'}`,
    `  id         ${ours.id}${ours.request_id === undefined ? '' : `, request ${ours.request_id}`}`,
  ]
  if (http !== undefined) {
    const { http_method: method, hostname, url, status } = http
    lines.push(`  request    ${text(method)} ${text(hostname)}${text(url)} -> ${text(status)}`)
  }
  if (ours.score !== undefined) lines.push(`  score      ${ours.score}`)
  for (const { variable, value, offset, transformations } of ours.matches ?? []) {
    const after = transformations.length === 0 ? '' : ` after ${transformations.join(',')}`
    lines.push(`  matched    ${variable} at ${offset}: ${value}${after}`)
  }
  if (ours.logdata !== undefined) lines.push(`  logdata    ${ours.logdata}`)
  return lines.map(printable).join('\n')
}

const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '-'

/** Follows the stream; after a lost connection it goes on where it was. */
async function tail(session: Session, filter: Record<string, string | undefined>): Promise<void> {
  const { api, output } = session
  let lastId: string | null = null
  let isFirst = true
  for (;;) {
    try {
      const body = await api.stream('/v1/alerts/stream', filter, lastId)
      if (isFirst) output.note('waiting for alerts; Ctrl-C ends')
      isFirst = false
      for await (const event of readEvents(body)) {
        lastId = event.id ?? lastId
        const alert = JSON.parse(event.data) as AlertRecord
        if (output.isJson) output.json(alert)
        else output.line(tailLine(alert))
      }
    } catch (error) {
      const isLost = !(error instanceof CliError) || error.kind === 'network'
      if (isFirst || !isLost) throw error
    }
    output.note('the stream ended; connecting again')
    await delay(RECONNECT_MS)
  }
}

function tailLine({ timestamp, alert, portcullis: ours, src_ip: source }: AlertRecord): string {
  const isStopped = ours.verdict === 'blocked' || ours.verdict === 'dropped'
  const verdict = coloured(isStopped ? 'red' : 'yellow', printable(ours.verdict))
  const head = printable(`${timestamp.slice(11, 23)} ${ours.port} ${ours.inspector}`)
  return `${head} ${verdict} ${printable(`${source ?? '-'} ${alert.signature_id} ${alert.signature}`)}`
}
