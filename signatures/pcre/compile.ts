import { type Ast, type Node, someNode } from './ast.ts'
import { BudgetEngine, MAX_STEPS } from './budget-engine.ts'
import { byteMasksOf } from './byte-masks.ts'
import { PatternSyntaxError } from './cursor.ts'
import { emit, type Emitted, nodeCount } from './emit.ts'
import type { Engine } from './engine.ts'
import { isAnchoredAtStart, minLengthOf } from './extent.ts'
import type { ByteSet, Gate, Requirement } from './gate.ts'
import { HybridEngine } from './hybrid-engine.ts'
import { Interpreter } from './interpreter.ts'
import { type ExecSource, LinearEngine } from './linear-engine.ts'
import { requirementOf } from './literals.ts'
import { hasVariableLookbehind } from './lookbehind.ts'
import { tellsDigitsApart } from './digits.ts'
import { parsePattern } from './parse-pattern.ts'
import type { CompiledPattern, PatternOptions, PatternResult, PatternSafety } from './pattern.ts'
import { assemble } from './program.ts'
import { Re2Engine } from './re2-engine.ts'
import { isPlain, restrictToPlain } from './restrict.ts'

/** Longest pattern that is accepted; the longest one of CRS 4 has 12,182 bytes. */
export const MAX_PATTERN_BYTES = 65_536

/** Largest pattern with its counted repeats written out; PCRE bounds its compiled code likewise (64 kB). */
export const MAX_PATTERN_NODES = 16_384

/**
 * Compiles a pattern of rule text. Parsing and analysis are done at once, so that a bad pattern is
 * refused when rules are loaded; engines are built at the first use.
 *
 * @param source latin1 text of the pattern, delimiters and modifiers taken off
 * @param options flags beside the pattern; `SECLANG_OPTIONS` for `@rx`
 */
export function compilePattern(source: string, options: PatternOptions): PatternResult {
  if (source.length > MAX_PATTERN_BYTES) {
    const message = `the pattern has ${source.length} bytes, more than ${MAX_PATTERN_BYTES}`
    return { ok: false, code: 'PCRE_TOO_LARGE', offset: 0, message }
  }
  const wide = source.search(/[^\0-\xff]/)
  if (wide >= 0) {
    const message = 'the pattern is not latin1 text'
    return { ok: false, code: 'PCRE_SYNTAX', offset: wide, message }
  }
  try {
    const ast = parsePattern(source, options)
    if (hasVariableLookbehind(ast.root)) {
      const message = 'a lookbehind does not match a fixed number of bytes'
      return { ok: false, code: 'PCRE_UNSUPPORTED', offset: 0, message }
    }
    if (nodeCount(ast.root) > MAX_PATTERN_NODES) {
      const message = 'counted repeats inside each other make the pattern too large'
      return { ok: false, code: 'PCRE_TOO_LARGE', offset: 0, message }
    }
    return { ok: true, pattern: new LazyPattern(source, options, ast) }
  } catch (error) {
    if (!(error instanceof PatternSyntaxError)) throw error
    return { ok: false, code: error.code, offset: error.offset, message: error.message }
  }
}

/** A pattern that shrinks by this factor for plain values is compiled a second time for them. */
const MIN_SHRINKING = 2

function gateOf(root: Node): Gate {
  return {
    requirement: requirementOf(root),
    byteMasks: byteMasksOf(root),
    minLength: minLengthOf(root),
  }
}

/** Whether some part of a pattern may be left out of its source for a linear engine (see `emit.ts`). */
function mayDrop(node: Node): boolean {
  switch (node.kind) {
    case 'look':
    case 'atomic':
    case 'conditional':
    case 'backreference':
      return true
    case 'repeat':
      return node.mode === 'possessive'
    case 'assertion':
      return (
        node.assertion === 'lineStart' ||
        node.assertion === 'lineEnd' ||
        node.assertion === 'textEndOrNewline'
      )
    case 'byte':
    case 'set':
    case 'sequence':
    case 'alternation':
    case 'group':
      return false
  }
}

const needsBudget = ({ isExact, onlyCountsRelaxed }: Emitted): boolean =>
  !isExact && !onlyCountsRelaxed

/** The tree is not kept: it is large and seldom needed, parsing again is cheap. */
class LazyPattern implements CompiledPattern {
  readonly source: string
  readonly isBudgeted: boolean
  readonly requirement: Requirement | null
  readonly byteMasks: readonly ByteSet[]
  readonly minLength: number
  readonly anchoredAtStart: boolean
  readonly tellsDigitsApart: boolean
  readonly groupCount: number
  readonly groupNames: ReadonlyMap<string, number>
  readonly plain?: Gate | null
  readonly #options: PatternOptions
  /** The pattern shrinks so much for plain values that they get an engine of their own. */
  readonly #hasPlainEngine: boolean = false
  #emitted: Emitted | null = null
  #built: Engine | null = null
  #plainEngine: Engine | null = null
  #groups: GroupReader | null = null
  #value = ''
  #start = -1
  #end = -1

