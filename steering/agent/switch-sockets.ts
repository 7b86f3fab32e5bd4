import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Sockets of a running Open vSwitch: the bridge's OpenFlow management socket, and ovs-vswitchd's
 * control socket, whose default name holds its process id.
 */
export async function switchSockets(config: {
  readonly ovsRun: string
  readonly bridge: string
}): Promise<{ readonly managementSocket: string; readonly controlSocket: string }> {
  const managementSocket = join(config.ovsRun, `${config.bridge}.mgmt`)
  return { managementSocket, controlSocket: await controlSocket(config.ovsRun) }
}

async function controlSocket(folder: string): Promise<string> {
  const pid = await readFile(join(folder, 'ovs-vswitchd.pid'), 'utf8').catch(() => '')
  const named = join(folder, `ovs-vswitchd.${pid.trim()}.ctl`)
  const plain = join(folder, 'ovs-vswitchd.ctl')
  const hasPlain = await stat(plain).then(
    () => true,
    () => false,
  )
  return pid === '' || hasPlain ? plain : named
}
