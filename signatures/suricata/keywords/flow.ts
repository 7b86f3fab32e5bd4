import { applicationEventKind } from '../application-events.ts'
import { commaList, integer } from '../arguments.ts'
import type { RuleBuilder } from '../builder.ts'
import { numberRange } from '../number-range.ts'
import { isApplicationProtocol } from '../protocols.ts'
import { RuleFault } from '../problem.ts'
import type { FlowCheck, ProtocolMode } from '../checks.ts'
import { type Keyword, keyword } from './keyword.ts'

const MAX_COUNT = 0xffff_ffff

/** Keywords about the connection as a whole. */
export const FLOW_KEYWORDS: readonly Keyword[] = [
  keyword(
    'flow',
    'flow',
    'Direction and state of the connection',
    {
      grammar:
        '[to_server|to_client|from_server|from_client][,established|not_established|stateless][,only_stream|no_stream][,only_frag|no_frag]',
    },
    flow,
  ),
  keyword(
    'stream_size',
    'flow',
    'Bytes of the connection so far',
    { grammar: 'server|client|both|either,OP,BYTES' },
    streamSize,
  ),
  keyword(
    'dsize',
    'flow',
    'Size of the payload of the packet',
    { grammar: 'N | !N | <N | >N | A<>B', repeatable: false },
    (builder, argument) => {
      builder.flowChecks.push({ kind: 'dsize', range: numberRange(argument, 65_535) })
    },
  ),
  keyword(
    'app-layer-protocol',
    'flow',
    'Protocol found in the connection',
    {
      grammar: '[!]NAME[|NAME…][,exact][,direction|to_server|to_client|either|both|final|original]',
    },
    applicationProtocol,
  ),
  keyword(
    'app-layer-event',
    'flow',
    'Fault that the parser of the protocol found',
    { grammar: '[PROTOCOL.]NAME' },
    (builder, argument) => {
      const name = argument.trim()
      switch (applicationEventKind(name)) {
        case 'raised':
          builder.events.push(name)
          return
        case 'silent':
          throw new RuleFault('unsupported-keyword', `nothing tells of the event ${name}`)
        case 'unknown':
          throw new RuleFault('bad-argument', `there is no event "${name}"`)
      }
    },
  ),
  keyword('sameip', 'flow', 'Both addresses are equal', { argument: 'none' }, (builder) => {
    builder.flowChecks.push({ kind: 'sameip' })
  }),
  keyword(
    'prefilter',
    'modifier',
    'Hint about evaluation; changes nothing here',
    { argument: 'none' },
    () => {},
  ),
  ...(['pkts', 'bytes'] as const).flatMap((what) => [
    keyword(
      `flow.${what}`,
      'flow',
      `${what === 'pkts' ? 'Packets' : 'Bytes'} of the connection so far`,
      { grammar: 'toserver|toclient|both|either,RANGE' },
      (builder, argument) => {
        const comma = argument.indexOf(',')
        const side = argument.slice(0, Math.max(0, comma)).trim()
        if (side !== 'toserver' && side !== 'toclient' && side !== 'both' && side !== 'either')
          throw new RuleFault('bad-argument', `flow.${what} has no side "${side}"`)
        const range = numberRange(argument.slice(comma + 1), Number.MAX_SAFE_INTEGER)
        builder.flowChecks.push({ kind: 'flow-count', what, side, range })
      },
    ),
    ...(['toserver', 'toclient'] as const).map((side) =>
      keyword(
        `flow.${what}_${side}`,
        'flow',
        `${what === 'pkts' ? 'Packets' : 'Bytes'} of one direction so far`,
        { grammar: 'RANGE' },
        (builder, argument) => {
          const range = numberRange(argument, Number.MAX_SAFE_INTEGER)
          builder.flowChecks.push({ kind: 'flow-count', what, side, range })
        },
      ),
    ),
  ]),
  keyword(
    'flow.age',
    'flow',
    'Seconds since the connection began',
    { grammar: 'RANGE' },
    (builder, argument) => {
      const range = numberRange(argument, MAX_COUNT)
      builder.flowChecks.push({ kind: 'flow-count', what: 'age', side: 'either', range })
    },
  ),
]

