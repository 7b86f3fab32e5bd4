import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SwitchController } from '#steering/openflow/switch-controller.ts'
import type { AgentConfig } from '../config.ts'
import { runCommand } from '../domain/command.ts'
import { removeLeftovers } from '../domain/leftovers.ts'
import { instanceId } from '../domain/names.ts'
import { agentFolders } from './compose.ts'
import { switchSockets } from './switch-sockets.ts'

/**
 * Removes what an agent of this host has in the switch and on the machine, without a snapshot and
 * without Redis: flows first, then domains. Rule cache and spooled alerts stay.
 */
export async function tearDown(config: AgentConfig): Promise<void> {
  const steering = new SwitchController({
    ...(await switchSockets(config)),
    stateFile: agentFolders(config).switchState,
    firstTable: config.tableBase,
  })
  await steering.start()
  await steering.clear()
  await steering.stop()
  const instance = instanceId(config.host, config.ovsdb)
  await removeLeftovers(runCommand, config, instance, config.run, [])
  await rm(join(config.data, 'in-force.json'), { force: true })
}
