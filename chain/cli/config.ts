import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { CLIENT_FILE, ClientFile } from '#chain/model/client-file.ts'
import { defaultDataFolder } from '#chain/config.ts'
import { CliError } from './cli-error.ts'

/** Where the API is and what opens it. */
export interface Connection {
  readonly url: string
  readonly token: string
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Flag over environment (`PORTCULLIS_URL`, `PORTCULLIS_TOKEN_FILE`, `PORTCULLIS_DATA`) over what
 * `portcullis up` wrote to its data folder. Secrets come from files, never from flags.
 *
 * @throws CliError that says what is missing and how to give it
 */
export function connectionOf(
  flags: { readonly url?: string; readonly tokenFile?: string; readonly data?: string },
  environment: Environment = process.env,
): Connection {
  const data = flags.data ?? environment['PORTCULLIS_DATA'] ?? defaultDataFolder(environment)
  let url = flags.url ?? environment['PORTCULLIS_URL']
  let tokenFile = flags.tokenFile ?? environment['PORTCULLIS_TOKEN_FILE']
  if (url === undefined || tokenFile === undefined) {
    const client = readClientFile(join(data, CLIENT_FILE))
    url ??= client.url
    tokenFile ??= client.tokenFile
  }
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new CliError('usage', `--url: ${url} is not an http URL`, 'say http://HOST:PORT')
  }
  return { url: url.replace(/\/+$/, ''), token: readToken(tokenFile) }
}

function readClientFile(file: string): ClientFile {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new CliError(
      'network',
      `no manager is known here: ${file} ${reasonOf(error)}`,
      'start one with `portcullis up`, or say --url and --token-file',
    )
  }
  if (Value.Check(ClientFile, value)) return value
  throw new CliError('failure', `${file} is not a client file`, 'say --url and --token-file')
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new CliError('usage', `the token file ${file} ${reasonOf(error)}`, 'say --token-file')
  }
}

function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'does not exist'
  return code === 'EACCES' ? 'may not be read by you' : 'cannot be read'
}

/** Colour: only for a person at a terminal who did not ask for none (no-color.org). */
export const wantsColour = (
  isTty: boolean | undefined,
  environment: Environment = process.env,
): boolean => isTty === true && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb'
