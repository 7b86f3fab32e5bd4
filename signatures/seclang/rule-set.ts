import type { ActionUse } from './action-list.ts'
import type { Diagnostics, SourcePosition } from './diagnostic.ts'
import type {
  Disruptive,
  EngineSettings,
  OperatorUse,
  Phase,
  Rule,
  RuleActions,
  RuleLink,
  RuleSet,
  RuleSetEntry,
  Target,
} from './model.ts'
import { readActions } from './rule-actions.ts'
import { matchesSelection } from './selection.ts'
import type { Statement } from './statement.ts'
import { sameTarget } from './targets.ts'

/** Most rules of one set; CRS 4 has 629. */
export const MAX_RULES = 50_000
/** Most links of one chain. */
export const MAX_CHAIN_LINKS = 32

const DEFAULT_PHASE: Phase = 2

/** A rule while later directives may still change it. */
interface Draft {
  readonly links: DraftLink[]
  readonly defaults: Defaults
  broken: boolean
  removed: boolean
}

interface DraftLink {
  targets: readonly Target[]
  readonly operator: OperatorUse | null
  uses: readonly ActionUse[]
  actions: RuleActions
  readonly position: SourcePosition
}

/** `SecDefaultAction` in force for a phase. */
interface Defaults {
  readonly disruptive: Disruptive
  readonly status: number | null
  readonly log: boolean
  readonly auditlog: boolean
  readonly transformations: readonly string[]
  readonly tags: readonly string[]
}

/** What ModSecurity does without any `SecDefaultAction`: `phase:2,log,auditlog,pass`. */
const BUILT_IN: Defaults = {
  disruptive: { kind: 'pass' },
  status: null,
  log: true,
  auditlog: true,
  transformations: [],
  tags: [],
}

export interface BuiltRuleSet {
  readonly ruleSet: RuleSet
  /** Rules left out because of an error in them. */
  readonly rejectedRules: number
}

/** Applies directives in the order they stand: defaults, chains, updates, removals. */
export class RuleSetBuilder {
  readonly #diagnostics: Diagnostics
  readonly #entries: ({ kind: 'draft'; draft: Draft } | { kind: 'marker'; name: string })[] = []
  readonly #drafts: Draft[] = []
  readonly #byId = new Map<number, Draft>()
  readonly #defaults = new Map<Phase, Defaults>()
  readonly #settings: EngineSettings = {}
  readonly #components: string[] = []
  #open: Draft | null = null
  #overflow = false

  constructor(diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics
  }

