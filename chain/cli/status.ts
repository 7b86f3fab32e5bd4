import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import type { DomainStatus, HostStatus } from '#chain/model/status.ts'
import { parseCount, showPorts } from './arguments.ts'
import type { ShownAttachment } from './attach.ts'
import { type CommonOptions, type Session, sessionOf, withCommonOptions } from './command.ts'
import { coloured, type Column, printable, stateColour, table } from './output.ts'

interface StatusOptions extends CommonOptions {
  readonly watch?: boolean
  readonly interval: number
}

type ShownHost = Partial<HostStatus> & {
  readonly host: string
  readonly state: 'live' | 'gone'
  readonly wantedGeneration: number | null
}

interface Status {
  readonly hosts: readonly ShownHost[]
  readonly domains: readonly (DomainStatus & { readonly host: string })[]
}

const ATTACHMENTS: readonly Column<ShownAttachment>[] = [
  ['ATTACHMENT', ({ id }) => id],
  ['TENANT', ({ tenant }) => tenant],
  ['PORT', ({ port }) => port],
  ['DIRECTION', ({ direction }) => direction],
  ['CHAIN', ({ chain }) => chain],
  [
    'PORTS',
    ({ classifiers }) => classifiers.map((one) => showPorts(one.destinationPorts)).join(';'),
  ],
  ['STATE', ({ status }) => status.state],
  [
    'EFFECTIVE',
    ({ status }) => [...new Set(status.hosts.flatMap((one) => one.effective))].join(' > '),
  ],
  ['PACKETS', ({ status }) => status.hosts.reduce((sum, one) => sum + one.packets, 0)],
]

const HOSTS: readonly Column<ShownHost>[] = [
  ['HOST', ({ host }) => host],
  ['STATE', ({ state }) => state],
  ['SWITCH', ({ switchConnected }) => (switchConnected === true ? 'connected' : 'away')],
  [
    'GENERATION',
    ({ generation, wantedGeneration }) => `${generation ?? '-'}/${wantedGeneration ?? '-'}`,
  ],
  ['PORTS', ({ ports }) => ports?.length ?? '-'],
  ['REPAIRED', ({ driftRepaired }) => driftRepaired ?? '-'],
  ['REASON', ({ reason }) => reason ?? ''],
]

const DOMAINS: readonly Column<Status['domains'][number]>[] = [
  ['HOST', ({ host }) => host],
  ['TENANT', ({ tenant }) => tenant],
  ['NETWORK', ({ network }) => network],
  ['WORKERS', ({ listening, wanted }) => `${listening}/${wanted}`],
  ['RESTARTS', ({ restarts }) => restarts],
  ['BYPASSED', ({ bypassedMs }) => `${bypassedMs} ms`],
]

/** `portcullis status [ATTACHMENT] [--watch]` */
export function registerStatusCommand(program: Command): void {
  withCommonOptions(program.command('status [attachment]'))
    .description('what is in force, as the agents report it')
    .option('--watch', 'again and again, until Ctrl-C')
    .option('--interval <seconds>', 'how often --watch looks', parseCount, 2)
    .addHelpText(
      'after',
      '\nStates: realized, pending, failed, bypassed (uninspected), blocked, draining.' +
        '\nExit code 3 when something is not in force.',
    )
    .action(async (attachment: string | undefined, options: StatusOptions) => {
      const session = sessionOf(options)
      do {
        const allRealized = await show(session, attachment)
        process.exitCode = allRealized ? 0 : 3
        if (options.watch === true) await delay(options.interval * 1000)
      } while (options.watch === true)
    })
}

/** @returns true when everything shown is in force */
async function show(session: Session, id: string | undefined): Promise<boolean> {
  const { api, output, tenant } = session
  const attachments =
    id === undefined
      ? await api.list<ShownAttachment>('/v1/attachments', tenant)
      : [
          await api.call<ShownAttachment>({
            path: `/v1/attachments/${encodeURIComponent(id)}`,
            query: tenant,
          }),
        ]
  const status = await api.call<Status>({ path: '/v1/status', query: tenant })
  const allRealized = attachments.every((attachment) => attachment.status.state === 'realized')
  if (output.isJson) {
    if (id === undefined) output.json({ ...status, attachments })
    else output.json(attachments[0])
    return allRealized
  }
  if (attachments.length > 0) output.line(colourStates(table(attachments, ATTACHMENTS)))
  else output.note('nothing is attached; `portcullis attach PORT --chain NAME`')
  for (const { id, status } of attachments) {
    if (status.reason !== undefined) output.note(`${id}: ${printable(status.reason)}`)
  }
  if (id === undefined) {
    if (status.hosts.length > 0) output.line(`\n${colourStates(table(status.hosts, HOSTS))}`)
    if (status.domains.length > 0) output.line(`\n${table(status.domains, DOMAINS)}`)
  }
  return allRealized
}

const STATES = /\b(realized|live|pending|draining|failed|bypassed|blocked|gone)\b/g

/** Colours states in a finished table, so that colour does not count as width. */
function colourStates(text: string): string {
  return text.replaceAll(STATES, (state) => coloured(stateColour(state), state))
}
