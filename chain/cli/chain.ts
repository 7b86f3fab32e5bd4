import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { parse as parseYaml, stringify as toYaml, YAMLParseError } from 'yaml'
import type { Chain } from '#chain/model/chain.ts'
import { CliError } from './cli-error.ts'
import { type CommonOptions, sessionOf, withCommonOptions } from './command.ts'
import { type Column, table } from './output.ts'

type ShownChain = Chain & { readonly tenant: string; readonly revision: number }

const COLUMNS: readonly Column<ShownChain>[] = [
  ['CHAIN', (chain) => chain.name],
  ['TENANT', (chain) => chain.tenant],
  ['INSPECTORS', (chain) => chain.inspectors.map(inspectorText).join(' > ') || '(none)'],
  ['ON FAILURE', (chain) => chain.onFailure],
]

const inspectorText = ({ type, mode, rules }: Chain['inspectors'][number]): string =>
  `${type}:${mode}(${rules.join(',')})`

interface ApplyOptions extends CommonOptions {
  readonly wait?: boolean
  readonly timeout?: string
  readonly dryRun?: boolean
}

/** `portcullis chain apply|list|show|remove` */
export function registerChainCommands(program: Command): void {
  const chain = program.command('chain').description('ordered lists of inspectors')

  withCommonOptions(chain.command('apply <file>'))
    .description('create or replace a chain from JSON or YAML; - reads standard input')
    .option('--wait', 'end when every attachment of the chain runs it')
    .option('--timeout <seconds>', 'how long --wait waits')
    .option('--dry-run', 'check it and say what would change')
    .addHelpText('after', '\nExample:\n  portcullis chain apply shop.yaml --wait')
    .action(async (file: string, options: ApplyOptions) => {
      const { api, output, tenant } = sessionOf(options)
      const body = readChain(file)
      const query = {
        ...tenant,
        ...(options.wait === true ? { wait: 'realized', timeout: options.timeout } : {}),
        ...(options.dryRun === true ? { dry_run: 'true' } : {}),
      }
      const path = `/v1/chains/${encodeURIComponent(body.name)}`
      const stored = await api.call<object>({ method: 'PUT', path, query, body })
      if (output.isJson) output.json(stored)
      else if (options.dryRun === true) output.line(toYaml(stored).trimEnd())
      else output.line(`chain ${body.name} is ${options.wait === true ? 'in force' : 'stored'}`)
    })

  withCommonOptions(chain.command('list'))
    .description('list chains')
    .action(async (options: CommonOptions) => {
      const { api, output, tenant } = sessionOf(options)
      const chains = await api.list<ShownChain>('/v1/chains', tenant)
      if (output.isJson) output.json({ items: chains })
      else if (chains.length > 0) output.line(table(chains, COLUMNS))
      else output.note('no chains; write one and `portcullis chain apply FILE`')
    })

  withCommonOptions(chain.command('show <name>'))
    .description('show one chain, as YAML that `apply` takes')
    .action(async (name: string, options: CommonOptions) => {
      const { api, output, tenant } = sessionOf(options)
      const path = `/v1/chains/${encodeURIComponent(name)}`
      const found = await api.call<ShownChain>({ path, query: tenant })
      if (output.isJson) return output.json(found)
      const { inspectors, onFailure } = found
      return output.line(toYaml({ name: found.name, inspectors, onFailure }).trimEnd())
    })

  withCommonOptions(chain.command('remove <name>'))
    .description('remove a chain that nothing is attached with')
    .action(async (name: string, options: CommonOptions) => {
      const { api, output, tenant } = sessionOf(options)
      const path = `/v1/chains/${encodeURIComponent(name)}`
      await api.call({ method: 'DELETE', path, query: tenant })
      if (output.isJson) output.json({ name, removed: true })
      else output.line(`chain ${name} is removed`)
    })
}

/** YAML has JSON in it, so one parser reads both and says where it stumbles. */
function readChain(file: string): { name: string } {
  let value: unknown
  try {
    value = parseYaml(readFileSync(file === '-' ? 0 : file, 'utf8'))
  } catch (error) {
    if (error instanceof YAMLParseError) throw new CliError('usage', `${file}: ${error.message}`)
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'does not exist' : message
    throw new CliError('usage', `${file}: ${why}`)
  }
  const name = (value as { name?: unknown } | null)?.name
  if (typeof name === 'string') return value as { name: string }
  throw new CliError(
    'usage',
    `${file}: /name is missing`,
    'a chain file says name, inspectors, onFailure',
  )
}