  add(statement: Statement): void {
    if (this.#open !== null && statement.kind !== 'rule') this.#chainBroken(statement.position)
    switch (statement.kind) {
      case 'rule':
        this.#addRule(statement)
        return
      case 'marker':
        this.#entries.push({ kind: 'marker', name: statement.name })
        return
      case 'default-action':
        this.#setDefaults(statement)
        return
      case 'remove':
        this.#forEachSelected(statement.selection, statement.position, (draft) => {
          draft.removed = true
        })
        return
      case 'update-targets':
        this.#forEachSelected(statement.selection, statement.position, (draft) =>
          updateTargets(draft, statement.targets, statement.replaced),
        )
        return
      case 'update-actions':
        this.#updateActions(statement)
        return
      case 'setting':
        statement.apply(this.#settings)
        return
      case 'component':
        this.#components.push(statement.text)
        return
      case 'include':
      case 'block':
      case 'block-end':
        return
    }
  }

  finish(): BuiltRuleSet {
    const open = this.#open
    if (open !== null) this.#chainBroken(open.links.at(-1)!.position)
    const entries: RuleSetEntry[] = []
    let rejectedRules = 0
    for (const entry of this.#entries) {
      if (entry.kind === 'marker') entries.push(entry)
      else if (entry.draft.broken) rejectedRules += 1
      else if (!entry.draft.removed) entries.push({ kind: 'rule', rule: freeze(entry.draft) })
    }
    this.#checkMarkers(entries)
    const ruleSet = { entries, settings: this.#settings, components: this.#components }
    return { ruleSet, rejectedRules }
  }

  #addRule(statement: Extract<Statement, { kind: 'rule' }>): void {
    const before = this.#diagnostics.errorCount
    const actions = readActions(statement.actions, this.#diagnostics)
    const broken = statement.broken || this.#diagnostics.errorCount > before
    const link: DraftLink = {
      targets: statement.targets,
      operator: statement.operator,
      uses: statement.actions,
      actions,
      position: statement.position,
    }
    const chain = this.#open
    if (chain === null) this.#startRule(link, broken)
    else this.#continueChain(chain, link, broken)
    if (!actions.chain) this.#open = null
  }

  #startRule(link: DraftLink, broken: boolean): void {
    const phase = link.actions.phase ?? DEFAULT_PHASE
    const defaults = this.#defaults.get(phase) ?? BUILT_IN
    const draft: Draft = { links: [link], defaults, broken, removed: false }
    if (this.#drafts.length >= MAX_RULES) {
      if (!this.#overflow) {
        this.#diagnostics.error('SECLANG_LIMIT', link.position, `more than ${MAX_RULES} rules`)
      }
      this.#overflow = true
      return
    }
    this.#checkId(draft, link)
    this.#drafts.push(draft)
    this.#entries.push({ kind: 'draft', draft })
    this.#open = link.actions.chain ? draft : null
  }

  #checkId(draft: Draft, link: DraftLink): void {
    const { id } = link.actions
    if (id === null) {
      // An error in the id itself was reported already.
      if (draft.broken) return
      this.#diagnostics.error('SECLANG_RULE_ID', link.position, 'the rule has no id')
      draft.broken = true
      return
    }
    const other = this.#byId.get(id)
    if (other === undefined || other.removed) {
      this.#byId.set(id, draft)
      return
    }
    const at = other.links[0].position
    const message = `id ${id} is taken by the rule at ${at.file}:${at.line}`
    this.#diagnostics.error('SECLANG_RULE_ID', link.position, message)
    draft.broken = true
  }

  #continueChain(chain: Draft, link: DraftLink, broken: boolean): void {
    if (broken) chain.broken = true
    chain.links.push(link)
    const { actions, position } = link
    const phase = chain.links[0].actions.phase ?? DEFAULT_PHASE
    if (actions.disruptive !== null && actions.disruptive.kind !== 'pass') {
      const message = 'disruptive actions stand in the first rule of a chain'
      this.#reject(chain, position, message)
    } else if (actions.id !== null) {
      this.#reject(chain, position, 'the id stands in the first rule of a chain')
    } else if (actions.phase !== null && actions.phase !== phase) {
      this.#reject(chain, position, 'all rules of a chain run in the phase of the first')
    } else if (chain.links.length > MAX_CHAIN_LINKS) {
      this.#reject(chain, position, `a chain has at most ${MAX_CHAIN_LINKS} rules`)
      this.#open = null
    }
  }

  #reject(chain: Draft, position: SourcePosition, message: string): void {
    this.#diagnostics.error('SECLANG_CHAIN', position, message)
    chain.broken = true
  }

  #chainBroken(position: SourcePosition): void {
    const open = this.#open
    this.#open = null
    if (open === null) return
    this.#reject(open, position, 'the chain before this has no next SecRule')
  }

  #setDefaults(statement: Extract<Statement, { kind: 'default-action' }>): void {
    const actions = readActions(statement.actions, this.#diagnostics)
    this.#defaults.set(actions.phase ?? DEFAULT_PHASE, {
      disruptive:
        actions.disruptive === null || actions.disruptive.kind === 'block'
          ? BUILT_IN.disruptive
          : actions.disruptive,
      status: actions.status,
      log: actions.log ?? BUILT_IN.log,
      auditlog: actions.auditlog ?? BUILT_IN.auditlog,
      transformations: actions.transformations,
      tags: actions.tags,
    })
  }

  #forEachSelected(
    selection: Extract<Statement, { kind: 'remove' }>['selection'],
    position: SourcePosition,
    change: (draft: Draft) => void,
  ): void {
    let found = false
    for (const draft of this.#drafts) {
      if (draft.removed || !matchesSelection(selection, draft.links, this.#diagnostics, position)) {
        continue
      }
      change(draft)
      found = true
    }
    if (found) return
    this.#diagnostics.warning('SECLANG_NO_SUCH_RULE', position, 'no rule above this is meant by it')
  }

  #updateActions(statement: Extract<Statement, { kind: 'update-actions' }>): void {
    const link = this.#byId.get(statement.id)?.links[statement.link]
    if (link === undefined) {
      const message = `there is no rule ${statement.id} above this`
      this.#diagnostics.warning('SECLANG_NO_SUCH_RULE', statement.position, message)
      return
    }
    const fixed = statement.actions.find((use) => ['id', 'phase', 'chain'].includes(use.name))
    if (fixed !== undefined) {
      const message = `${fixed.name} cannot be changed`
      this.#diagnostics.error('SECLANG_ARGUMENT', fixed.position, message)
      return
    }
    link.uses = [...link.uses, ...statement.actions]
    link.actions = readActions(link.uses, this.#diagnostics)
  }

  #checkMarkers(entries: readonly RuleSetEntry[]): void {
    const names = new Set<string>()
    for (const entry of entries) {
      if (entry.kind === 'marker') names.add(entry.name)
      else if (entry.rule.id !== 0) names.add(String(entry.rule.id))
    }
    for (const entry of entries) {
      if (entry.kind === 'marker') continue
      for (const link of entry.rule.links) {
        const { skipAfter } = link.actions
        if (skipAfter === null || names.has(skipAfter)) continue
        const message = `no SecMarker "${skipAfter}": the rule would skip all that follow it`
        this.#diagnostics.warning('SECLANG_NO_SUCH_MARKER', link.position, message)
      }
    }
  }
}

function updateTargets(
  draft: Draft,
  targets: readonly Target[],
  replaced: readonly Target[],
): void {
  const [link] = draft.links
  if (link === undefined) return
  if (replaced.length === 0) {
    link.targets = [...link.targets, ...targets]
    return
  }
  const kept = link.targets.filter((one) => !replaced.some((other) => sameTarget(one, other)))
  link.targets = [...kept, ...targets]
}

function freeze(draft: Draft): Rule {
  const { defaults } = draft
  const [starter] = draft.links as [DraftLink]
  const own = starter.actions
  const log = own.log ?? defaults.log
  const first: RuleActions = {
    ...own,
    disruptive: own.disruptive ?? defaults.disruptive,
    status: own.status ?? defaults.status,
    log,
    auditlog: own.auditlog ?? (log ? defaults.auditlog : false),
    tags: [...defaults.tags, ...own.tags],
  }
  const links: RuleLink[] = draft.links.map((link, index) => {
    const actions = index === 0 ? first : link.actions
    return {
      targets: link.targets,
      operator: link.operator,
      position: link.position,
      actions: {
        ...actions,
        transformations: actions.resetsTransformations
          ? actions.transformations
          : [...defaults.transformations, ...actions.transformations],
      },
    }
  })
  return {
    id: own.id ?? 0,
    phase: own.phase ?? DEFAULT_PHASE,
    links,
    blockAs: defaults.disruptive,
    blockStatus: defaults.status,
    position: starter.position,
  }
}
