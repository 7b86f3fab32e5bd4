import { Command, Option } from 'commander'
import { verifyCrs } from './crs/verify.ts'
import { runLibinjection } from './libinjection.ts'
import { type Report, reportText } from './report.ts'
import { runSecrules } from './secrules.ts'
import { runSuricataVerify } from './suricata/verify.ts'

/** `portcullis verify`: other people's test vectors. Ends with 1 when one failed or none was found. */

interface Options {
  readonly json?: boolean
}

function finish(report: Report, options: Options): void {
  console.log(options.json === true ? JSON.stringify(report) : reportText(report))
  if (report.failed > 0 || report.passed === 0) process.exitCode = 1
}

const program = new Command('portcullis verify').description('run conformance suites')

interface CrsArguments extends Options {
  readonly mode: 'detect' | 'block'
  readonly rules: string
  readonly setup: string
  readonly overrides: readonly string[]
}

program
  .command('crs')
  .description("CRS's regression tests (go-ftw's format) over sockets against portcullis inspect")
  .argument('<path...>', 'test files, and folders with them')
  .requiredOption('--rules <dir>', 'the rules: a folder of .conf files')
  .requiredOption('--setup <file>', 'crs-setup.conf')
  .option(
    '--overrides <file>',
    'what the platform says about single tests; can be repeated',
    (file: string, files: readonly string[]) => [...files, file],
    [],
  )
  .addOption(
    new Option(
      '--mode <mode>',
      'of the chain; rules watch in both, in block the proxy refuses by itself',
    )
      .choices(['detect', 'block'])
      .default('detect'),
  )
  .option('--json', 'print one object on standard output')
  .action(async (paths: string[], options: CrsArguments) => {
    const stop = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)))
    }
    const { isTTY } = process.stderr
    try {
      const report = await verifyCrs({
        mode: options.mode,
        rules: options.rules,
        setup: options.setup,
        overrides: options.overrides,
        paths,
        note: (line) => console.error(`portcullis verify crs: ${line}`),
        onProgress: (done, total, failed) => {
          if (!isTTY || (done % 20 !== 0 && done !== total)) return
          process.stderr.write(`\r${done}/${total}, ${failed} failed${done === total ? '\n' : ''}`)
        },
        signal: stop.signal,
      })
      finish(report, options)
    } catch (error) {
      console.error(
        `portcullis verify crs: ${error instanceof Error ? error.message : String(error)}`,
      )
      process.exitCode = 2
    }
  })

program
  .command('secrules')
  .description("operators and transformations against secrules-language-tests' vectors")
  .argument('<path>', 'folder or file with the vectors (JSON)')
  .option('--json', 'print one object on standard output')
  .action((path: string, options: Options) => finish(runSecrules(path), options))

program
  .command('libinjection')
  .description("@detectSQLi and @detectXSS against libinjection's test files")
  .argument('<path>', 'folder or file with the tests (test-*.txt)')
  .option('--json', 'print one object on standard output')
  .action((path: string, options: Options) => finish(runLibinjection(path), options))

program
  .command('suricata')
  .description("rules over captures against suricata-verify's tests")
  .argument('<path>', 'folder with index.json and tests/')
  .option('--tier <n>', 'only tests of this tier', Number)
  .option('--json', 'print one object on standard output')
  .action((path: string, options: Options & { readonly tier?: number }) => {
    const report = runSuricataVerify(path, options.tier ?? null)
    if (options.json === true) console.log(JSON.stringify(report))
    else {
      for (const { test, wanted, got } of report.failures)
        console.log(`FAIL ${test}\n     wanted ${wanted}, got ${got}`)
      for (const [reason, count] of Object.entries(report.reasons))
        console.log(`not evaluated: ${count} for ${reason}`)
      const { passed, failed, notEvaluated } = report
      console.log(`${passed} passed, ${failed} failed, ${notEvaluated} not evaluated`)
    }
    if (report.failed > 0 || report.passed === 0) process.exitCode = 1
  })

await program.parseAsync()
