import type { RunCommand } from '../domain/command.ts'
import {
  OWNER_KEY,
  type OwnPort,
  type SwitchLocation,
  additionOf,
  switchPortNumber,
  vsctl,
} from '../domain/switch-port.ts'

/**
 * Mirrors in the switch's database, through `ovs-vsctl`. Ours carry our `external_ids`; others' are never
 * looked at.
 */
export interface Mirror {
  readonly uuid: string
  readonly name: string
  /** UUIDs of ports. */
  readonly sources: readonly string[]
  readonly destinations: readonly string[]
  readonly output: readonly string[]
}

/** It has both ends: the switch empties what names a port that is gone. */
export const isWhole = ({ sources, destinations, output }: Mirror): boolean =>
  sources.length > 0 && destinations.length > 0 && output.length > 0

/** Mirrors of an agent instance, in whatever bridge. */
export async function listMirrors(
  run: RunCommand,
  location: SwitchLocation,
  instance: string,
): Promise<Mirror[]> {
  const columns = '_uuid,name,select_src_port,select_dst_port,output_port'
  const query = `external_ids:${OWNER_KEY}=${instance}`
  const rows = await table(run, location, ['find', 'Mirror', query], columns)
  return rows.map(([uuid, name, sources, destinations, output]) => ({
    uuid: uuids(uuid).join(),
    name: String(name),
    sources: uuids(sources),
    destinations: uuids(destinations),
    output: uuids(output),
  }))
}

/** What went through a port of the switch. */
export interface PortCounts {
  /** Both ways. */
  readonly packets: number
  /** Out of the switch. */
  readonly sentPackets: number
  readonly sentBytes: number
}

/**
 * Counts of ports by their names, those left out that the switch does not have. A mirror has counts as well, but they
 * say what should have been copied.
 */
export async function portCounts(
  run: RunCommand,
  location: SwitchLocation,
  ports: readonly string[],
): Promise<ReadonlyMap<string, PortCounts>> {
  if (ports.length === 0) return new Map()
  const command = ['--if-exists', 'list', 'Interface', ...ports]
  const rows = await table(run, location, command, 'name,statistics')
  return new Map(
    rows.map(([name, statistics]) => {
      const counts = new Map(members(statistics) as [string, number][])
      const sentPackets = counts.get('tx_packets') ?? 0
      const packets = sentPackets + (counts.get('rx_packets') ?? 0)
      return [String(name), { packets, sentPackets, sentBytes: counts.get('tx_bytes') ?? 0 }]
    }),
  )
}

/**
 * Mirrors what a port sends and gets to a port of ours, which has the mirror's name and is made along with it; what is
 * there by that name and says something else goes first.
 *
 * Port and mirror come and go in one transaction because Open vSwitch 3.1.0 does not look at its cached flows again
 * when a mirror alone changes: a conversation that goes on would not be mirrored for as long as it does. A port that
 * comes or goes makes it look again, after it has the mirror.
 *
 * @param from name of the guest's port
 * @returns whether anything had to be changed
 * @throws DomainError `COMMAND_FAILED` when one of the ports cannot be had
 */
export async function ensureMirror(
  run: RunCommand,
  location: SwitchLocation,
  port: OwnPort,
  from: string,
): Promise<boolean> {
  const { name, instance } = port
  const ports = await table(
    run,
    location,
    ['--if-exists', 'list', 'Port', from, name],
    'name,_uuid',
  )
  const idOf = (of: string): string | undefined =>
    uuids(ports.find(([known]) => known === of)?.[1]).at(0)
  const known = (await listMirrors(run, location, instance)).find((one) => one.name === name)
  if (known !== undefined && isMirrorOf(known, idOf(from), idOf(name))) return false
  await removeMirror(run, location, port)
  const created = ['create', 'Mirror', `name=${name}`, `external_ids:${OWNER_KEY}=${instance}`]
  const ends = ['select_src_port=@from', 'select_dst_port=@from', 'output_port=@to']
  try {
    await run([
      ...vsctl(location),
      ...additionOf(location, port),
      ...step('--id=@from', 'get', 'Port', from),
      ...step('--id=@to', 'get', 'Port', name),
      ...step('--id=@new', ...created, ...ends),
      ...step('add', 'Bridge', location.bridge, 'mirrors', '@new'),
    ])
    await switchPortNumber(run, location, name)
  } catch (error) {
    // Half of it must not pass for the whole.
    await removeMirror(run, location, port).catch(() => {})
    throw error
  }
  return true
}

const isMirrorOf = (
  { sources, destinations, output }: Mirror,
  from: string | undefined,
  to: string | undefined,
): boolean => sources.join() === from && destinations.join() === from && output.join() === to

/** Removes a mirror of ours and its port; what is gone already is no error. */
export async function removeMirror(
  run: RunCommand,
  location: SwitchLocation,
  { name, instance }: Pick<OwnPort, 'name' | 'instance'>,
): Promise<void> {
  const mirrors = await listMirrors(run, location, instance)
  const known = mirrors.filter((mirror) => mirror.name === name)
  await run([
    ...vsctl(location),
    ...known.flatMap(({ uuid }) => step('remove', 'Bridge', location.bridge, 'mirrors', uuid)),
    ...step('--if-exists', 'del-port', name),
  ])
}

/** One command of a transaction. */
const step = (...words: readonly string[]): string[] => ['--', ...words]

/** Rows of a JSON answer: `{headings, data}` with OVSDB's notation of values (RFC 7047, 5.1). */
async function table(
  run: RunCommand,
  location: SwitchLocation,
  command: readonly string[],
  columns: string,
): Promise<unknown[][]> {
  const output = await run([
    ...vsctl(location),
    '--format=json',
    '--',
    `--columns=${columns}`,
    ...command,
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
