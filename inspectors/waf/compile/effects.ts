import type { SourcePosition } from '#signatures/seclang/diagnostic.ts'
import type { Effect, Target } from '#signatures/seclang/model.ts'
import { CHANGES } from '../transaction/arithmetic.ts'
import type { TxNames } from '../transaction/tx-store.ts'
import type { Macro } from './macro.ts'
import type { CompiledEffect } from './program.ts'
import type { RuleSelections } from './rule-selections.ts'
import type { TargetLists } from './target-lists.ts'

export interface EffectContext {
  readonly txNames: TxNames
  readonly targetLists: TargetLists
  readonly selections: RuleSelections
  readonly macro: (text: string) => Macro
}

/** Compiles one effect; null when there is nothing to do. */
export function compileEffect(
  effect: Effect,
  position: SourcePosition,
  context: EffectContext,
): CompiledEffect | null {
  const { macro } = context
  switch (effect.kind) {
    case 'setvar': {
      const { collection } = effect
      const apply = CHANGES[effect.operation]
      const name = macro(effect.name)
      const value = macro(effect.value)
      if (collection !== 'TX' || name.constant === null) {
        return { kind: 'setvar', collection, name, apply, value }
      }
      const slot = context.txNames.slotOf(name.constant)
      return { kind: 'set-slot', slot, apply, value }
    }
    case 'expirevar':
      return {
        kind: 'expirevar',
        collection: effect.collection,
        name: macro(effect.name),
        seconds: macro(effect.seconds),
      }
    case 'deprecatevar':
      return { ...effect, name: macro(effect.name) }
    case 'sanitise':
      return effect
    case 'initcol':
      return { kind: 'initcol', collection: effect.collection, key: macro(effect.key) }
    case 'ctl': {
      const { ctl } = effect
      if (ctl.kind === 'remove-rules') {
        return { kind: 'remove-rules', rules: context.selections.bits(ctl.selection, position) }
      }
      if (ctl.kind === 'remove-targets') {
        const rules = context.selections.bits(ctl.selection, position)
        const targets = ctl.targets.map((target) => exclusion(target, context.targetLists))
        return { kind: 'remove-targets', exclusion: { rules, targets } }
      }
      return { kind: 'control', ctl }
    }
  }
}

function exclusion(target: Target, targetLists: TargetLists) {
  return {
    collection: target.collection,
    selector: targetLists.selector(target),
  }
}
