import type { Rule } from '#signatures/suricata/rule.ts'

const ACTION_ORDER: Readonly<Record<Rule['action'], number>> = {
  pass: 0,
  drop: 1,
  reject: 2,
  rejectsrc: 2,
  rejectdst: 2,
  rejectboth: 2,
  alert: 3,
}

/**
 * Order of evaluation: pass, drop, reject, alert; within one action the rules that set bits or numbers before
 * those that read them, then the more urgent ones, then by number.
 */
export function inRuleOrder(rules: readonly Rule[]): Rule[] {
  return [...rules].sort(
    (left, right) =>
      ACTION_ORDER[left.action] - ACTION_ORDER[right.action] ||
      stateOrder(left) - stateOrder(right) ||
      left.priority - right.priority ||
      left.gid - right.gid ||
      left.sid - right.sid,
  )
}

/** Only set: 0; set and read: 1; only read: 2; neither: 3. */
function stateOrder(rule: Rule): number {
  const reads = rule.flowChecks.some(
    (check) => check.kind === 'flowbits' || check.kind === 'xbits' || check.kind === 'flowint',
  )
  const writes = rule.effects.length > 0
  if (writes) return reads ? 1 : 0
  return reads ? 2 : 3
}
