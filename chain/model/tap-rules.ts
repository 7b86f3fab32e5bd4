import type { Attachment } from './attachment.ts'
import type { Chain } from './chain.ts'
import { invalid, type Violation } from './violation.ts'

/** What a mirror cannot do: nothing of it can be stopped, and nothing is taken apart for a WAF. */

export const isTap = ({ mode }: Attachment): boolean => mode === 'tap'

const unfit = (chain: Chain): { index: number; field: 'type' | 'mode'; why: string } | null => {
  for (const [index, { type, mode }] of chain.inspectors.entries()) {
    if (type !== 'ids')
      return { index, field: 'type', why: `a ${type} cannot look at mirrored traffic, an ids can` }
    if (mode !== 'detect')
      return { index, field: 'mode', why: `mode ${mode} cannot stop mirrored traffic: say detect` }
  }
  return null
}

/** Of an attachment that is about to be stored, with the chain it names (where there is one). */
export function tapViolations(attachment: Attachment, chain: Chain | undefined): Violation[] {
  const violations: Violation[] = []
  for (const [index, { protocol, destinationPorts }] of attachment.classifiers.entries()) {
    const pointer = `/classifiers/${index}`
    if (protocol === 'tcp' || protocol === 'udp') continue
    if (!isTap(attachment))
      violations.push(
        invalid(
          `${pointer}/protocol`,
          `${protocol} cannot be led through inspectors: say tcp or udp`,
        ),
      )
    else if (destinationPorts !== 'any')
      violations.push(invalid(`${pointer}/destinationPorts`, `${protocol} has no ports: say any`))
  }
  const fault = isTap(attachment) && chain !== undefined ? unfit(chain) : null
  if (fault !== null)
    violations.push(
      invalid('/chain', `inspector ${fault.index} of chain ${chain!.name}: ${fault.why}`),
    )
  return violations
}

/** Of a chain that is about to be stored, with the attachments that use it. */
export function chainTapViolations(chain: Chain, attachments: readonly Attachment[]): Violation[] {
  const fault = unfit(chain)
  const user = attachments.find(isTap)
  if (fault === null || user === undefined) return []
  const detail = `attachment ${user.id} mirrors its port to this chain: ${fault.why}`
  return [invalid(`/inspectors/${fault.index}/${fault.field}`, detail)]
}
