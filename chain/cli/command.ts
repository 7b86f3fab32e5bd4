import type { Command } from 'commander'
import { ApiClient } from './api-client.ts'
import { connectionOf } from './config.ts'
import { type Output, outputOf } from './output.ts'

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: boolean
  readonly url?: string
  readonly tokenFile?: string
  readonly data?: string
  readonly tenant?: string
}

/** What a command works with. */
export interface Session {
  readonly api: ApiClient
  readonly output: Output
  /** `?tenant=` of an operator who said one. */
  readonly tenant: { readonly tenant?: string }
}

export function withCommonOptions(command: Command): Command {
  return command
    .option('--tenant <name>', 'whose (operators only; default: whoever has it, else your own)')
    .option('--json', 'JSON for programs: one object, or one per line')
    .option('--url <url>', 'address of the API')
    .option('--token-file <file>', 'file that holds the bearer token')
    .option('--data <folder>', 'data folder of the manager on this machine')
}

export function sessionOf(options: CommonOptions): Session {
  return {
    api: new ApiClient(connectionOf(options)),
    output: outputOf(options.json === true),
    tenant: options.tenant === undefined ? {} : { tenant: options.tenant },
  }
}
