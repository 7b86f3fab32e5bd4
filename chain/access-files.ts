import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLIENT_FILE, type ClientFile } from '#chain/model/client-file.ts'
import type { TokenStore } from '#chain/store/token-store.ts'

/** File of the token for first use, in the data folder. */
export const TOKEN_FILE = 'operator.token'
/** Tenant of that token: whose things an operator means who does not say. */
export const DEFAULT_TENANT = 'default'

/**
 * Makes sure that the data folder holds a working operator token, for the local commands and for the
 * first person.
 *
 * @returns the path, and the token itself when it was made just now: to be shown once
 */
export async function ensureOperatorToken(
  data: string,
  tokens: TokenStore,
): Promise<{ file: string; newToken: string | null }> {
  const file = join(data, TOKEN_FILE)
  const present = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  if (present !== '' && (await tokens.verify(present)) !== null) return { file, newToken: null }
  const { token } = await tokens.create({
    tenant: DEFAULT_TENANT,
    role: 'operator',
    description: `made at start for ${file}`,
  })
  writePrivate(file, `${token}\n`)
  return { file, newToken: token }
}

/** Tells local commands where the API is. */
export function writeClientFile(data: string, client: ClientFile): void {
  writePrivate(join(data, CLIENT_FILE), `${JSON.stringify(client, null, 2)}\n`)
}

export function removeClientFile(data: string): void {
  rmSync(join(data, CLIENT_FILE), { force: true })
}

/** Readable by its owner alone from the first byte, and never half written. */
function writePrivate(file: string, text: string): void {
  const staging = `${file}.${process.pid}`
  rmSync(staging, { force: true })
  writeFileSync(staging, text, { mode: 0o600, flag: 'wx' })
  renameSync(staging, file)
}