  constructor(source: string, options: PatternOptions, ast: Ast) {
    this.source = source
    this.#options = options
    this.isBudgeted = someNode(ast.root, mayDrop) && needsBudget(this.#emit(ast))
    const gate = gateOf(ast.root)
    this.requirement = gate.requirement
    this.byteMasks = gate.byteMasks
    this.minLength = gate.minLength
    this.anchoredAtStart = isAnchoredAtStart(ast.root)
    this.tellsDigitsApart = this.isBudgeted || tellsDigitsApart(ast)
    this.groupCount = ast.groupCount
    this.groupNames = ast.groupNames
    if (options.plainText !== true) return
    const restricted = restrictToPlain(ast)
    if (restricted === ast.root) return
    this.plain = restricted === null ? null : gateOf(restricted)
    this.#hasPlainEngine =
      restricted !== null &&
      !this.isBudgeted &&
      nodeCount(restricted) * MIN_SHRINKING <= nodeCount(ast.root)
  }

  get safety(): PatternSafety {
    if (this.isBudgeted) return 'budget'
    return (this.#emitted ?? this.#emit(this.#parse())).isExact ? 'linear' : 're2'
  }

  test(valueLatin1: string, from = 0): boolean {
    if (this.#hasPlainEngine && from === 0 && isPlain(valueLatin1)) {
      return (this.#plainEngine ??= this.#makePlainEngine()).test(valueLatin1, 0)
    }
    return (this.#built ?? this.#build()).test(valueLatin1, from)
  }

  exec(valueLatin1: string, from: number): number {
    this.#start = (this.#built ?? this.#build()).exec(valueLatin1, from)
    this.#value = valueLatin1
    this.#end = this.#built?.end ?? -1
    if (this.#start >= 0 && !this.isBudgeted && this.#emitted?.endDiffers === true) {
      this.#groups ??= new GroupReader(this.#parse())
      const end = this.#groups.end(valueLatin1, this.#start)
      if (end >= 0) this.#end = end
    }
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  get exhausted(): boolean {
    return this.#built?.exhausted ?? false
  }

  capture(group: number): string | null {
    if (this.#built === null || this.#start < 0) return null
    if (group === 0) return this.#value.slice(this.#start, this.#end)
    if (!this.isBudgeted) {
      this.#groups ??= new GroupReader(this.#parse())
      if (this.#groups.isNeeded) return this.#groups.read(this.#value, this.#start, group)
    }
    return this.#built.capture(group)
  }

  #parse(): Ast {
    return parsePattern(this.source, this.#options)
  }

  #emit(ast: Ast): Emitted {
    this.#emitted = emit(ast, { dialect: 'js', captures: false })
    return this.#emitted
  }

  #build(): Engine {
    this.#built = this.#makeEngine()
    return this.#built
  }

  /** Groups are not asked for where this engine runs. */
  #makePlainEngine(): Engine {
    const ast = this.#parse()
    const restricted = { ...ast, root: restrictToPlain(ast) ?? ast.root }
    const { source, isExact } = emit(restricted, { dialect: 'js', captures: false })
    if (!isExact) return this.#built ?? this.#build()
    const sticky = this.#options.anchored === true
    const execSource = (): ExecSource => emit(restricted, { dialect: 'js', captures: true })
    return new HybridEngine(new LinearEngine(source, execSource, sticky), () =>
      makeRe2(restricted, null, sticky, true),
    )
  }

  #makeEngine(): Engine {
    const sticky = this.#options.anchored === true
    const ast = this.#parse()
    const { source, isExact } = this.#emitted ?? this.#emit(ast)
    const execSource = (): ExecSource => emit(this.#parse(), { dialect: 'js', captures: true })
    const linear = new LinearEngine(source, execSource, sticky)
    if (!isExact && !this.isBudgeted) {
      const exact = makeRe2(ast, linear, sticky, true)
      if (exact !== null) return exact
      // RE2's program would be too large; the interpreter needs no more than the tree.
    }
    const plain = new HybridEngine(linear, () => makeRe2(this.#parse(), null, sticky, isExact))
    return isExact ? plain : new BudgetEngine(ast, plain, sticky)
  }
}

/**
 * RE2 for a pattern, or for one that matches at least as much.
 *
 * @returns null where RE2 refuses it, or cannot run it exactly and has to
 */
function makeRe2(
  ast: Ast,
  candidates: Engine | null,
  sticky: boolean,
  mustBeExact: boolean,
): Engine | null {
  const exec = emit(ast, { dialect: 're2', captures: true })
  if (mustBeExact && !exec.isExact) return null
  const { source } = emit(ast, { dialect: 're2', captures: false })
  try {
    return new Re2Engine(candidates, source, exec, sticky)
  } catch {
    return null
  }
}

/**
 * Groups and ends as PCRE has them. In a loop JavaScript forgets what a group matched in earlier rounds, and
 * undoes a round that consumed nothing; such patterns have both read by the interpreter, from the offset
 * where the match is known to start.
 */
class GroupReader {
  readonly isNeeded: boolean
  readonly #interpreter: Interpreter | null
  #value = ''
  #start = -1
  #end = -1

  constructor(ast: Ast) {
    this.isNeeded = emit(ast, { dialect: 'js', captures: true }).groupsDiffer
    this.#interpreter = this.isNeeded ? new Interpreter(assemble(ast)) : null
  }

  /** End of the match that starts at `start`; -1 when the budget does not reach that far. */
  end(value: string, start: number): number {
    if (this.#interpreter === null) return -1
    if (this.#start !== start || this.#value !== value) {
      this.#end = this.#interpreter.run(value, start, MAX_STEPS)
      this.#value = value
      this.#start = start
    }
    return this.#end
  }

  read(value: string, start: number, group: number): string | null {
    if (this.#interpreter === null || this.end(value, start) < 0) return null
    const from = this.#interpreter.start(group)
    return from < 0 ? null : value.slice(from, this.#interpreter.end(group))
  }
}
