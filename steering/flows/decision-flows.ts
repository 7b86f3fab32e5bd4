import { type Tables, reg } from './build.ts'
import type { Action, Flow } from './flow.ts'
import { REG } from './layout.ts'
import type { SteeredDomain } from './steered.ts'

const DECISION_PRIORITY = 40

/**
 * What becomes of connections that a classifier of a domain's attachments has chosen and that nobody
 * knows: two flows, one for each `onFailure`. They alone depend on whether a worker listens, so that
 * traffic is led round a dead domain by changing two flows, however many attachments it has. Both
 * states have the same matches.
 */
export function decisionFlows(tables: Tables, domain: SteeredDomain): Flow[] {
  const { flow, goto } = tables
  const mine = reg(REG.inspector, domain.ofport)
  const inspected = [goto('capture')]
  // While nothing listens and traffic is to pass, so are connections that nobody remembers.
  const open: Action[] = domain.isListening ? inspected : [goto('remember')]
  const closed: Action[] = domain.isListening ? inspected : []
  return [
    flow('decide', DECISION_PRIORITY, [mine, reg(REG.failsOpen, 1)], open),
    flow('decide', DECISION_PRIORITY, [mine, reg(REG.failsOpen, 0), reg(REG.isSyn, 1)], closed),
  ]
}
