import { closeSync, openSync, writeSync } from 'node:fs'
import { Command } from 'commander'
import { replayFile } from './capture/replay-files.ts'
import { IdsLoadError } from './errors.ts'

interface ReplayArguments {
  readonly rules: readonly string[]
  readonly pcap: string
  readonly eve?: string
  readonly thresholds?: string
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
    .option('--thresholds <file>', 'threshold.config that holds alerts back')
    .option('--ips', 'as if in line: what follows a drop is not looked at', false)
    .option('--midstream', 'follow connections whose beginning is not in the capture', false)
    .option('--json', 'print figures as JSON in the last line', false)
    .action((options: ReplayArguments) => {
      process.exitCode = replay(options)
    })
  return command
}

function replay(options: ReplayArguments): number {
  const file = options.eve === undefined || options.eve === '-' ? null : openSync(options.eve, 'w')
  const output = options.eve === '-' ? 1 : file
  try {
    const result = replayFile({
      rulePaths: options.rules,
      capture: options.pcap,
      inline: options.ips,
      midstream: options.midstream,
      ...(options.thresholds === undefined ? {} : { thresholdFile: options.thresholds }),
      isSilent: output === null,
      write: (record) => {
        if (output !== null) writeSync(output, `${JSON.stringify(record)}\n`)
      },
    })
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
    if (!(error instanceof IdsLoadError) && !(error instanceof Error)) throw error
    process.stderr.write(`portcullis: ${error.message}\n`)
    return 1
  } finally {
    if (file !== null) closeSync(file)
  }
}
