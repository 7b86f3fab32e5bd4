import type { InspectorMode, WafSettings } from '#chain/model/chain.ts'
import type { Inspector } from '#inspectors/inspector.ts'
import { type Diagnostic, Diagnostics } from '#signatures/seclang/diagnostic.ts'
import { loadRules } from '#signatures/seclang/load.ts'
import { nodeRuleFiles, type RuleFiles } from '#signatures/seclang/rule-files.ts'
import { builtInRules } from './built-in-rules.ts'
import { compileRules } from './compile/compile.ts'
import { WafConnection, type WafContext } from './connection.ts'
import { WafRulesError } from './errors.ts'
import { Evaluator } from './evaluate/evaluator.ts'
import { configure, settingVariables } from './settings.ts'
import { LocalPersistentStore, type PersistentStore } from './transaction/persistent-store.ts'

export interface WafOptions {
  readonly mode: InspectorMode
  /** Rule files and folders (a folder may be a whole CRS), in the order in which they are read. */
  readonly rulePaths: readonly string[]
  /** Read before `rulePaths`: CRS's `crs-setup.conf`. */
  readonly setupPaths?: readonly string[]
  readonly settings?: WafSettings
  /** Default: files on disk, held to the folders of the two lists. */
  readonly files?: RuleFiles
  /** Default: in this process's memory. */
  readonly store?: PersistentStore
  /** `off` tries every rule on every value: for tests. */
  readonly gate?: 'on' | 'off'
  /** `off` runs configuration rules for each transaction: for tests. */
  readonly specialize?: 'on' | 'off'
  readonly onHit?: WafContext['onHit']
  readonly onPhase?: WafContext['onPhase']
}

export interface Waf extends Inspector {
  readonly type: 'waf'
  /** Warnings about the rules: what is understood and has no effect here. */
  readonly warnings: readonly Diagnostic[]
}

/**
 * Loads and compiles rules once, for all connections of a worker.
 *
 * @throws WafRulesError when a rule has an error; `diagnostics` gives file, line and column
 */
export function createWaf(options: WafOptions): Waf {
  const paths = [...(options.setupPaths ?? []), ...options.rulePaths]
  const files = options.files ?? nodeRuleFiles(paths)
  const settings = options.settings ?? {}
  const loaded = loadRules(paths, files)
  if (loaded.hasErrors) throw new WafRulesError(loaded.diagnostics)
  const configuration = configure(options.mode, loaded.ruleSet.settings, settings)
  const builtIn = builtInRules(loaded, configuration.argumentsLimit, files)
  const ruleSet = { ...loaded.ruleSet, entries: [...builtIn, ...loaded.ruleSet.entries] }
  const diagnostics = new Diagnostics()
  const program = compileRules(
    ruleSet,
    files,
    {
      gate: options.gate ?? 'on',
      specialize: options.specialize ?? 'on',
      variables: settingVariables(settings),
      excludeRules: settings.excludeRules ?? [],
      excludeTags: settings.excludeTags ?? [],
    },
    diagnostics,
  )
  const findings = [...loaded.diagnostics, ...diagnostics.list]
  if (diagnostics.errorCount > 0) throw new WafRulesError(findings)
  const context: WafContext = {
    configuration,
    program,
    evaluator: new Evaluator(program),
    store: options.store ?? new LocalPersistentStore(configuration.collectionTimeoutSeconds),
    onHit: options.onHit ?? null,
    onPhase: options.onPhase ?? null,
  }
  return {
    type: 'waf',
    mode: options.mode,
    ruleCount: program.rules.length,
    warnings: findings.filter((finding) => finding.severity === 'warning'),
    open: (connection) => new WafConnection(context, connection),
  }
}
