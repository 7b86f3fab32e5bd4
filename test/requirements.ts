import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const PROGRAMS = [
  'ovs-vswitchd',
  'ovs-vsctl',
  'ovs-ofctl',
  'redis-server',
  'ip',
  'nft',
  'curl',
] as const

/**
 * What a real switch with real namespaces needs and this machine lacks.
 *
 * @returns one line for people, or null when nothing is missing
 */
export function missingForEndToEnd(): string | null {
  if (process.getuid?.() !== 0) {
    return 'root is needed for network namespaces and Open vSwitch; inspect and the unit tests work without'
  }
  const absent = PROGRAMS.filter((program) => spawnSync(program, ['-V']).error !== undefined)
  if (absent.length > 0) return `not installed: ${absent.join(', ')}`
  if (!existsSync('/dev/net/tun'))
    return '/dev/net/tun is missing: Open vSwitch cannot make its bridge port'
  const name = `pct-probe-${process.pid}`
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) {
    return 'network namespaces cannot be created here (a container without CAP_SYS_ADMIN?)'
  }
  spawnSync('ip', ['netns', 'delete', name])
  return null
}