function flow(builder: RuleBuilder, argument: string): void {
  const condition = (builder.flow ??= {
    direction: null,
    state: null,
    stream: null,
    fragments: null,
  })
  for (const item of commaList(argument)) {
    switch (item.toLowerCase()) {
      case 'to_server':
      case 'from_client':
        condition.direction = once('direction', condition.direction, 'to_server')
        break
      case 'to_client':
      case 'from_server':
        condition.direction = once('direction', condition.direction, 'to_client')
        break
      case 'established':
        condition.state = once('state', condition.state, 'established')
        break
      case 'not_established':
        condition.state = once('state', condition.state, 'not_established')
        break
      case 'stateless':
        condition.state = once('state', condition.state, 'stateless')
        break
      case 'only_stream':
        condition.stream = once('stream form', condition.stream, 'only_stream')
        break
      case 'no_stream':
        condition.stream = once('stream form', condition.stream, 'no_stream')
        break
      case 'only_frag':
        condition.fragments = once('fragment form', condition.fragments, 'only_frag')
        break
      case 'no_frag':
        condition.fragments = once('fragment form', condition.fragments, 'no_frag')
        break
      default:
        throw new RuleFault('bad-argument', `flow has no option "${item}"`)
    }
  }
}

function once<Value>(what: string, before: Value | null, value: Value): Value {
  if (before !== null) throw new RuleFault('conflict', `flow is given two values for its ${what}`)
  return value
}

const PROTOCOL_MODES: ReadonlyMap<string, ProtocolMode> = new Map([
  ['direction', 'direction'],
  ['to_server', 'to_server'],
  ['to_client', 'to_client'],
  ['either', 'either'],
  ['both', 'either'],
  ['final', 'final'],
  ['original', 'original'],
])

/** `unknown`: nothing is known yet; `failed`: enough was seen and nothing found. */
function applicationProtocol(builder: RuleBuilder, argument: string): void {
  const [first = '', ...rest] = commaList(argument)
  const negated = first.startsWith('!')
  const names = (negated ? first.slice(1) : first).split('|').map((name) => name.trim())
  for (const name of names)
    if (!isApplicationProtocol(name) && name !== 'failed' && name !== 'unknown')
      throw new RuleFault('bad-argument', `"${name}" is not an application protocol`)
  if (negated && names.includes('unknown'))
    throw new RuleFault('bad-argument', 'unknown cannot be negated')
  let mode: ProtocolMode | null = null
  let exact = false
  for (const item of rest) {
    const named = PROTOCOL_MODES.get(item)
    if (item === 'exact' && !exact) exact = true
    else if (named !== undefined && mode === null) mode = named
    else throw new RuleFault('bad-argument', `app-layer-protocol has no option "${item}"`)
  }
  const check: FlowCheck = {
    kind: 'app-layer-protocol',
    names,
    negated,
    exact,
    mode: mode ?? 'direction',
  }
  builder.flowChecks.push(check)
}

function streamSize(builder: RuleBuilder, argument: string): void {
  const [side = '', comparison = '', bytes, ...rest] = commaList(argument)
  if (side !== 'server' && side !== 'client' && side !== 'both' && side !== 'either')
    throw new RuleFault('bad-argument', `stream_size has no side "${side}"`)
  if (bytes === undefined || rest.length > 0)
    throw new RuleFault('bad-argument', 'stream_size takes SIDE,OP,BYTES')
  switch (comparison) {
    case '<':
    case '>':
    case '=':
    case '<=':
    case '>=':
    case '!=':
      builder.flowChecks.push({
        kind: 'stream_size',
        side,
        comparison,
        bytes: integer(bytes, 0, MAX_COUNT),
      })
      return
    default:
      throw new RuleFault('bad-argument', `stream_size has no operator "${comparison}"`)
  }
}
