import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { destination, type Logger, pino } from 'pino'
import { AgentProcess } from './agent-process.ts'
import {
  agentEnvironment,
  DEFAULT_LISTEN,
  defaultDataFolder,
  describeConfig,
  installationFolder,
  loadConfig,
  type ManagerConfig,
} from './config.ts'
import { type Manager, startManager } from './manager.ts'

/** Process of `portcullis manager` and `portcullis up`. Composes; decides nothing. */

interface Flags {
  readonly listen?: string
  readonly data?: string
  readonly redis?: string
  readonly alertsMax?: string
  readonly alertsDays?: string
  readonly portsBy?: string
  readonly logLevel?: string
  readonly config?: string
  readonly printConfig?: boolean
}

const root = installationFolder()
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
}

function withManagerOptions(command: Command): Command {
  return command
    .option('--listen <host:port>', `address of the API (default: ${DEFAULT_LISTEN})`)
    .option('--data <folder>', `state, alerts, first token (default: ${defaultDataFolder()})`)
    .option(
      '--redis <url>',
      'redis://, rediss:// or unix:///path (default: a private redis-server)',
    )
    .option('--alerts-max <n>', 'alerts the inbox keeps (default: 1000000)')
    .option('--alerts-days <n>', 'days the inbox keeps alerts (default: 90)')
    .option('--ports-by <role>', 'who registers ports: tenant or operator (default: tenant)')
    .option('--log-level <level>', 'debug, info, warn, error or silent (default: info)')
    .option('--config <file>', 'settings as JSON or YAML')
    .option('--print-config', 'show each setting and where it comes from, and end')
}

/** @returns null when `--print-config` was all that was wanted */
function configOf({ config: file, printConfig, ...flags }: Flags): ManagerConfig | null {
  const loaded = loadConfig(flags, file)
  if (printConfig !== true) return loaded.config
  process.stdout.write(`${describeConfig(loaded)}\n`)
  return null
}

async function runManager(flags: Flags): Promise<void> {
  const config = configOf(flags)
  if (config === null) return
  const log = loggerOf(config)
  const manager = await startManager(managerOptions(config, log))
  introduce(manager)
  await untilSignal()
  await manager.close()
}

async function runUp(flags: Flags, agentArgs: readonly string[]): Promise<void> {
  const config = configOf(flags)
  if (config === null) return
  const log = loggerOf(config)
  const manager = await startManager(managerOptions(config, log))
  let exitCode = 0
  const { promise: hopeless, resolve: giveUp } = Promise.withResolvers<void>()
  const agent = new AgentProcess({
    entry: join(root, 'steering', 'main.ts'),
    args: agentArguments(config, manager.redisUrl, agentArgs),
    environment: agentEnvironment(manager.redisUrl),
    log: (message) => log.warn(message),
    onHopeless: (code) => {
      say(`the agent cannot run here (exit code ${code}); its reason is above`)
      say('the API alone: portcullis manager; inspection without a switch: portcullis inspect')
      exitCode = code
      giveUp()
    },
  })
  introduce(manager)
  agent.start()
  await Promise.race([untilSignal(), hopeless])
  await agent.stop()
  await manager.close()
  process.exitCode = exitCode
}

/** What `up` knows, then what the user says: the later of two wins. */
const agentArguments = (config: ManagerConfig, redisUrl: string, given: readonly string[]) =>
  [
    ['--redis', redisUrl],
    ['--data', join(config.data, 'agent')],
    ['--log-level', config.logLevel],
    given,
  ].flat()

const managerOptions = (config: ManagerConfig, log: Logger) => ({
  config,
  log,
  version,
  baseline: join(root, 'signatures', 'baseline'),
})

/** Messages of the service go to stderr: one JSON object a line, secrets never. */
function loggerOf(config: ManagerConfig): Logger {
  return pino(
    { level: config.logLevel, redact: ['req.headers.authorization', 'req.headers.cookie'] },
    destination({ dest: 2, sync: true }),
  )
}

function introduce(manager: Manager): void {
  const lines = [`API    ${manager.url}`, `Token  ${manager.tokenFile}`]
  if (manager.newToken !== null) {
    lines.push(`       ${manager.newToken}`, '       (shown this once; the file has it, mode 0600)')
  }
  process.stdout.write(`${lines.join('\n')}\n`)
}

const say = (message: string): void => {
  process.stderr.write(`portcullis: ${message}\n`)
}

/** A second signal while ending ends at once. */
async function untilSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      process.once(signal, () => process.exit(130))
      resolve()
    })
  }
  await promise
}

const program = new Command('portcullis').exitOverride().showHelpAfterError(false)
withManagerOptions(program.command('manager'))
  .description('the API and the alert inbox')
  .action(runManager)
withManagerOptions(program.command('up'))
  .description('manager and agent on this machine; further options are the agent’s')
  .allowUnknownOption()
  .allowExcessArguments()
  .addHelpText(
    'after',
    '\nThe agent’s options (--ovsdb, --bridge, --host, ...) are those of `portcullis agent --help`.',
  )
  .action(async (flags: Flags, command: Command) => runUp(flags, command.args))

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2
  } else {
    say(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}
