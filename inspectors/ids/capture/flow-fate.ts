import type {
  ExceptionPolicies,
  ExceptionPolicy,
  ExceptionTarget,
} from '../configuration/exception-policies.ts'
import { RST, SYN, ACK, type Packet } from './packet.ts'
import type { TcpState } from './tcp/endpoint.ts'

/** What an exception means for the packet that brought it. */
export type Treatment = 'look' | 'look-not' | 'pass' | 'stop'

/** Of two exceptions the harder treatment counts. */
export const SEVERITY: Readonly<Record<Treatment, number>> = {
  look: 0,
  pass: 1,
  'look-not': 2,
  stop: 3,
}

/** What was decided about the packets of a flow that are still to come. */
export class FlowFate {
  readonly #policies: ExceptionPolicies
  #state: 'open' | 'passed' | 'bypassed' | 'dropped' = 'open'
  #byPolicy = false
  /** Exceptions that were met, and what was done; null: none was. */
  exceptions: Map<ExceptionTarget, ExceptionPolicy> | null = null

  constructor(policies: ExceptionPolicies) {
    this.#policies = policies
  }

  get isDropped(): boolean {
    return this.#state === 'dropped'
  }

  /** It is followed, and no rule is asked any more. */
  get isPassed(): boolean {
    return this.#state === 'passed'
  }

  get isBypassed(): boolean {
    return this.#state === 'bypassed'
  }

  /** Why packets of a dropped flow are stopped. */
  get dropReason(): 'flow drop' | 'exception policy flow drop' {
    return this.#byPolicy ? 'exception policy flow drop' : 'flow drop'
  }

  /** The first word about a flow counts. */
  decide(state: 'passed' | 'bypassed' | 'dropped'): void {
    if (this.#state === 'open') this.#state = state
  }

  /** Does with the flow what is to be done in this case, and says what it means for the packet. */
  meet(target: ExceptionTarget): Treatment {
    const policy = this.#policies[target]
    this.exceptions ??= new Map()
    this.exceptions.set(target, policy)
    switch (policy) {
      case 'ignore':
        return 'look'
      case 'pass-flow':
        this.decide('passed')
        return 'pass'
      case 'pass-packet':
        return 'pass'
      case 'bypass':
        this.decide('bypassed')
        return 'look-not'
      case 'drop-packet':
        return 'stop'
      case 'drop-flow':
      case 'reject':
      case 'rejectboth':
        this.#byPolicy = this.#state === 'open'
        this.decide('dropped')
        return 'stop'
    }
  }
}

/** A packet of a connection whose beginning was not seen: no SYN, and no reset, which begins nothing. */
export function isMidstream({ tcp }: Packet, state: TcpState): boolean {
  if (tcp === null || state !== 'none' || (tcp.flags & RST) !== 0) return false
  return (tcp.flags & SYN) === 0 || (tcp.flags & ACK) !== 0
}
