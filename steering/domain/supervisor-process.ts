import { setPriority } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ProcessFolders, type ProcessRecord, startConfined } from './confined-process.ts'
import { INNER_INTERFACE, TRANSPARENT_PORT } from './namespace.ts'

/** Where the supervisor sees the folder of its control socket, and the socket in it. */
export const VIEW_CONTROL = '/control'
export const CONTROL_SOCKET = 'control.sock'

const LAUNCHER = fileURLToPath(new URL('launch-supervisor.pl', import.meta.url))
const CONTROL_FOLDER = 'control'
const ACCEPT_BACKLOG = 4096
const SUPERVISOR_NICE = -10

export const controlSocketPath = ({ run }: ProcessFolders): string =>
  join(run, CONTROL_FOLDER, CONTROL_SOCKET)

/**
 * Starts a supervisor in a namespace and records it in its run folder.
 *
 * @param nodeArguments script (a path as the supervisor sees it) and its arguments
 */
export async function startSupervisor(
  namespace: string,
  folders: ProcessFolders,
  nodeArguments: readonly string[],
): Promise<ProcessRecord> {
  const record = await startConfined({
    namespace,
    folders,
    own: { folder: CONTROL_FOLDER, at: VIEW_CONTROL },
    launcher: LAUNCHER,
    before: [String(TRANSPARENT_PORT), String(ACCEPT_BACKLOG), INNER_INTERFACE],
    after: [],
    nodeArguments,
  })
  prefer(record.pid)
  return record
}

/**
 * A supervisor runs before busy workers, so that it tells at once of one that died, and so that its own
 * death is over, and heard of, before theirs. Its workers run as everybody does.
 */
function prefer(pid: number): void {
  try {
    setPriority(pid, SUPERVISOR_NICE)
  } catch {
    // not allowed: as it is
  }
}
