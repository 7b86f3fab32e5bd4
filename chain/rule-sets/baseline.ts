import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { ApiError } from '#chain/errors.ts'
import { packBundle } from '#signatures/bundle/pack-bundle.ts'
import type { DesiredStore } from '#chain/store/desired-store.ts'
import type { RuleSets } from './rule-sets.ts'

/** Name of the rule set that comes with the product, so that a fresh machine has something to run. */
export const BASELINE = 'baseline'

const ACTOR = { token: 'manager', tenant: '-', requestId: '-', address: '-' }

/**
 * Installs the built-in rules; the same content again changes nothing. They are activated where no
 * version of them is active: later ones, that an upgrade brings, are for the operator to activate.
 */
export async function installBaseline(
  folder: string,
  store: DesiredStore,
  ruleSets: RuleSets,
  log: (message: string) => void,
): Promise<void> {
  if (!existsSync(folder)) {
    log(`the built-in rules are missing: ${folder}`)
    return
  }
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name))
  const files = paths.map((path) => ({ path: relative(folder, path), bytes: readFileSync(path) }))
  if (files.length === 0) return
  const { bytes, sha256 } = await packBundle(files)
  const before = (await store.load()).ruleSets.get(BASELINE)?.value
  const isKnown = before?.versions.some((version) => version.sha256 === sha256) ?? false
  if (isKnown && before?.active !== null) return
  try {
    const { version } = await ruleSets.install(ACTOR, BASELINE, bytes)
    if (before === undefined || before.active === null) {
      await ruleSets.activate(ACTOR, BASELINE, version.version, 0)
      log(`rule set ${BASELINE}@${version.version} is installed and active`)
    } else {
      log(`rule set ${BASELINE}@${version.version} is installed; ${before.active} stays active`)
    }
  } catch (error) {
    // Chains that name other sets work without it.
    if (!(error instanceof ApiError) || error.code === 'unavailable') throw error
    log(`the built-in rules cannot be used: ${error.message}`)
  }
}
