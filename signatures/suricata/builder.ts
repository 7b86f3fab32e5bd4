import { type BufferRow, PAYLOAD, bufferByName } from './buffers.ts'
import { RuleFault } from './problem.ts'
import type { Base64Decode, BufferMatch, ContentMatch, Operand } from './buffer-match.ts'
import type { FileCheck, FlowCheck, FlowCondition, PacketCheck } from './checks.ts'
import type { Effect, Rule, Threshold } from './rule.ts'
import { type TransformStep, transformKey } from './transform.ts'
import type { RuleContext } from './context.ts'

/** Most matches of one rule, over all its buffers. */
export const MAX_RULE_MATCHES = 256
/** Most buffers of one rule, and steps of one transform chain. */
export const MAX_RULE_SECTIONS = 64
export const MAX_TRANSFORMS = 16

type Side = 'request' | 'response' | null
type Draft<T> = { -readonly [Key in keyof T]: T[Key] }
export type DraftContent = Draft<ContentMatch>

interface DraftSection {
  buffer: string
  side: Side
  transforms: TransformStep[]
  matches: BufferMatch[]
}

/** Fields that keywords fill in; `finish.ts` turns them into a Rule. */
export interface DraftMeta {
  gid: number
  sid: number
  rev: number
  message: string
  classtype: string | null
  priority: number | null
  references: string[]
  metadata: Map<string, string[]>
  target: Rule['target']
  noAlert: boolean
  /** `alert`: a rule that lets pass shows its matches. */
  alerts: boolean
}

