import { Command, CommanderError } from 'commander'
import type { SecLangCompiler } from '#signatures/check/check-seclang.ts'
import { SignatureError } from '#signatures/errors.ts'
import { check, type CheckOptions } from './check.ts'
import { EXIT, exitCodeOf } from './exit-code.ts'
import { install, type InstallOptions } from './install.ts'
import { printable } from './printable.ts'
import type { Terminal } from './terminal.ts'
import { activate, list, rollback, type VersionOptions } from './versions.ts'

/**
 * Runs one command line.
 *
 * @param words   without the program's name
 * @param compile the WAF's compiler, see `checkRuleFiles`
 * @returns exit status, see `exit-code.ts`
 */
export async function runSignatures(
  words: readonly string[],
  terminal: Terminal,
  compile?: SecLangCompiler,
): Promise<number> {
  let status: number = EXIT.ok
  const program = commands(terminal, compile, (result) => (status = result))
  try {
    await program.parseAsync(words, { from: 'user' })
    return status
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    if (!(error instanceof SignatureError)) throw error
    terminal.err.write(`portcullis signatures: ${printable(error.message)}\n`)
    return exitCodeOf(error.code)
  }
}

function commands(
  terminal: Terminal,
  compile: SecLangCompiler | undefined,
  finish: (status: number) => void,
): Command {
  const program = new Command('portcullis signatures')
    .description('Check rule sets, install them, choose the version in force.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.out.write(text),
      writeErr: (text) => void terminal.err.write(text),
    })
    .addHelpText('after', EXAMPLES)
  const api = (command: Command): Command =>
    command
      .option('--url <url>', 'the manager (or PORTCULLIS_URL)')
      .option(
        '--token-file <file>',
        'file with the token (or PORTCULLIS_TOKEN, PORTCULLIS_TOKEN_FILE)',
      )
      .option('--json', 'one JSON object on stdout')

  program
    .command('check')
    .description('say which rules the engines would not load, and why')
    .argument('<path...>', 'folder, *.conf, *.rules or tar.gz')
    .option('--json', 'one JSON object on stdout')
    .option('--all', 'every place of every reason')
    .action(async (paths: string[], options: CheckOptions) => {
      finish(await check(paths, options, terminal, compile))
    })
  api(
    program
      .command('install')
      .description('send a rule set to the manager; the same content is the same version')
      .argument('<name>', 'name that chains use for it')
      .argument('<path...>', 'folder, *.conf, *.rules or tar.gz; several are joined'),
  )
    .option('--activate', 'put it in force at once')
    .option('--wait', 'with --activate: until every attachment runs it')
    .action(async (name: string, paths: string[], options: InstallOptions) => {
      finish(await install(name, paths, options, terminal))
    })
  api(program.command('list').description('show the installed versions')).action(
    async (options: VersionOptions) => finish(await list(options, terminal)),
  )
  api(
    program
      .command('activate')
      .description('put a version in force on every chain that names the set')
      .argument('<reference>', 'NAME@VERSION'),
  )
    .option('--wait', 'until every attachment runs it')
    .action(async (reference: string, options: VersionOptions) => {
      finish(await activate(reference, options, terminal))
    })
  api(
    program
      .command('rollback')
      .description('return to the version that was active before')
      .argument('<name>'),
  )
    .option('--wait', 'until every attachment runs it')
    .action(async (name: string, options: VersionOptions) => {
      finish(await rollback(name, options, terminal))
    })
  return program
}

const EXAMPLES = `
Examples:
  portcullis signatures check /usr/share/modsecurity-crs
  portcullis signatures check emerging-all.rules --json
  portcullis signatures install crs coreruleset-4.28.0.tar.gz --activate --wait
  portcullis signatures list
  portcullis signatures activate crs@0123456789abcdef --wait
  portcullis signatures rollback crs

Exit status: 0 done, 1 failed, 2 wrong usage, 4 some rules are rejected (check),
5 manager not reached or archive refused, 130 interrupted.
`
