import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunCommand } from './command.ts'
import { listOwnDevices } from './namespace.ts'
import { killNamespace } from './confined-process.ts'
import { type SwitchLocation, listOwnSwitchPorts, removeSwitchPorts } from './switch-port.ts'
import type { DomainNames } from './names.ts'

/**
 * Removes what runs of this agent instance left on the machine and no wanted domain owns: ports in the
 * switch, namespaces with the processes in them, veth ends, run folders. What other instances and other
 * programs made is not looked at.
 *
 * @param runFolder parent of the domains' run folders
 * @param wanted    names of the domains that exist or are about to be adopted
 * @returns what was removed, for the log
 */
export async function removeLeftovers(
  run: RunCommand,
  location: SwitchLocation,
  instance: string,
  runFolder: string,
  wanted: readonly DomainNames[],
): Promise<string[]> {
  const keptPorts = new Set(wanted.map((names) => names.portName))
  const keptNamespaces = new Set(wanted.map((names) => names.namespace))
  const keptFolders = new Set(wanted.map((names) => names.folder))

  const ports = await listOwnSwitchPorts(run, location, instance)
  const stalePorts = ports.filter((name) => !keptPorts.has(name))
  await removeSwitchPorts(run, location, stalePorts)

  const { namespaces, links } = await listOwnDevices(run, instance)
  const staleNamespaces = namespaces.filter((name) => !keptNamespaces.has(name))
  for (const namespace of staleNamespaces) {
    await killNamespace(run, namespace)
    await run(['ip', 'netns', 'delete', namespace])
  }
  // A veth pair goes with its namespace, but not at once; one whose namespace has no name stays.
  for (const link of links.filter((name) => !keptPorts.has(name)))
    await run(['ip', 'link', 'delete', link]).catch(() => {})

  const folders = await readdir(runFolder).catch(() => [])
  const staleFolders = folders.filter(
    (name) => name.startsWith(`${instance}-`) && !keptFolders.has(name),
  )
  for (const folder of staleFolders)
    await rm(join(runFolder, folder), { recursive: true, force: true })

  return [...stalePorts, ...staleNamespaces, ...staleFolders]
}
