import type { Command } from 'commander'
import type { Port } from '#chain/model/port.ts'
import { type CommonOptions, sessionOf, withCommonOptions } from './command.ts'
import { type Column, table } from './output.ts'

const COLUMNS: readonly Column<Port>[] = [
  ['PORT', (port) => port.id],
  ['TENANT', (port) => port.tenant],
  ['NETWORK', (port) => port.network],
  ['INTERFACE', (port) => port.interfaceId],
  ['ADDRESSES', (port) => port.addresses.join(' ')],
]

interface AddOptions extends CommonOptions {
  readonly network: string
  readonly interface: string
  readonly address: readonly string[]
}

/** `portcullis port add|list|show|remove` */
export function registerPortCommands(program: Command): void {
  const port = program.command('port').description('virtual ports of guests')

  withCommonOptions(port.command('add <id>'))
    .description('register a port, or change it')
    .requiredOption('--network <name>', 'tenant network (L2 domain) it is in')
    .requiredOption('--interface <iface-id>', 'external_ids:iface-id that Open vSwitch has for it')
    .requiredOption('--address <address...>', 'addresses of the guest, or CIDRs')
    .addHelpText(
      'after',
      '\nExample:\n  portcullis port add web --network net-1 --interface 7f3c… --address 10.0.0.5 2001:db8::5',
    )
    .action(async (id: string, options: AddOptions) => {
      const { api, output, tenant } = sessionOf(options)
      const body = {
        network: options.network,
        interfaceId: options.interface,
        addresses: options.address,
      }
      const stored = await api.call<Port>({
        method: 'PUT',
        path: `/v1/ports/${encodeURIComponent(id)}`,
        query: tenant,
        body,
      })
      if (output.isJson) output.json(stored)
      else output.line(`port ${stored.id} of tenant ${stored.tenant} is registered`)
    })

  withCommonOptions(port.command('list'))
    .description('list ports')
    .option('--network <name>', 'only of this network')
    .action(async (options: CommonOptions & { network?: string }) => {
      const { api, output, tenant } = sessionOf(options)
      const ports = await api.list<Port>('/v1/ports', { ...tenant, network: options.network })
      if (output.isJson) output.json({ items: ports })
      else if (ports.length > 0) output.line(table(ports, COLUMNS))
      else output.note('no ports; register one with `portcullis port add`')
    })

  withCommonOptions(port.command('show <id>'))
    .description('show one port')
    .action(async (id: string, options: CommonOptions) => {
      const { api, output, tenant } = sessionOf(options)
      const path = `/v1/ports/${encodeURIComponent(id)}`
      const found = await api.call<Port>({ path, query: tenant })
      if (output.isJson) output.json(found)
      else output.line(table([found], COLUMNS))
    })

  withCommonOptions(port.command('remove <id>'))
    .description('forget a port that nothing is attached to')
    .action(async (id: string, options: CommonOptions) => {
      const { api, output, tenant } = sessionOf(options)
      const path = `/v1/ports/${encodeURIComponent(id)}`
      await api.call({ method: 'DELETE', path, query: tenant })
      if (output.isJson) output.json({ id, removed: true })
      else output.line(`port ${id} is removed`)
    })
}
