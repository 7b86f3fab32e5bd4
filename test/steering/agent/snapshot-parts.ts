import type { Attachment } from '#chain/model/attachment.ts'
import type { Port } from '#chain/model/port.ts'

/** A port of a tenant, at 10.0.0.1. */
export const port = (tenant: string, id: string, network: string): Port => ({
  id,
  tenant,
  network,
  interfaceId: `if-${tenant}-${id}`,
  addresses: ['10.0.0.1'],
})

/** An attachment of chain `c` to TCP port 80 of port `p`, but for what a test says. */
export const attachment = (
  tenant: string,
  id: string,
  change: Partial<Attachment> = {},
): Attachment => ({
  id,
  tenant,
  port: 'p',
  chain: 'c',
  direction: 'ingress',
  classifiers: [{ protocol: 'tcp', destinationPorts: [80] }],
  priority: 1,
  onAttach: 'new-only',
  onDetach: 'drain',
  ...change,
})
