import type { Rule } from '#signatures/suricata/rule.ts'

/** Actions as `action-order` names them; reject stands for all its forms. */
export type OrderedAction = 'pass' | 'drop' | 'reject' | 'alert'

export const DEFAULT_ACTION_ORDER: readonly OrderedAction[] = ['pass', 'drop', 'reject', 'alert']

/**
 * Order of evaluation: pass, drop, reject, alert where nothing else is said; within one action the rules that set bits or numbers before
 * those that read them, then the more urgent ones, then by number.
 */
export function inRuleOrder(
  rules: readonly Rule[],
  actionOrder: readonly OrderedAction[] = DEFAULT_ACTION_ORDER,
): Rule[] {
  const place = (rule: Rule): number =>
    actionOrder.indexOf(
      rule.action.startsWith('reject') ? 'reject' : (rule.action as OrderedAction),
    )
  return [...rules].sort(
    (left, right) =>
      place(left) - place(right) ||
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
