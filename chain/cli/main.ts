import { Command, CommanderError } from 'commander'
import { registerAlertCommands } from './alerts.ts'
import { registerAttachCommands } from './attach.ts'
import { registerChainCommands } from './chain.ts'
import { CliError, EXIT_CODES } from './cli-error.ts'
import { sessionOf, withCommonOptions } from './command.ts'
import { registerPortCommands } from './port.ts'
import { registerStatusCommand } from './status.ts'
import { registerTokenCommands } from './token.ts'

/** Process of `portcullis port|chain|attach|detach|status|alerts|token|openapi`: a client of the API. */

const program = new Command('portcullis')
  .description('tenants, analysts and operators talk to the API with these')
  .exitOverride()
  .showSuggestionAfterError()
registerPortCommands(program)
registerChainCommands(program)
registerAttachCommands(program)
registerStatusCommand(program)
registerAlertCommands(program)
registerTokenCommands(program)
withCommonOptions(program.command('openapi'))
  .description('print the API’s OpenAPI 3.1 document')
  .action(async (options) => {
    const { api, output } = sessionOf(options)
    output.json(await api.call({ path: '/openapi.json' }))
  })

process.once('SIGINT', () => process.exit(EXIT_CODES.interrupted))
// `portcullis alerts list | head`: who stops reading has read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_CODES.usage
  } else if (error instanceof CliError) {
    process.stderr.write(`portcullis: ${error.message}\n`)
    if (error.hint !== '') process.stderr.write(`  ${error.hint}\n`)
    process.exitCode = EXIT_CODES[error.kind]
  } else throw error
}
