import { type ApiFlags, apiEndpoint } from '#signatures/config.ts'
import { ApiClient, type SwitchAnswer } from './api-client.ts'
import { EXIT } from './exit-code.ts'
import { checkName, readReference } from './names.ts'
import { Progress } from './progress.ts'
import { count, table, type Terminal } from './terminal.ts'

export interface VersionOptions extends ApiFlags {
  readonly json?: boolean
  readonly wait?: boolean
}

/** `signatures list`: installed versions, the active one marked. */
export async function list(options: VersionOptions, terminal: Terminal): Promise<number> {
  const sets = await new ApiClient(apiEndpoint(options), terminal.signal).list()
  if (options.json === true) {
    terminal.out.write(`${JSON.stringify({ items: sets })}\n`)
    return EXIT.ok
  }
  if (sets.length === 0) {
    terminal.err.write('no rule set is installed: portcullis signatures install NAME PATH\n')
    return EXIT.ok
  }
  const rows = sets.flatMap((set) =>
    set.versions.map((each) => [
      `${set.name}@${each.version}`,
      each.version === set.active ? 'active' : '',
      count(each.accepted),
      count(each.rejected),
      each.installedAt.slice(0, 19).replace('T', ' '),
    ]),
  )
  const head = ['RULE SET', 'STATE', 'ACCEPTED', 'REJECTED', 'INSTALLED (UTC)']
  terminal.out.write(table([head, ...rows]))
  return EXIT.ok
}

/** `signatures activate NAME@VERSION`: in force on every chain that names the set without a version. */
export async function activate(
  text: string,
  options: VersionOptions,
  terminal: Terminal,
): Promise<number> {
  const { name, version } = readReference(text)
  return switchTo(`activating ${text}`, options, terminal, (client) =>
    client.activate(name, version, options.wait === true),
  )
}

/** `signatures rollback NAME`: back to the version that was active before. */
export async function rollback(
  name: string,
  options: VersionOptions,
  terminal: Terminal,
): Promise<number> {
  checkName(name)
  return switchTo(`rolling ${name} back`, options, terminal, (client) =>
    client.rollback(name, options.wait === true),
  )
}

async function switchTo(
  label: string,
  options: VersionOptions,
  terminal: Terminal,
  call: (client: ApiClient) => Promise<SwitchAnswer>,
): Promise<number> {
  const client = new ApiClient(apiEndpoint(options), terminal.signal)
  const progress = new Progress(terminal.err)
  progress.show(label)
  let answer: SwitchAnswer
  try {
    answer = await call(client)
  } finally {
    progress.clear()
  }
  if (options.json === true) terminal.out.write(`${JSON.stringify(answer)}\n`)
  else {
    const { name, active, state, pending } = answer
    terminal.out.write(`${name}@${active} is active (${state})\n`)
    for (const attachment of pending) terminal.err.write(`  pending: ${attachment}\n`)
  }
  return EXIT.ok
}
