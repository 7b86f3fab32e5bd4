import type { RunCommand } from '../domain/command.ts'
import { OWNER_KEY, type SwitchLocation, vsctl } from '../domain/switch-port.ts'

/**
 * Mirrors in the switch's database, through `ovs-vsctl`. Ours carry our `external_ids`; others' are never
 * looked at.
 */
export interface Mirror {
  readonly name: string
  readonly packets: number
  readonly bytes: number
  /** UUIDs of ports. */
  readonly sources: readonly string[]
  readonly destinations: readonly string[]
  readonly output: readonly string[]
}

/** Mirrors of an agent instance, in whatever bridge. */
export async function listMirrors(
  run: RunCommand,
  location: SwitchLocation,
  instance: string,
): Promise<Mirror[]> {
  const columns = 'name,select_src_port,select_dst_port,output_port,statistics'
  const query = `external_ids:${OWNER_KEY}=${instance}`
  const rows = await table(run, location, ['find', 'Mirror', query], columns)
  return rows.map(([name, sources, destinations, output, statistics]) => {
    const counts = new Map(members(statistics) as [string, number][])
    return {
      name: String(name),
      sources: uuids(sources),
      destinations: uuids(destinations),
      output: uuids(output),
      packets: counts.get('tx_packets') ?? 0,
      bytes: counts.get('tx_bytes') ?? 0,
    }
  })
}

/**
 * Mirrors what a port sends and gets to another one; a mirror of that name that says something else is replaced
 * in the same transaction.
 *
 * @returns whether anything had to be changed
 * @throws DomainError `COMMAND_FAILED` when one of the ports is not there
 */
export async function ensureMirror(
  run: RunCommand,
  location: SwitchLocation,
  mirror: {
    readonly name: string
    readonly instance: string
    /** Names of the guest's port and of the port that gets the copies. */
    readonly from: string
    readonly to: string
  },
): Promise<boolean> {
  const { name, instance, from, to } = mirror
  const ports = await table(run, location, ['list', 'Port', from, to], 'name,_uuid')
  const idOf = (port: string): string =>
    uuids(ports.find(([known]) => known === port)?.[1]).at(0) ?? port
  const [source, output] = [idOf(from), idOf(to)]
  const known = (await listMirrors(run, location, instance)).find((one) => one.name === name)
  const isSame = (ids: readonly string[] = [], id: string): boolean => ids.join() === id
  if (
    isSame(known?.sources, source) &&
    isSame(known?.destinations, source) &&
    isSame(known?.output, output)
  )
    return false
  await run([
    ...vsctl(location),
    ...(known === undefined ? [] : removal(location, name)),
    '--',
    '--id=@new',
    'create',
    'Mirror',
    `name=${name}`,
    `select_src_port=${source}`,
    `select_dst_port=${source}`,
    `output_port=${output}`,
    `external_ids:${OWNER_KEY}=${instance}`,
    '--',
    'add',
    'Bridge',
    location.bridge,
    'mirrors',
    '@new',
  ])
  return true
}

/** Removes mirrors of ours by name; those that are gone already are no error. */
export async function removeMirrors(
  run: RunCommand,
  location: SwitchLocation,
  instance: string,
  names: readonly string[],
): Promise<void> {
  const known = new Set((await listMirrors(run, location, instance)).map((mirror) => mirror.name))
  for (const name of names)
    if (known.has(name)) await run([...vsctl(location), ...removal(location, name)])
}

const removal = ({ bridge }: SwitchLocation, name: string): string[] => [
  '--',
  '--id=@old',
  'get',
  'Mirror',
  name,
  '--',
  'remove',
  'Bridge',
  bridge,
  'mirrors',
  '@old',
]

/** Rows of a JSON answer: `{headings, data}` with OVSDB's notation of values (RFC 7047, 5.1). */
async function table(
  run: RunCommand,
  location: SwitchLocation,
  command: readonly string[],
  columns: string,
): Promise<unknown[][]> {
  const [verb, ...rest] = command
  const output = await run([
    ...vsctl(location),
    '--format=json',
    `--columns=${columns}`,
    verb,
    ...rest,
  ])
  if (output.trim() === '') return []
  const { headings, data } = JSON.parse(output) as { headings: string[]; data: unknown[][] }
  const order = columns.split(',').map((column) => headings.indexOf(column))
  return data.map((row) => order.map((at) => row[at]))
}

/** A set or map as a list. */
function members(value: unknown): unknown[] {
  if (!Array.isArray(value)) return []
  const [kind, content] = value as unknown[]
  return (kind === 'set' || kind === 'map') && Array.isArray(content) ? content : [value]
}

const uuids = (value: unknown): string[] =>
  members(value).flatMap((one) => (Array.isArray(one) && one[0] === 'uuid' ? [String(one[1])] : []))
