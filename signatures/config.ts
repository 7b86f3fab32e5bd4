import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { Value } from 'typebox/value'
import { CLIENT_FILE, ClientFile } from '#chain/model/client-file.ts'
import { SignatureError } from './errors.ts'

/** Where the manager's API is and how to speak to it. */
export interface ApiEndpoint {
  /** Without a slash at the end. */
  readonly url: string
  readonly token: string
}

export interface ApiFlags {
  readonly url?: string
  readonly tokenFile?: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** Longest token file, in bytes. */
const MAX_TOKEN_BYTES = 4_096

/**
 * Flag over environment (PORTCULLIS_URL, PORTCULLIS_TOKEN, PORTCULLIS_TOKEN_FILE) over what the manager on
 * this machine wrote into its data folder. Secrets come from files and the environment, never from flags.
 *
 * @throws SignatureError `USAGE` when one of the two is not to be found
 */
export function apiEndpoint(flags: ApiFlags, environment: Environment = process.env): ApiEndpoint {
  const local = readClientFile(environment)
  const url = flags.url ?? environment['PORTCULLIS_URL'] ?? local?.url
  if (url === undefined) {
    throw new SignatureError(
      'USAGE',
      'no manager is known: give --url, set PORTCULLIS_URL, or run `portcullis up` on this machine',
    )
  }
  const parsed = URL.parse(url)
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new SignatureError('USAGE', `${url} is not an http or https URL`)
  }
  const file = flags.tokenFile ?? environment['PORTCULLIS_TOKEN_FILE']
  // The local manager's token is for the local manager, not for whatever --url says.
  const isLocal = local !== null && trimmed(url) === trimmed(local.url)
  const token =
    flags.tokenFile === undefined && environment['PORTCULLIS_TOKEN'] !== undefined
      ? environment['PORTCULLIS_TOKEN'].trim()
      : readToken(file ?? (isLocal ? local.tokenFile : undefined))
  return { url: trimmed(url), token }
}

/** True when colours are wanted on a terminal (https://no-color.org). */
export function wantsColor(environment: Environment = process.env): boolean {
  return (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb'
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, '')
}

function readToken(file: string | undefined): string {
  if (file === undefined) {
    throw new SignatureError(
      'USAGE',
      'no token: give --token-file, or set PORTCULLIS_TOKEN or PORTCULLIS_TOKEN_FILE',
    )
  }
  const token = readSmallFile(file).trim()
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new SignatureError('USAGE', `${file} does not hold a token`)
  }
  return token
}

function readSmallFile(file: string): string {
  try {
    return readFileSync(file, 'latin1').slice(0, MAX_TOKEN_BYTES)
  } catch (cause) {
    throw new SignatureError('USAGE', `${file} cannot be read: ${(cause as Error).message}`, {
      cause,
    })
  }
}

function readClientFile(environment: Environment): ClientFile | null {
  const path = join(environment['PORTCULLIS_DATA'] ?? defaultDataFolder(environment), CLIENT_FILE)
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return Value.Check(ClientFile, content) ? content : null
  } catch {
    return null
  }
}

function defaultDataFolder(environment: Environment): string {
  if (process.getuid?.() === 0) return '/var/lib/portcullis'
  const base = environment['XDG_DATA_HOME']
  return join(base && isAbsolute(base) ? base : join(homedir(), '.local', 'share'), 'portcullis')
}
