import { BUFFERS, LEGACY_MODIFIERS, PAYLOAD } from '../buffers.ts'
import { RuleFault } from '../problem.ts'
import { type Keyword, keyword } from './keyword.ts'

/** The sticky buffers, from their table, and the old modifiers that stand for them. */
export const BUFFER_KEYWORDS: readonly Keyword[] = [
  ...BUFFERS.filter((row) => row.name !== PAYLOAD && row.isSticky).map((row) =>
    keyword(
      row.name,
      'buffer',
      row.summary,
      {
        aliases: row.aliases,
        argument: 'optional',
        grammar: row.sides === 'both' ? '[to_server|to_client]' : '',
      },
      (builder, argument) => {
        const side = argument.trim()
        if (side === '') builder.useBuffer(row.name)
        else if (row.sides !== 'both' || (side !== 'to_server' && side !== 'to_client'))
          throw new RuleFault('bad-argument', `${row.name} takes no argument "${side}"`)
        else builder.useBuffer(row.name, side === 'to_server' ? 'request' : 'response')
      },
    ),
  ),
  keyword('pkt_data', 'buffer', 'Back to the payload', { argument: 'none' }, (builder) =>
    builder.useBuffer(PAYLOAD),
  ),
  ...LEGACY_MODIFIERS.map(([name, buffer]) =>
    keyword(
      name,
      'modifier',
      `The content before is looked for in ${buffer}`,
      { argument: 'none' },
      (builder) => builder.moveContent(name, buffer),
    ),
  ),
]
