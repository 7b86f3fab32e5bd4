import type { RuleBuilder } from '../builder.ts'

/**
 * `meta` describes the rule; `match` inspects a buffer; `modifier` changes the content before it; `buffer`
 * chooses what later matches inspect; `transform` changes that buffer; `flow` and `packet` check the
 * connection and the packet; `state` keeps something across packets and flows.
 */
export type KeywordKind =
  | 'meta'
  | 'match'
  | 'modifier'
  | 'buffer'
  | 'transform'
  | 'flow'
  | 'packet'
  | 'state'

/** One row of the registry: parser, validation and documentation of a keyword. */
export interface Keyword {
  readonly name: string
  readonly aliases: readonly string[]
  readonly kind: KeywordKind
  readonly argument: 'none' | 'optional' | 'required'
  /** Form of the argument, for people: `[!]"BYTES"`. */
  readonly grammar: string
  readonly summary: string
  /** False where a rule can hold the keyword once only. */
  readonly repeatable: boolean
  /** Reads the argument (empty when there is none) into the builder. @throws RuleFault */
  readonly apply: (builder: RuleBuilder, argument: string) => void
}

interface Shape {
  readonly aliases?: readonly string[]
  readonly argument?: Keyword['argument']
  readonly grammar?: string
  readonly repeatable?: boolean
}

/** A registry row with the usual defaults: argument required, repeatable, no aliases. */
export function keyword(
  name: string,
  kind: KeywordKind,
  summary: string,
  shape: Shape,
  apply: Keyword['apply'],
): Keyword {
  return {
    name,
    aliases: shape.aliases ?? [],
    kind,
    argument: shape.argument ?? 'required',
    grammar: shape.grammar ?? '',
    summary,
    repeatable: shape.repeatable ?? true,
    apply,
  }
}
