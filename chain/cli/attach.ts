import { type Command, Option } from 'commander'
import type { Attachment, Classifier } from '#chain/model/attachment.ts'
import type { AttachmentView } from '#chain/plan/attachment-view.ts'
import { parseCount, parsePorts } from './arguments.ts'
import { type CommonOptions, sessionOf, withCommonOptions } from './command.ts'
import { coloured, printable, stateColour } from './output.ts'

export type ShownAttachment = Attachment & {
  readonly revision: number
  readonly status: AttachmentView
}

interface AttachOptions extends CommonOptions {
  readonly chain: string
  readonly direction: Attachment['direction']
  readonly protocol: Classifier['protocol']
  readonly tap?: boolean
  readonly ports: Classifier['destinationPorts']
  readonly remote?: readonly string[]
  readonly priority?: number
  readonly onAttach?: Attachment['onAttach']
  readonly onDetach?: Attachment['onDetach']
  readonly id?: string
  readonly wait?: boolean
  readonly timeout?: string
  readonly dryRun?: boolean
}

/** `portcullis attach PORT --chain NAME` and `portcullis detach ID` */
export function registerAttachCommands(program: Command): void {
  withCommonOptions(program.command('attach <port>'))
    .description('steer connections of a port through a chain')
    .requiredOption('--chain <name>', 'chain that inspects them')
    .addOption(
      new Option('--direction <direction>', 'ingress: towards the guest; egress: from it')
        .choices(['ingress', 'egress'])
        .default('ingress'),
    )
    .addOption(
      new Option('--protocol <protocol>', 'udp: each datagram is inspected; chains of ids only')
        .choices(['tcp', 'udp', 'icmp', 'any'])
        .default('tcp'),
    )
    .option('--tap', 'mirror the port instead: the chain looks at copies and stops nothing')
    .option('--ports <list>', 'server ports: 80,443,8000-8100, or any', parsePorts, 'any' as const)
    .option('--remote <cidr...>', 'only connections with these far sides')
    .option('--priority <n>', 'higher wins where classifiers overlap (default: 100)', parseCount)
    .addOption(
      new Option('--on-attach <what>', 'connections that are older than the attachment').choices([
        'new-only',
        'reset',
      ]),
    )
    .addOption(
      new Option('--on-detach <what>', 'inspected connections when it is detached').choices([
        'drain',
        'reset',
      ]),
    )
    .option('--id <id>', 'id of the attachment (default: PORT-DIRECTION)')
    .option('--wait', 'end when the switch and the workers have it in force')
    .option('--timeout <seconds>', 'how long --wait waits', '30')
    .option('--dry-run', 'check it and say what would change')
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis attach web --chain shop --ports 80,8080 --wait\n' +
        '  portcullis attach web --chain shop --direction egress --remote 203.0.113.0/24\n' +
        '  portcullis attach web --chain names --direction egress --protocol udp --ports 53\n' +
        '  portcullis attach web --chain watch --tap --protocol any',
    )
    .action(attach)

  withCommonOptions(program.command('detach <id>'))
    .description('take an attachment away; its connections drain or are reset as it says')
    .option('--wait', 'end when no agent steers new connections any more')
    .option('--timeout <seconds>', 'how long --wait waits', '30')
    .action(detach)
}

async function attach(port: string, options: AttachOptions): Promise<void> {
  const { api, output, tenant } = sessionOf(options)
  const remotes = options.remote ?? [undefined]
  const classifiers = remotes.map((remote) => ({
    protocol: options.protocol,
    destinationPorts: options.ports,
    ...(remote === undefined ? {} : { remote }),
  }))
  const id = options.id ?? `${port}-${options.direction}`
  const body = {
    port,
    chain: options.chain,
    ...(options.tap === true ? { mode: 'tap' } : {}),
    direction: options.direction,
    classifiers,
    ...(options.priority === undefined ? {} : { priority: options.priority }),
    ...(options.onAttach === undefined ? {} : { onAttach: options.onAttach }),
    ...(options.onDetach === undefined ? {} : { onDetach: options.onDetach }),
  }
  const query = {
    ...tenant,
    ...(options.wait === true ? { wait: 'realized', timeout: options.timeout } : {}),
    ...(options.dryRun === true ? { dry_run: 'true' } : {}),
  }
  const path = `/v1/attachments/${encodeURIComponent(id)}`
  const stored = await api.call<ShownAttachment>({ method: 'PUT', path, query, body })
  if (output.isJson) return output.json(stored)
  if (options.dryRun === true) return output.line(JSON.stringify(stored, null, 2))
  const { state, reason } = stored.status
  output.line(`attachment ${stored.id}: ${coloured(stateColour(state), state)}`)
  if (reason !== undefined) output.note(printable(reason))
  return undefined
}

interface DetachOptions extends CommonOptions {
  readonly wait?: boolean
  readonly timeout?: string
}

async function detach(id: string, options: DetachOptions): Promise<void> {
  const { api, output, tenant } = sessionOf(options)
  const path = `/v1/attachments/${encodeURIComponent(id)}`
  const wait = options.wait === true ? { wait: 'realized', timeout: options.timeout } : {}
  await api.call({ method: 'DELETE', path, query: { ...tenant, ...wait } })
  if (output.isJson) output.json({ id, detached: true })
  else output.line(`attachment ${id} is detached`)
}
