import type { Bundle } from '#signatures/bundle/bundle.ts'
import { packBundle } from '#signatures/bundle/pack-bundle.ts'
import { selectRuleFiles } from '#signatures/bundle/select-rule-files.ts'
import { kindOf } from '#signatures/check/check-rule-files.ts'
import type { RuleFile } from '#signatures/check/rule-report.ts'
import { type ApiFlags, apiEndpoint } from '#signatures/config.ts'
import { SignatureError } from '#signatures/errors.ts'
import { readSource } from '#signatures/sources/read-source.ts'
import { ApiClient } from './api-client.ts'
import { EXIT } from './exit-code.ts'
import { checkName } from './names.ts'
import { Progress } from './progress.ts'
import { plural, type Terminal } from './terminal.ts'

export interface InstallOptions extends ApiFlags {
  readonly json?: boolean
  readonly activate?: boolean
  readonly wait?: boolean
}

/**
 * `signatures install NAME PATH...`: packs the files, sends them to the manager, which checks them and
 * keeps them as a version. Nothing is in force before `activate`. The same content is the same version.
 */
export async function install(
  name: string,
  paths: readonly string[],
  options: InstallOptions,
  terminal: Terminal,
): Promise<number> {
  checkName(name)
  const client = new ApiClient(apiEndpoint(options), terminal.signal)
  const progress = new Progress(terminal.err)
  try {
    const bundle = await pack(paths, terminal, progress)
    const label = `sending ${name}@${bundle.version}`
    const answer = await client.upload(name, bundle.bytes, (sent) => {
      if (sent < bundle.bytes.length) progress.show(label, sent / bundle.bytes.length)
      else progress.show(`the manager checks ${name}@${bundle.version}`)
    })
    progress.clear()
    const reference = `${answer.name}@${answer.version}`
    if (options.json !== true) {
      terminal.out.write(
        `${reference} is installed: ${plural(answer.accepted, 'rule')} accepted, ` +
          `${answer.rejected} rejected\n`,
      )
      if (answer.rejected > 0) terminal.err.write('`signatures check` says what is rejected\n')
    }
    let state = 'installed'
    if (options.activate === true) {
      progress.show(`activating ${reference}`)
      const switched = await client.activate(answer.name, answer.version, options.wait === true)
      progress.clear()
      state = switched.state
      if (options.json !== true) terminal.out.write(`${reference} is active (${state})\n`)
    } else if (options.json !== true) {
      terminal.err.write(`not in force yet: portcullis signatures activate ${reference}\n`)
    }
    if (options.json === true) terminal.out.write(`${JSON.stringify({ ...answer, state })}\n`)
    return EXIT.ok
  } finally {
    progress.clear()
  }
}

async function pack(
  paths: readonly string[],
  terminal: Terminal,
  progress: Progress,
): Promise<Bundle> {
  const all: RuleFile[] = []
  for (const path of paths) {
    progress.show(`reading ${path}`)
    all.push(...(await readSource(path)).files)
  }
  const { files, leftOut, notes } = selectRuleFiles(all)
  if (!files.some(({ path }) => ['seclang', 'suricata'].includes(kindOf(path)))) {
    throw new SignatureError('SOURCE_UNREADABLE', `${paths.join(', ')}: no *.conf and no *.rules`)
  }
  progress.show(`packing ${plural(files.length, 'file')}`)
  const bundle = await packBundle(files)
  progress.clear()
  for (const note of notes) terminal.err.write(`note: ${note}\n`)
  if (leftOut > 0) terminal.err.write(`note: ${plural(leftOut, 'file')} without rules left out\n`)
  return bundle
}