/** State while the options of one rule are read, left to right. */
export class RuleBuilder {
  readonly context: RuleContext
  readonly meta: DraftMeta = {
    gid: 1,
    sid: 0,
    rev: 0,
    message: '',
    classtype: null,
    priority: null,
    references: [],
    metadata: new Map(),
    target: null,
    noAlert: false,
    alerts: false,
  }
  readonly sections: DraftSection[] = []
  readonly packetChecks: PacketCheck[] = []
  readonly flowChecks: FlowCheck[] = []
  readonly fileChecks: FileCheck[] = []
  readonly events: string[] = []
  readonly effects: Effect[] = []
  flow: Draft<FlowCondition> | null = null
  threshold: Threshold | null = null
  readonly seen = new Set<string>()
  readonly #variables = new Set<string>()
  #active: {
    row: BufferRow
    side: Side
    transforms: TransformStep[]
    section: DraftSection | null
  } | null = null
  /** Set while matches go to the bytes that `base64_decode` yields. */
  #decoded: Base64Decode | null = null
  #base64: Base64Decode | null = null
  #lastContent: { match: DraftContent; section: DraftSection } | null = null
  #lastSection: DraftSection | null = null
  #matches = 0

  constructor(context: RuleContext) {
    this.context = context
  }

  /**
   * A sticky buffer: what follows is matched in it.
   *
   * @param side direction it is pinned to; null: that of the data
   */
  useBuffer(name: string, side: Side = null): void {
    this.#checkUsed()
    this.#decoded = null
    const row = bufferByName(name)
    this.#active =
      row === undefined || row.name === PAYLOAD
        ? null
        : { row, side, transforms: [], section: null }
    this.#lastContent = null
  }

  useDecoded(): void {
    if (this.#base64 === null)
      throw new RuleFault('misplaced-modifier', 'base64_data needs a base64_decode before it')
    this.#decoded = this.#base64
    this.#lastContent = null
  }

  /** Matches after it see the changed buffer, those before it the buffer as it was. */
  addTransform(step: TransformStep): void {
    if (this.#active === null)
      throw new RuleFault('misplaced-modifier', 'a transform must follow a sticky buffer')
    if (this.#active.transforms.length >= MAX_TRANSFORMS)
      throw new RuleFault('limit', `more than ${MAX_TRANSFORMS} transforms in a row`)
    const { row, side, transforms } = this.#active
    this.#active = { row, side, transforms: [...transforms, step], section: null }
  }

  addContent(match: DraftContent): void {
    const section = this.#place(match, false)
    this.#lastContent = section === null ? { match, section: this.#payload() } : { match, section }
  }

  /** @param relative the match begins where the one before ended */
  add(match: BufferMatch, relative: boolean): void {
    const section = this.#place(match, relative)
    if (section !== null && match.kind === 'base64_decode') this.#base64 = match
  }

  /** Adds a match to a named buffer whatever the sticky buffer is: `pcre` letters, `urilen`. */
  addTo(buffer: string, match: BufferMatch): void {
    this.#count()
    const section = this.#section(bufferByName(buffer)!, null, [])
    section.matches.push(match)
    this.#lastSection = section
  }

  /** The content that a modifier speaks of. */
  content(keyword: string): DraftContent {
    if (this.#lastContent === null)
      throw new RuleFault('misplaced-modifier', `${keyword} needs a content before it`, {
        suggestion: `put ${keyword} after the content it belongs to`,
      })
    return this.#lastContent.match
  }

  /** `http_uri` and its kind: the content before belongs to that buffer. */
  moveContent(keyword: string, buffer: string): void {
    this.content(keyword)
    const last = this.#lastContent!
    if (last.section.buffer !== PAYLOAD || this.#active !== null)
      throw new RuleFault('conflict', `${keyword} cannot follow a sticky buffer`)
    last.section.matches.splice(last.section.matches.indexOf(last.match), 1)
    if (last.section.matches.length === 0)
      this.sections.splice(this.sections.indexOf(last.section), 1)
    const section = this.#section(bufferByName(buffer)!, null, [])
    section.matches.push(last.match)
    last.section = section
    this.#lastSection = section
  }

  defineVariable(name: string): void {
    this.#variables.add(name)
  }

  /** @throws RuleFault when the operand is a variable that nothing before sets */
  checkOperand(value: Operand): void {
    if (typeof value === 'string' && !this.#variables.has(value))
      throw new RuleFault(
        'bad-argument',
        `"${value}" is neither a number nor a variable set before`,
      )
  }

  /** Name of the sticky buffer in force; null for the payload. */
  openBuffer(): string | null {
    return this.#active === null ? null : this.#active.row.name
  }

  hasOpenBuffer(): boolean {
    return this.#active !== null
  }

  /** Called after the last option. */
  close(): void {
    this.#checkUsed()
  }

  #checkUsed(): void {
    if (this.#active !== null && this.#active.section === null)
      throw new RuleFault('conflict', `nothing is matched in ${this.#active.row.name}`)
  }

  #count(): void {
    this.#matches += 1
    if (this.#matches > MAX_RULE_MATCHES)
      throw new RuleFault('limit', `more than ${MAX_RULE_MATCHES} matches in one rule`)
  }

  /** Null when the match went to decoded base64. */
  #place(match: BufferMatch, relative: boolean): DraftSection | null {
    this.#count()
    if (this.#decoded !== null) {
      this.#decoded.matches.push(match)
      return null
    }
    let section: DraftSection
    if (this.#active !== null) {
      const { row, side, transforms } = this.#active
      section = this.#active.section ??= this.#section(row, side, transforms)
    } else if (relative && this.#lastSection !== null) {
      section = this.#lastSection
    } else {
      section = this.#payload()
    }
    section.matches.push(match)
    this.#lastSection = section
    return section
  }

  #payload(): DraftSection {
    return this.#section(bufferByName(PAYLOAD)!, null, [])
  }

  #section(row: BufferRow, side: Side, transforms: TransformStep[]): DraftSection {
    const key = transformKey(transforms)
    if (!row.multiple) {
      for (const section of this.sections)
        if (
          section.buffer === row.name &&
          section.side === side &&
          transformKey(section.transforms) === key
        )
          return section
    }
    if (this.sections.length >= MAX_RULE_SECTIONS)
      throw new RuleFault('limit', `more than ${MAX_RULE_SECTIONS} buffers in one rule`)
    const section = { buffer: row.name, side, transforms: [...transforms], matches: [] }
    this.sections.push(section)
    return section
  }
}
