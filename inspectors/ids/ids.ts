import type { IdsSettings, InspectorMode } from '#chain/model/chain.ts'
import { NO_THRESHOLDS, type ThresholdConfig } from '#signatures/suricata/threshold-config.ts'
import { RuleFault, type RuleProblem } from '#signatures/suricata/problem.ts'
import type { Connection, Inspector } from '../inspector.ts'
import { IdsConnection } from './connection.ts'
import { Engine } from './engine.ts'
import { Inspections } from './inspections.ts'
import { IdsLoadError } from './errors.ts'
import {
  DEFAULT_BODY_DEPTH,
  DEFAULT_PACKET_ALERTS,
  DEFAULT_STREAM_DEPTH,
  MAX_FINDINGS,
} from './limits.ts'
import { compileProgram } from './program/compile.ts'
import type { OrderedAction } from './program/order.ts'
import { RuleVariables } from './program/variables.ts'
import { AlertLimits, withThresholds } from './state/alert-limits.ts'
import { loadRuleFiles } from './rule-files.ts'

export interface IdsOptions {
  readonly mode: InspectorMode
  /** Rule files, or folders of them. */
  readonly rulePaths: readonly string[]
  readonly settings?: IdsSettings
  /** Milliseconds since the epoch; a test passes its own. */
  readonly now?: () => number
  /** A `classification.config` for all files, in place of those beside them. */
  readonly classificationFile?: string
  /** A `threshold.config`, already read. */
  readonly thresholds?: ThresholdConfig
  /** There are packets to look at: rules about them and about DNS are in force too. */
  readonly packets?: boolean
  /** False: nobody asks alerts for what in the buffers matched. */
  readonly quotesMatches?: boolean
  /** Fast patterns are not used: what the prefilters are held to. */
  readonly isUnfiltered?: boolean
  /** All four actions, the one that counts first in front. */
  readonly actionOrder?: readonly OrderedAction[]
  /** Alerts that one packet or event may show; at most MAX_FINDINGS. */
  readonly packetAlertMax?: number
  /** Bytes of a body that are inspected, in place of `settings.inspectionDepth`. */
  readonly bodyDepth?: number
}

/** An IDS and what became of its rules. */
export interface Ids extends Inspector {
  readonly type: 'ids'
  /** Rules that were rejected; the others are in force. */
  readonly warnings: readonly RuleProblem[]
  /** Commented-out rules. */
  readonly disabled: number
  /** Rules in order, but with nothing to look at on a TCP connection: by reason. */
  readonly inapplicable: ReadonlyMap<string, number>
  /** Thresholds and their like, as they stand. */
  readonly limits: AlertLimits
  open(connection: Connection): IdsConnection
}

/**
 * Loads and compiles Suricata rules for the inline path.
 *
 * A rejected rule is left out and told in `warnings`, as Suricata does; the rest is in force. A rule of
 * action drop or reject answers `drop`, and so does an alert rule as urgent as `settings.dropPriority`; in
 * mode `detect` the chain's fold turns that into an alert.
 *
 * @throws IdsLoadError with `diagnostics` when no rule of the set can be loaded, a file cannot be read or
 * a variable is no address or port
 */
export function createIds(options: IdsOptions): Ids {
  const { mode, settings = {} } = options
  const variables = new RuleVariables(settings.variables)
  const loaded = loadRuleFiles(options.rulePaths, options.classificationFile)
  const thresholds = options.thresholds ?? NO_THRESHOLDS
  const parsedCount = loaded.rules.length
  const { program, problems } = compileProgram(
    withThresholds(loaded.rules, thresholds),
    variables,
    {
      packets: options.packets ?? false,
      isUnfiltered: options.isUnfiltered ?? false,
      ...(options.actionOrder === undefined ? {} : { actionOrder: options.actionOrder }),
    },
  )
  const warnings = [...loaded.problems, ...problems, ...thresholds.problems]
  if (parsedCount === problems.length)
    throw new IdsLoadError(
      'IDS_NO_RULES',
      warnings.length > 0
        ? `none of the ${warnings.length} rules of ${options.rulePaths.join(', ')} can be loaded`
        : `${options.rulePaths.join(', ')} has no rule`,
      warnings,
    )
  const engine = new Engine(program, {
    mode,
    dropPriority: settings.dropPriority ?? null,
    bodyDepth: options.bodyDepth ?? settings.inspectionDepth ?? DEFAULT_BODY_DEPTH,
    streamDepth: settings.inspectionDepth ?? DEFAULT_STREAM_DEPTH,
    limits: compileLimits(thresholds, variables),
    packetAlertMax: Math.min(options.packetAlertMax ?? DEFAULT_PACKET_ALERTS, MAX_FINDINGS),
    gathersPackets: options.packets ?? false,
    quotesMatches: options.quotesMatches ?? true,
    now: options.now ?? Date.now,
  })
  const inspections = new Inspections(engine)
  return {
    type: 'ids',
    mode,
    ruleCount: program.rules.length,
    warnings,
    disabled: loaded.disabled,
    inapplicable: program.inapplicable,
    limits: engine.settings.limits,
    open: (connection: Connection): IdsConnection => new IdsConnection(inspections, connection),
  }
}

function compileLimits(config: ThresholdConfig, variables: RuleVariables): AlertLimits {
  try {
    return new AlertLimits(config, variables)
  } catch (error) {
    if (!(error instanceof RuleFault)) throw error
    throw new IdsLoadError(
      'IDS_BAD_VARIABLE',
      `a suppression cannot be used: ${error.message}`,
      [],
      {
        cause: error,
      },
    )
  }
}
