import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Value } from 'typebox/value'
import { type TapConfig, TapStatus } from '#chain/model/tap.ts'
import {
  type ProcessFolders,
  type ProcessRecord,
  VIEW_APP,
  startConfined,
} from '../domain/confined-process.ts'
import { TAP_INTERFACE } from './tap-namespace.ts'

/** Where the process sees its folder, and the file that it tells its state in. */
export const VIEW_TAP = '/tap'
export const STATUS_FILE = 'status.json'
/** Bytes of a packet that are kept: a frame of the largest size, before it is cut by a card. */
const SNAP_BYTES = 262_144
/** Room for packets that wait in the kernel, KiB. */
const CAPTURE_BUFFER_KIB = 8192
/** Whom tcpdump becomes once the interface is open. */
const CAPTURE_USER = 'nobody'

const LAUNCHER = fileURLToPath(new URL('launch-tap.pl', import.meta.url))
const TAP_FOLDER = 'tap'
const CONFIG_FILE = 'config.json'

/**
 * Starts tcpdump and the process that reads it, in a namespace, and records the latter in the run folder. It
 * outlives the agent.
 *
 * @param filter pcap-filter expression; empty: everything
 */
export function startTap(
  namespace: string,
  folders: ProcessFolders,
  config: TapConfig,
  filter: string,
): Promise<ProcessRecord> {
  return startConfined({
    namespace,
    folders,
    own: { folder: TAP_FOLDER, at: VIEW_TAP },
    files: { [CONFIG_FILE]: JSON.stringify(config) },
    launcher: LAUNCHER,
    before: [],
    after: [...captureCommand(filter), '--'],
    nodeArguments: [
      `${VIEW_APP}/inspectors/main.ts`,
      'tap',
      '--config',
      `${VIEW_TAP}/${CONFIG_FILE}`,
      '--capture-pid',
    ],
  })
}

/** What a tap last told of itself; null: nothing that can be read. */
export async function readTapStatus({ run }: ProcessFolders): Promise<TapStatus | null> {
  try {
    const text = await readFile(join(run, TAP_FOLDER, STATUS_FILE), 'utf8')
    const value: unknown = JSON.parse(text)
    return Value.Check(TapStatus, value) ? value : null
  } catch {
    return null
  }
}

const captureCommand = (filter: string): string[] => [
  'tcpdump',
  '-i',
  TAP_INTERFACE,
  '-n',
  '-U',
  '-w',
  '-',
  '-Z',
  CAPTURE_USER,
  '-s',
  String(SNAP_BYTES),
  '-B',
  String(CAPTURE_BUFFER_KIB),
  ...(filter === '' ? [] : [filter]),
]
