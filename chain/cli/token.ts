import { type Command, Option } from 'commander'
import type { TokenRecord } from '#chain/store/token-store.ts'
import { parseCount } from './arguments.ts'
import { CliError } from './cli-error.ts'
import { type CommonOptions, sessionOf, withCommonOptions } from './command.ts'
import { type Column, table } from './output.ts'

const COLUMNS: readonly Column<TokenRecord>[] = [
  ['TOKEN', ({ id }) => id],
  ['TENANT', ({ tenant }) => tenant],
  ['ROLE', ({ role }) => role],
  ['CREATED', ({ createdAt }) => createdAt],
  ['EXPIRES', ({ expiresAt }) => expiresAt ?? 'never'],
  ['DESCRIPTION', ({ description }) => description],
]

interface AddOptions extends CommonOptions {
  readonly role: string
  readonly days?: number
  readonly description?: string
}

/** `portcullis token add|list|remove` */
export function registerTokenCommands(program: Command): void {
  const token = program.command('token').description('who may use the API (operators only)')

  withCommonOptions(token.command('add'))
    .description('make a token; it is printed once')
    .addOption(
      new Option('--role <role>', 'operator: all tenants; tenant: one; analyst: reads its alerts')
        .choices(['operator', 'tenant', 'analyst'])
        .default('tenant'),
    )
    .option('--days <n>', 'days until it expires (default: never)', parseCount)
    .option('--description <text>', 'for the list')
    .addHelpText('after', '\nExample:\n  portcullis token add --tenant acme > acme.token')
    .action(async (options: AddOptions) => {
      const { api, output, tenant } = sessionOf(options)
      if (tenant.tenant === undefined) {
        throw new CliError('usage', '--tenant is missing', 'say whose token it is')
      }
      const { role, days, description } = options
      const body = {
        tenant: tenant.tenant,
        role,
        ...(days === undefined ? {} : { days }),
        ...(description === undefined ? {} : { description }),
      }
      const made = await api.call<TokenRecord & { token: string }>({
        method: 'POST',
        path: '/v1/tokens',
        body,
      })
      if (output.isJson) return output.json(made)
      output.note(
        `token ${made.id}, role ${made.role} of tenant ${made.tenant}: keep it, it is not shown again`,
      )
      return output.line(made.token)
    })

  withCommonOptions(token.command('list'))
    .description('list tokens, without their secrets')
    .action(async (options: CommonOptions) => {
      const { api, output } = sessionOf(options)
      const { items } = await api.call<{ items: TokenRecord[] }>({ path: '/v1/tokens' })
      if (output.isJson) output.json({ items })
      else output.line(table(items, COLUMNS))
    })

  withCommonOptions(token.command('remove <id>'))
    .description('revoke a token at once')
    .action(async (id: string, options: CommonOptions) => {
      const { api, output } = sessionOf(options)
      await api.call({ method: 'DELETE', path: `/v1/tokens/${encodeURIComponent(id)}` })
      if (output.isJson) output.json({ id, removed: true })
      else output.line(`token ${id} is revoked`)
    })
}
