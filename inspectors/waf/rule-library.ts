import type { WafSettings } from '#chain/model/chain.ts'
import { type Diagnostic, Diagnostics } from '#signatures/seclang/diagnostic.ts'
import { loadRules } from '#signatures/seclang/load.ts'
import type { EngineSettings, RuleSet } from '#signatures/seclang/model.ts'
import type { RuleFiles } from '#signatures/seclang/rule-files.ts'
import { builtInRules } from './built-in-rules.ts'
import { buildProgram, type ProgramOptions } from './compile/build-program.ts'
import { compileRules } from './compile/compile.ts'
import { compileExclusions } from './compile/exclusions.ts'
import type { CompiledRules, Program } from './compile/program.ts'
import { WafRulesError } from './errors.ts'
import { Evaluator } from './evaluate/evaluator.ts'
import { FileTranscript } from './file-transcript.ts'
import { SETTING_VARIABLES } from './settings.ts'

/** Most rule sets that are remembered; those beyond are compiled for their chain alone. */
export const MAX_SHARED_RULE_SETS = 64

interface Shelf {
  readonly transcript: FileTranscript
  readonly rules: LoadedWafRules
}

/**
 * Rules that a worker has compiled. Chains that name the same files in the same order share what was made
 * of them; files are compared by content, so a file that changed meanwhile is compiled anew.
 */
export class RuleLibrary {
  readonly #shelves = new Map<string, Shelf>()

  /**
   * @param paths files and folders in the order in which they are read
   * @throws WafRulesError when a rule has an error
   */
  load(paths: readonly string[], files: RuleFiles): LoadedWafRules {
    const key = paths.join('\0')
    const known = this.#shelves.get(key)
    if (known?.transcript.holdsFor(files) === true) return known.rules
    const transcript = new FileTranscript()
    const rules = compileFiles(paths, transcript.record(files))
    if (known !== undefined || this.#shelves.size < MAX_SHARED_RULE_SETS) {
      this.#shelves.set(key, { transcript, rules })
    }
    return rules
  }
}

export interface ProgramRequest {
  readonly variables: ProgramOptions['variables']
  readonly settings: WafSettings
  readonly gate: ProgramOptions['gate']
  readonly specialize: ProgramOptions['specialize']
}

/** A program with its scratch space, which one phase of one transaction uses at a time. */
export interface RunnableProgram {
  readonly program: Program
  readonly evaluator: Evaluator
}

/** Compiled rules, and the programs that chains have asked for: those with equal settings get one. */
export class LoadedWafRules {
  readonly settings: EngineSettings
  /** `SecComponentSignature` texts. */
  readonly components: readonly string[]
  readonly warnings: readonly Diagnostic[]
  readonly #compiled: CompiledRules
  readonly #programs = new Map<string, RunnableProgram>()

  constructor(
    compiled: CompiledRules,
    { settings, components }: RuleSet,
    diagnostics: readonly Diagnostic[],
  ) {
    this.settings = settings
    this.components = components
    this.warnings = diagnostics.filter((one) => one.severity === 'warning')
    this.#compiled = compiled
  }

  /** @throws WafRulesError when an exclusion cannot be compiled */
  program({ variables, settings, gate, specialize }: ProgramRequest): RunnableProgram {
    const { excludeRules, excludeTags, exclusions } = settings
    const key = JSON.stringify([
      [...variables],
      [excludeRules, excludeTags, exclusions],
      gate,
      specialize,
    ])
    const known = this.#programs.get(key)
    if (known !== undefined) return known
    const diagnostics = new Diagnostics()
    const program = buildProgram(this.#compiled, {
      variables,
      exclusions: compileExclusions(this.#compiled.rules, settings, diagnostics),
      gate,
      specialize,
    })
    if (diagnostics.errorCount > 0) throw new WafRulesError(diagnostics.list)
    const runnable = { program, evaluator: new Evaluator(program) }
    this.#programs.set(key, runnable)
    return runnable
  }
}

function compileFiles(paths: readonly string[], files: RuleFiles): LoadedWafRules {
  const loaded = loadRules(paths, files)
  if (loaded.hasErrors) throw new WafRulesError(loaded.diagnostics)
  const entries = [...builtInRules(loaded, files), ...loaded.ruleSet.entries]
  const diagnostics = new Diagnostics()
  const ruleSet = { ...loaded.ruleSet, entries }
  const compiled = compileRules(ruleSet, files, SETTING_VARIABLES, diagnostics)
  const findings = [...loaded.diagnostics, ...diagnostics.list]
  if (diagnostics.errorCount > 0) throw new WafRulesError(findings)
  return new LoadedWafRules(compiled, loaded.ruleSet, findings)
}
