import { PROCEED } from '../chain/decision.ts'
import type { ChainFold } from '../chain/fold.ts'
import type { HttpTransaction } from '../http/transaction.ts'
import type { Flow } from '../inspector.ts'
import type { FlowServices } from './flow-services.ts'
import { MAX_HELD_BYTES, MAX_HELD_BYTES_WORKER } from './limits.ts'
import type { Link } from './link.ts'

/** After a chunk of a held body, of which the hops may have seen enough, or there may be too much. */
export function holdsOn(
  flow: Flow,
  transaction: HttpTransaction,
  { toServer, toClient }: Link,
  { heldBudget }: FlowServices,
  fold: ChainFold,
): 'hold' | 'stream' | 'drop' {
  const holds = fold.holdsBody(flow, transaction)
  if (holds !== 'hold') return holds
  const lane = flow === 'to_server' ? toServer : toClient
  if (lane.heldBytes <= MAX_HELD_BYTES && heldBudget.bytes <= MAX_HELD_BYTES_WORKER) return holds
  return fold.overrun(flow) === PROCEED ? 'stream' : 'drop'
}
