import { addressBytes } from '#signatures/suricata/address.ts'
import type { RuleHead } from '#signatures/suricata/rule.ts'
import { type Suppression, concerns } from '#signatures/suricata/threshold-config.ts'
import type { AddressTest, RuleVariables } from '../program/variables.ts'
import type { Endpoints } from './thresholds.ts'

interface Compiled {
  readonly of: Suppression
  readonly test: AddressTest
}

/** Alerts that are held back for certain addresses. */
export class Suppressions {
  readonly #all: readonly Compiled[]
  readonly #byRule = new Map<RuleHead, readonly Compiled[]>()

  /** @throws RuleFault when a variable is unknown */
  constructor(list: readonly Suppression[], variables: RuleVariables) {
    this.#all = list.map((of) => ({ of, test: variables.address(of.addresses) }))
  }

  holdsBack(rule: RuleHead, endpoints: Endpoints): boolean {
    if (this.#all.length === 0) return false
    let own = this.#byRule.get(rule)
    if (own === undefined) {
      own = this.#all.filter(({ of }) => concerns(of, rule))
      this.#byRule.set(rule, own)
    }
    return own.some(({ of, test }) => {
      if (of.track === null || test === null) return true
      const isSource = test(addressBytes(endpoints.source) ?? '')
      const isDestination = test(addressBytes(endpoints.destination) ?? '')
      if (of.track === 'by_src') return isSource
      return of.track === 'by_dst' ? isDestination : isSource || isDestination
    })
  }
}
