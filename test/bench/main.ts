import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { missingForEndToEnd } from '#test/requirements.ts'
import { benchChain, type ChainBenchReport } from './chain-bench.ts'
import { printWafBench } from './waf-bench-report.ts'
import { benchWaf } from './waf-bench.ts'
import { printIdsBench } from './ids-bench-report.ts'
import { benchIds } from './ids-bench.ts'

/** `portcullis bench`: figures that docs may quote, each by one command. */

const inRange =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`an integer from ${least} to ${most}`)
    return value
  }
const positive = inRange(1, 1000)
const large = inRange(1000, 1_000_000)
const coreNumber = inRange(0, cpus().length - 1)

const program = new Command('portcullis bench').description('measure')

program
  .command('chain')
  .description(
    'requests/s and latency through the switch: direct, empty chain, WAF, WAF+IDS, in one run',
  )
  .option('--rounds <n>', 'medians are over this many', positive, 3)
  .option('--seconds <n>', 'measured time of each path in each round', positive, 3)
  .option('--connections <n>', 'keep-alive connections of the client', positive, 16)
  .option('--workers <n>', 'inspection workers', positive, 2)
  .option('--json', 'print one object on standard output')
  .action(
    async (options: {
      rounds: number
      seconds: number
      connections: number
      workers: number
      json?: boolean
    }) => {
      const missing = missingForEndToEnd()
      if (missing !== null) {
        console.error(`portcullis bench chain: ${missing}`)
        process.exitCode = 1
        return
      }
      const say = (text: string): void => void process.stderr.write(`      ${text}\n`)
      const report = await benchChain({ ...options, say })
      if (options.json === true) process.stdout.write(`${JSON.stringify(report)}\n`)
      else printTable(report)
    },
  )

program
  .command('waf')
  .description(
    'requests/s of the WAF beside nginx with libmodsecurity3 on the same CRS, inspection times, memory',
  )
  .option('--rounds <n>', 'medians are over this many', positive, 3)
  .option('--seconds <n>', 'measured time of each request in each round', positive, 3)
  .option('--connections <n>', 'connections of the client', positive, 16)
  .option('--json', 'print one object on standard output')
  .action(
    async (options: { rounds: number; seconds: number; connections: number; json?: boolean }) => {
      const say = (text: string): void => void process.stderr.write(`      ${text}\n`)
      const report = await benchWaf({ ...options, say })
      if (options.json === true) process.stdout.write(`${JSON.stringify(report)}\n`)
      else printWafBench(report)
    },
  )

program
  .command('ids')
  .description(
    'replay of a capture beside Suricata 7 with the same rules, requests/s of WAF and IDS in line, loading',
  )
  .option('--rounds <n>', 'medians are over this many', positive, 3)
  .option('--transactions <n>', 'HTTP transactions of the capture', large, 100_000)
  .option('--rules <n>', 'rules of ET Open, evenly picked', large, 16_000)
  .option('--core <n>', 'core that the replays run on', coreNumber, 0)
  .option('--json', 'print one object on standard output')
  .action(
    async (options: {
      rounds: number
      transactions: number
      rules: number
      core: number
      json?: boolean
    }) => {
      const say = (text: string): void => void process.stderr.write(`      ${text}\n`)
      const report = await benchIds({ ...options, say })
      if (options.json === true) process.stdout.write(`${JSON.stringify(report)}\n`)
      else printIdsBench(report)
    },
  )

program
  .command('functions')
  .description('the benchmark of each hot function (test/bench/*.bench.ts)')
  .argument('[name...]', 'only those whose name contains one of these')
  .action((names: string[]) => {
    const files = globSync('*.bench.ts', { cwd: import.meta.dirname }).sort()
    for (const file of files) {
      if (names.length > 0 && !names.some((name) => file.includes(name))) continue
      console.log(`${basename(file, '.bench.ts')}:`)
      const run = spawnSync(
        process.execPath,
        [...process.execArgv, join(import.meta.dirname, file)],
        { stdio: 'inherit' },
      )
      if (run.status !== 0) process.exitCode = 1
    }
  })

function printTable(report: ChainBenchReport): void {
  console.log(
    `${report.machine}; ${report.workers} workers, ${report.connections} connections, medians of ${report.rounds} rounds\n${report.rules}\n`,
  )
  console.log('path          requests/s   of direct   p50 ms   p99 ms')
  for (const row of report.rows) {
    console.log(
      `${row.path.padEnd(12)} ${String(row.requestsPerSecond).padStart(11)} ${row.ofDirect.toFixed(2).padStart(11)} ${row.p50Ms.toFixed(2).padStart(8)} ${row.p99Ms.toFixed(2).padStart(8)}`,
    )
  }
}

await program.parseAsync()
