import type { Attachment } from './attachment.ts'
import type { Chain } from './chain.ts'
import { invalid, type Violation } from './violation.ts'

/**
 * What cannot be led through a chain: a WAF reads HTTP on TCP connections and nothing else. Checked from both
 * ends, when the attachment is written and when the chain is.
 */

const wantsDatagrams = (attachment: Attachment): boolean =>
  attachment.mode !== 'tap' && attachment.classifiers.some(({ protocol }) => protocol === 'udp')

const blindTo = (chain: Chain): number => chain.inspectors.findIndex(({ type }) => type !== 'ids')

/** Of an attachment that is about to be stored, with the chain it names. */
export function datagramViolations(attachment: Attachment, chain: Chain): Violation[] {
  const blind = blindTo(chain)
  if (blind < 0) return []
  return attachment.classifiers.flatMap(({ protocol }, index) =>
    protocol === 'udp'
      ? [
          invalid(
            `/classifiers/${index}/protocol`,
            `inspector ${blind} of chain ${chain.name} is a ${chain.inspectors[blind].type}, which cannot see ` +
              'datagrams: attach a chain of ids inspectors for udp',
          ),
        ]
      : [],
  )
}

/** Of a chain that is about to be stored, with the attachments that use it. */
export function chainDatagramViolations(
  chain: Chain,
  attachments: readonly Attachment[],
): Violation[] {
  const blind = blindTo(chain)
  const user = attachments.find(wantsDatagrams)
  if (blind < 0 || user === undefined) return []
  return [
    invalid(
      `/inspectors/${blind}/type`,
      `attachment ${user.id} leads datagrams through this chain, which a ${chain.inspectors[blind].type} ` +
        'cannot see',
    ),
  ]
}
