import { readFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { dirname } from 'node:path'
import { Command } from 'commander'
import { destination, pino } from 'pino'
import { composeAgent } from './agent/compose.ts'
import { AgentError } from './agent/errors.ts'
import { checkRequirements } from './agent/requirements.ts'
import { tearDown } from './agent/tear-down.ts'
import { type AgentConfig, type AgentFlags, loadConfig, printConfig, searchPath } from './config.ts'
import { runCommand } from './domain/command.ts'

/**
 * The agent of one hypervisor. It makes Open vSwitch and the inspection namespaces of this host agree
 * with the snapshot that the manager publishes. Ends with 0 after a signal, 1 when this machine cannot
 * run it or something broke, 2 for a wrong command line.
 */
const AGENT_NICE = -10
const root = dirname(import.meta.dirname)
const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string }

async function run(config: AgentConfig): Promise<void> {
  await checkRequirements(runCommand, config, searchPath())
  raisePriority()
  const logger = pino({ level: config.logLevel }, destination({ dest: 2, sync: true }))
  const composed = await composeAgent(config, { root, version, logger })
  let isTearingDown = config.teardown
  await untilSignal(() => {
    isTearingDown = true
  })
  await composed.stop(isTearingDown)
}

/**
 * Busy workers must not keep the agent from leading traffic round them: it runs, as ovs-vswitchd does,
 * before others. Where that is not allowed it runs as it is.
 */
function raisePriority(): void {
  try {
    setPriority(AGENT_NICE)
  } catch {
    // no CAP_SYS_NICE
  }
}

/**
 * SIGTERM, SIGINT: stop. SIGUSR2: stop and take everything of ours away. A second signal while
 * stopping ends at once.
 */
async function untilSignal(tearDownToo: () => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR2'] as const)
    process.once(signal, () => {
      if (signal === 'SIGUSR2') tearDownToo()
      process.once(signal, () => process.exit(130))
      resolve()
    })
  await promise
}

function withOptions(command: Command): Command {
  return command
    .option('--host <name>', 'name of this hypervisor (default: its host name)')
    .option('--ovsdb <address>', 'database of the switch, unix:PATH')
    .option('--bridge <name>', 'bridge that the guests are in')
    .option('--ovs-run <folder>', "folder of the switch's sockets (default: that of --ovsdb)")
    .option('--redis <address>', 'redis://HOST:PORT, rediss://… or unix:PATH')
    .option('--data <folder>', 'last snapshot, ids in use, rule sets, alert spools')
    .option('--run <folder>', 'control sockets and logs of the supervisors')
    .option('--table-base <number>', 'first OpenFlow table to use')
    .option('--workers <number>', 'inspection workers for each tenant network')
    .option('--mtu <bytes>', 'MTU of the inspection namespaces')
    .option('--learning-ms <ms>', 'how long connections older than an attachment are learned')
    .option('--metrics <address>', 'HOST:PORT of /metrics, /healthz, /readyz, or off')
    .option('--teardown', 'on a stop, remove flows, namespaces and workers')
    .option('--log-level <level>', 'debug, info, warn, error or silent')
    .option('--print-config', 'print each setting and where it came from, then end')
}

interface Flags extends AgentFlags {
  readonly printConfig?: boolean
}

async function withConfig(
  flags: Flags,
  action: (config: AgentConfig) => Promise<void>,
): Promise<void> {
  const { printConfig: isPrint, ...settings } = flags
  const loaded = loadConfig(settings)
  if (isPrint) process.stdout.write(printConfig(loaded))
  else await action(loaded.config)
}

const program = withOptions(new Command('portcullis agent'))
  .description('the agent of one hypervisor: Open vSwitch and inspection namespaces')
  .action((flags: Flags) => withConfig(flags, run))
withOptions(program.command('teardown'))
  .description('remove what an agent of this host left: flows, namespaces, workers')
  .action((_own: Flags, command: Command) =>
    withConfig(command.optsWithGlobals<Flags>(), async (config) => {
      await checkRequirements(runCommand, config, searchPath())
      await tearDown(config)
    }),
  )

try {
  await program.parseAsync()
  process.exit(0)
} catch (error) {
  const isExpected = error instanceof AgentError
  const { message, stack } = error as Error
  process.stderr.write(`portcullis agent: ${isExpected ? message : (stack ?? message)}\n`)
  process.exit(isExpected && error.code === 'CONFIG_INVALID' ? 2 : 1)
}
