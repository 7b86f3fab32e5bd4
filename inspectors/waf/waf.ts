import type { InspectorMode, WafSettings } from '#chain/model/chain.ts'
import type { Inspector } from '#inspectors/inspector.ts'
import type { Diagnostic } from '#signatures/seclang/diagnostic.ts'
import { nodeRuleFiles, type RuleFiles } from '#signatures/seclang/rule-files.ts'
import { type AuditSink, Auditor } from './audit/auditor.ts'
import { WafConnection, type WafContext } from './connection.ts'
import { RuleLibrary } from './rule-library.ts'
import { configure, settingVariables } from './settings.ts'
import { LocalPersistentStore, type PersistentStore } from './transaction/persistent-store.ts'
import { warmUp } from './warm-up.ts'

export interface WafOptions {
  readonly mode: InspectorMode
  /** Rule files and folders (a folder may be a whole CRS), in the order in which they are read. */
  readonly rulePaths: readonly string[]
  /** Read before `rulePaths`: CRS's `crs-setup.conf`. */
  readonly setupPaths?: readonly string[]
  readonly settings?: WafSettings
  /** Default: files on disk, held to the folders of the two lists. */
  readonly files?: RuleFiles
  /** Where rules are looked up that other chains use too; default: this WAF has its own. */
  readonly library?: RuleLibrary
  /** Default: in this process's memory. */
  readonly store?: PersistentStore
  /** Makes the store where it is to be shared, out of the seconds after which records time out. */
  readonly openStore?: (timeoutSeconds: number) => PersistentStore
  /** Where the audit log goes; default: nowhere. */
  readonly audit?: AuditSink
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
  /** Makes the first requests as quick as the later ones; takes some tenths of a second. */
  warmUp(): void
}

/**
 * A WAF for all connections of a chain. Rules that a chain before it named are not compiled again where
 * both are given the same `library`.
 *
 * @throws WafRulesError when a rule has an error; `diagnostics` gives file, line and column
 */
export function createWaf(options: WafOptions): Waf {
  const paths = [...(options.setupPaths ?? []), ...options.rulePaths]
  const settings = options.settings ?? {}
  const library = options.library ?? new RuleLibrary()
  const rules = library.load(paths, options.files ?? nodeRuleFiles(paths))
  const configuration = configure(
    options.mode,
    rules.settings,
    settings,
    options.audit?.defaultEngine,
  )
  const { program, evaluator } = rules.program({
    variables: settingVariables(settings, configuration),
    settings,
    gate: options.gate ?? 'on',
    specialize: options.specialize ?? 'on',
  })
  const openStore =
    options.openStore ?? ((timeoutSeconds) => new LocalPersistentStore(timeoutSeconds))
  const context: WafContext = {
    configuration,
    program,
    evaluator,
    store: options.store ?? openStore(configuration.collectionTimeoutSeconds),
    audit:
      options.audit === undefined
        ? null
        : new Auditor(configuration.audit, rules.components, options.audit),
    onHit: options.onHit ?? null,
    onPhase: options.onPhase ?? null,
  }
  return {
    type: 'waf',
    mode: options.mode,
    ruleCount: program.rules.length,
    warnings: rules.warnings,
    open: (connection) => new WafConnection(context, connection),
    warmUp: () => warmUp(context),
  }
}
