import { closeSync, openSync } from 'node:fs'
import { Command, Option } from 'commander'
import { FULL_EVE } from './capture/eve/settings.ts'
import { BUILT_IN_FLOW_TIMEOUTS } from './capture/flow-timeouts.ts'
import { EveFile } from './capture/eve/eve-file.ts'
import { replayFile } from './capture/replay-files.ts'
import { Configuration } from './configuration/configuration.ts'
import { type ReplaySettings, replaySettings } from './configuration/replay-settings.ts'

interface ReplayArguments {
  readonly rules: readonly string[]
  readonly pcap: string
  readonly eve?: string
  readonly config?: string
  readonly set: readonly string[]
  readonly thresholds?: string
  readonly k?: 'none' | 'all' | 'auto'
  readonly ips: boolean
  readonly midstream: boolean
  readonly json: boolean
}

/** `portcullis ids`: rules over captures. */
export function idsCommand(): Command {
  const command = new Command('ids').description('Suricata-language rules over captures')
  command
    .command('replay')
    .description('show a capture to a rule set and tell what it finds')
    .requiredOption('--rules <file...>', 'rule files, or folders of them')
    .requiredOption('--pcap <file>', 'capture, pcap or pcapng')
    .option('--eve <file>', 'write EVE JSON of every event, "-" for standard output')
    .option('--config <file>', 'a suricata.yaml; without it every event is written')
    .option(
      '--set <name=value>',
      'one setting of a suricata.yaml; can be repeated',
      (setting: string, settings: readonly string[]) => [...settings, setting],
      [],
    )
    .option('--thresholds <file>', 'threshold.config that holds alerts back')
    .addOption(
      new Option('-k <mode>', 'packets whose sums are wrong are not for the streams').choices([
        'all',
        'none',
        'auto',
      ]),
    )
    .option('--ips', 'as if in line: what follows a drop is not looked at', false)
    .option('--midstream', 'follow connections whose beginning is not in the capture', false)
    .option('--json', 'print figures as JSON in the last line', false)
    .action((options: ReplayArguments) => {
      process.exitCode = replay(options)
    })
  return command
}

/** @throws ConfigurationError */
function settingsOf(options: ReplayArguments): ReplaySettings {
  const configuration =
    options.config === undefined ? new Configuration() : Configuration.read(options.config)
  if (options.midstream) configuration.set('stream.midstream=true')
  if (options.thresholds !== undefined) configuration.set(`threshold-file=${options.thresholds}`)
  for (const setting of options.set) configuration.set(setting)
  const settings = replaySettings(configuration, {
    isInline: options.ips,
    ...(options.config === undefined ? {} : { flowTimeouts: BUILT_IN_FLOW_TIMEOUTS }),
    ...(options.k === undefined ? {} : { checksums: options.k }),
  })
  const hasOutputs = configuration.tree('outputs') !== undefined
  return hasOutputs ? settings : { ...settings, eve: FULL_EVE }
}

function replay(options: ReplayArguments): number {
  const file = options.eve === undefined || options.eve === '-' ? null : openSync(options.eve, 'w')
  const output = options.eve === '-' ? 1 : file
  const eve = output === null ? null : new EveFile(output)
  try {
    const settings = settingsOf(options)
    for (const name of settings.unsupported)
      process.stderr.write(`portcullis: the setting ${name} is not obeyed\n`)
    const result = replayFile({
      rulePaths: options.rules,
      capture: options.pcap,
      settings,
      isSilent: eve === null,
      write: (record) => eve?.write(record),
    })
    eve?.flush()
    const { ids, truncated, ...figures } = result
    for (const problem of ids.warnings)
      process.stderr.write(`${problem.file}:${problem.line}: ${problem.message}\n`)
    for (const [reason, count] of ids.inapplicable)
      process.stderr.write(`${count} rules are not in force: ${reason}\n`)
    if (truncated) process.stderr.write(`${options.pcap} is damaged: its end was left out\n`)
    if (options.json) process.stdout.write(`${JSON.stringify(figures)}\n`)
    else
      process.stdout.write(
        `${figures.packets} packets, ${figures.flows} flows, ${figures.transactions} transactions, ` +
          `${figures.alerts} alerts; ${ids.ruleCount} rules loaded in ${figures.loadSeconds.toFixed(2)} s, ` +
          `replayed in ${figures.replaySeconds.toFixed(2)} s\n`,
      )
    return 0
  } catch (error) {
    if (!(error instanceof Error)) throw error
    process.stderr.write(`portcullis: ${error.message}\n`)
    return 1
  } finally {
    // What was recorded before a failure is told too.
    eve?.flush()
    if (file !== null) closeSync(file)
  }
}
