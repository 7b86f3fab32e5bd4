import { Command } from 'commander'
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
