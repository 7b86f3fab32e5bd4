import { InvalidArgumentError, Command } from 'commander'
import { parseEndpoint, type Endpoint } from './cli/endpoint.ts'
import { inspect } from './cli/inspect.ts'
import { inspectorsConfig } from './config.ts'
import { idsCommand } from './ids/cli.ts'
import { runSupervisor } from './supervisor/run-supervisor.ts'
import { wafCommand } from './waf/cli.ts'

/**
 * Entry of the inspection processes.
 *
 *     inspect      the pipeline as a reverse proxy, for people
 *     waf          explain what rules make of a request
 *     ids          rules over captures
 *     supervisor   one inspection domain, started by the agent with its socket as fd 3
 *     worker       started by a supervisor
 *     tap          a mirrored port, started by the agent
 */

const MAX_WORKERS = 64

function endpoint(fallbackHost: string): (text: string) => Endpoint {
  return (text) => {
    const parsed = parseEndpoint(text, fallbackHost)
    if (parsed === null) throw new InvalidArgumentError('it must be HOST:PORT.')
    return parsed
  }
}

function redisUrl(text: string): string {
  const isSocket = /^unix:\/*\/./.test(text)
  if (!isSocket && !/^rediss?:\/\/./.test(text)) {
    throw new InvalidArgumentError('it must be redis://HOST:PORT or unix:/PATH.')
  }
  return text
}

function workerCount(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > MAX_WORKERS) {
    throw new InvalidArgumentError(`it must be a number from 1 to ${MAX_WORKERS}.`)
  }
  return count
}

interface InspectArguments {
  readonly listen: Endpoint
  readonly upstream: Endpoint
  readonly chain: string
  readonly workers: number
  readonly eve?: string
  readonly errorLog?: string
  readonly auditLog?: string
  readonly redis?: string
  readonly metrics?: Endpoint
}

interface SupervisorArguments {
  readonly control: string
  readonly domain: string
  readonly spare: boolean
}

const config = inspectorsConfig()
const launch = { module: import.meta.filename, arguments: ['worker'] }

const program = new Command('portcullis').showHelpAfterError('(add --help for the options)')

program
  .command('inspect')
  .description('run a chain of inspectors as a reverse proxy: no switch, no root')
  .requiredOption('--listen <host:port>', 'where clients connect', endpoint('127.0.0.1'))
  .requiredOption('--upstream <host:port>', 'the server behind', endpoint('127.0.0.1'))
  .requiredOption('--chain <file>', 'chain resource, JSON or YAML; its rules may be paths')
  .option('--workers <n>', 'worker processes', workerCount, config.workers)
  .option(
    '--eve <file>',
    'append alerts as EVE JSON, "-" for standard output (default: short lines)',
  )
  .option('--error-log <file>', 'append ModSecurity-style error lines')
  .option(
    '--redis <url>',
    'share persistent collections of WAFs in Redis (default: among the workers)',
    redisUrl,
  )
  .option('--audit-log <file>', 'append the audit log of WAFs, native or JSON as rules say')
  .option('--metrics <host:port>', 'serve Prometheus metrics', endpoint('127.0.0.1'))
  .addHelpText(
    'after',
    '\nSIGHUP reads the chain file again; no connection is lost, a bad file is refused.',
  )
  .action(async (options: InspectArguments) => {
    process.exitCode = await inspect({
      ...options,
      home: config.home,
      drainMs: config.drainMs,
      launch,
    })
  })

program.addCommand(wafCommand(config.home))
program.addCommand(idsCommand())

program
  .command('supervisor', { hidden: true })
  .description('supervise the workers of one inspection domain')
  .requiredOption('--control <path>', 'unix socket to serve')
  .option('--domain <name>', 'name until a configuration says another', 'domain')
  .option('--no-spare', 'keep no spare worker process')
  .action(async ({ control, domain, spare }: SupervisorArguments) => {
    process.exitCode = await runSupervisor({
      control,
      domain,
      drainMs: config.drainMs,
      launch,
      hasSpare: spare,
    })
    // Signal handlers and descriptors of workers must not keep the process.
    process.exit()
  })

program
  .command('tap', { hidden: true })
  .description('look at the capture of a mirrored port, started by the agent with it as fd 3')
  .requiredOption('--config <file>', 'what to do')
  .requiredOption('--capture-pid <pid>', 'process of the capture', Number)
  .action(async (options: { readonly config: string; readonly capturePid: number }) => {
    const { runTap } = await import('./tap/run-tap.ts')
    process.exit(await runTap(options))
  })

program
  .command('worker', { hidden: true })
  .description('one worker of a supervisor')
  .option('--spare', 'it waits for its configuration (changes nothing)')
  .action(async () => {
    // The engines are most of this program, and only workers need them.
    const { createInspector } = await import('./worker/create-inspector.ts')
    const { runWorker } = await import('./worker/run-worker.ts')
    runWorker(createInspector)
  })

await program.parseAsync()
