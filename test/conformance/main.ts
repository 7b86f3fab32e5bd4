import { Command } from 'commander'
import { runLibinjection } from './libinjection.ts'
import { type Report, reportText } from './report.ts'
import { runSecrules } from './secrules.ts'

/** `portcullis verify`: other people's test vectors. Ends with 1 when one failed or none was found. */

interface Options {
  readonly json?: boolean
}

function finish(report: Report, options: Options): void {
  console.log(options.json === true ? JSON.stringify(report) : reportText(report))
  if (report.failed > 0 || report.passed === 0) process.exitCode = 1
}

const program = new Command('portcullis verify').description('run conformance suites')

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

await program.parseAsync()
