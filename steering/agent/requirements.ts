import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { RunCommand } from '../domain/command.ts'
import type { SwitchLocation } from '../domain/switch-port.ts'
import { AgentError } from './errors.ts'

/** Programs that the agent starts. */
const PROGRAMS: readonly (readonly [program: string, debianPackage: string])[] = [
  ['ip', 'iproute2'],
  ['ss', 'iproute2'],
  ['nft', 'nftables'],
  ['perl', 'perl-base'],
  ['nsenter', 'util-linux'],
  ['unshare', 'util-linux'],
  ['setpriv', 'util-linux'],
  ['prlimit', 'util-linux'],
  ['ovs-vsctl', 'openvswitch-switch'],
  ['ovs-ofctl', 'openvswitch-switch'],
]

/**
 * Checks that an agent can work on this machine, cheapest first.
 *
 * @param path  search path for programs
 * @throws AgentError `NOT_ROOT`, `NO_PROGRAM`, `NO_NAMESPACES` or `NO_SWITCH`, one line that says what
 *   is missing and what still works
 */
export async function checkRequirements(
  run: RunCommand,
  location: SwitchLocation,
  path: string,
): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new AgentError(
      'NOT_ROOT',
      'the agent must run as root: it makes network namespaces and speaks to Open vSwitch ' +
        '(portcullis inspect and portcullis manager work without)',
    )
  for (const [program, debianPackage] of PROGRAMS)
    if (!(await isOnPath(program, path)))
      throw new AgentError('NO_PROGRAM', `${program} is missing: apt-get install ${debianPackage}`)
  await run(['unshare', '--net', '--mount', '--', 'true']).catch((cause: Error) => {
    throw new AgentError(
      'NO_NAMESPACES',
      'this machine does not allow network and mount namespaces: ' +
        `the agent needs CAP_SYS_ADMIN and CAP_NET_ADMIN (${lastLine(cause.message)})`,
      { cause },
    )
  })
  const socket = location.ovsdb.replace(/^unix:/, '')
  const isSocket = await stat(socket).then(
    (stats) => stats.isSocket(),
    () => false,
  )
  if (!isSocket)
    throw new AgentError(
      'NO_SWITCH',
      `no Open vSwitch at ${socket}: start it (service openvswitch-switch start) or say where with --ovsdb`,
    )
  await run([
    'ovs-vsctl',
    `--db=${location.ovsdb}`,
    '--timeout=5',
    'br-exists',
    location.bridge,
  ]).catch((cause: Error) => {
    const isAbsent = /ended with 2/.test(cause.message)
    const message = isAbsent
      ? `Open vSwitch has no bridge ${location.bridge}: say which with --bridge`
      : `Open vSwitch at ${socket} does not answer: ${lastLine(cause.message)}`
    throw new AgentError('NO_SWITCH', message, { cause })
  })
}

async function isOnPath(program: string, path: string): Promise<boolean> {
  for (const folder of path.split(delimiter)) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return true
  }
  return false
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''
