import type { InspectorMode, WafSettings } from '#chain/model/chain.ts'
import { type CompiledPattern, SECLANG_OPTIONS } from '#signatures/pcre/pattern.ts'
import { compilePattern } from '#signatures/pcre/compile.ts'
import type { EngineSettings } from '#signatures/seclang/model.ts'

/** Everything about a WAF that is not a rule: the chain's settings over the files' over the defaults. */
export interface WafConfiguration {
  readonly mode: InspectorMode
  readonly requestBodyAccess: boolean
  readonly requestBodyLimit: number
  readonly requestBodyNoFilesLimit: number
  readonly requestBodyLimitAction: 'reject' | 'process-partial'
  readonly jsonDepthLimit: number
  readonly argumentsLimit: number
  readonly argumentSeparator: string
  readonly responseBodyAccess: boolean
  readonly responseBodyMimeTypes: readonly string[]
  readonly responseBodyLimit: number
  readonly responseBodyLimitAction: 'reject' | 'process-partial'
  readonly uploadFileLimit: number
  readonly collectionTimeoutSeconds: number
  readonly webAppId: string
  readonly audit: AuditPolicy
}

/** Which transactions the audit log has, and what of them. */
export interface AuditPolicy {
  readonly engine: 'on' | 'off' | 'relevant-only'
  /** Statuses that make a transaction relevant; null: rules alone do. */
  readonly relevantStatus: CompiledPattern | null
  readonly parts: string
  readonly format: 'json' | 'native'
}

/** Values of ModSecurity's recommended `modsecurity.conf`. */
const RECOMMENDED = {
  requestBodyAccess: true,
  requestBodyLimit: 13_107_200,
  requestBodyNoFilesLimit: 131_072,
  requestBodyLimitAction: 'reject',
  jsonDepthLimit: 512,
  argumentsLimit: 1000,
  argumentSeparator: '&',
  responseBodyAccess: true,
  responseBodyMimeTypes: ['text/plain', 'text/html', 'text/xml'],
  responseBodyLimit: 524_288,
  responseBodyLimitAction: 'process-partial',
  uploadFileLimit: 100,
  collectionTimeoutSeconds: 3600,
  webAppId: 'default',
  auditRelevantStatus: '^(?:5|4(?!04))',
  auditParts: 'ABIJDEFHZ',
  auditFormat: 'native',
} as const

/** One inflated body may have this many bytes for each one it came in. */
export const MAX_INFLATION = 100

/** @param auditDefault where neither chain nor files say whether there is an audit log */
export function configure(
  mode: InspectorMode,
  files: EngineSettings,
  chain: WafSettings,
  auditDefault: AuditPolicy['engine'] = 'off',
): WafConfiguration {
  return {
    mode,
    requestBodyAccess:
      chain.requestBodyAccess ?? files.requestBodyAccess ?? RECOMMENDED.requestBodyAccess,
    requestBodyLimit:
      chain.requestBodyLimit ?? files.requestBodyLimit ?? RECOMMENDED.requestBodyLimit,
    requestBodyNoFilesLimit:
      chain.requestBodyNoFilesLimit ??
      files.requestBodyNoFilesLimit ??
      RECOMMENDED.requestBodyNoFilesLimit,
    requestBodyLimitAction: files.requestBodyLimitAction ?? RECOMMENDED.requestBodyLimitAction,
    jsonDepthLimit: files.requestBodyJsonDepthLimit ?? RECOMMENDED.jsonDepthLimit,
    argumentsLimit: chain.argumentsLimit ?? files.argumentsLimit ?? RECOMMENDED.argumentsLimit,
    argumentSeparator: files.argumentSeparator ?? RECOMMENDED.argumentSeparator,
    responseBodyAccess:
      chain.responseBodyAccess ?? files.responseBodyAccess ?? RECOMMENDED.responseBodyAccess,
    responseBodyMimeTypes: files.responseBodyMimeTypes ?? RECOMMENDED.responseBodyMimeTypes,
    responseBodyLimit:
      chain.responseBodyLimit ?? files.responseBodyLimit ?? RECOMMENDED.responseBodyLimit,
    responseBodyLimitAction: files.responseBodyLimitAction ?? RECOMMENDED.responseBodyLimitAction,
    uploadFileLimit: files.uploadFileLimit ?? RECOMMENDED.uploadFileLimit,
    collectionTimeoutSeconds:
      files.collectionTimeoutSeconds ?? RECOMMENDED.collectionTimeoutSeconds,
    webAppId: files.webAppId ?? RECOMMENDED.webAppId,
    audit: {
      engine: chain.auditEngine ?? files.auditEngine ?? auditDefault,
      relevantStatus: statusPattern(
        files.auditLogRelevantStatus ?? RECOMMENDED.auditRelevantStatus,
      ),
      parts: chain.auditLogParts ?? files.auditLogParts ?? RECOMMENDED.auditParts,
      format: chain.auditLogFormat ?? files.auditLogFormat ?? RECOMMENDED.auditFormat,
    },
  }
}

/** The parser of the directive has compiled it before. */
function statusPattern(text: string): CompiledPattern | null {
  const result = compilePattern(text, SECLANG_OPTIONS)
  return result.ok ? result.pattern : null
}

/** How many arguments the built-in rule 200007 lets through. */
export const ARGUMENTS_LIMIT_VARIABLE = 'portcullis_arguments_limit'

/** Names of all variables that `settingVariables` may give. */
export const SETTING_VARIABLES: readonly string[] = [
  'blocking_paranoia_level',
  'paranoia_level',
  'detection_paranoia_level',
  'executing_paranoia_level',
  'inbound_anomaly_score_threshold',
  'outbound_anomaly_score_threshold',
  ARGUMENTS_LIMIT_VARIABLE,
]

/** TX variables that the chain's settings stand for (CRS 3 and CRS 4 names), by name. */
export function settingVariables(
  chain: WafSettings,
  { argumentsLimit }: WafConfiguration,
): ReadonlyMap<string, string> {
  const variables = new Map<string, string>()
  const put = (value: number | undefined, ...names: readonly string[]): void => {
    if (value !== undefined) for (const name of names) variables.set(name, String(value))
  }
  put(chain.paranoia, 'blocking_paranoia_level', 'paranoia_level')
  put(
    chain.detectionParanoia ?? chain.paranoia,
    'detection_paranoia_level',
    'executing_paranoia_level',
  )
  put(chain.inboundThreshold, 'inbound_anomaly_score_threshold')
  put(chain.outboundThreshold, 'outbound_anomaly_score_threshold')
  put(argumentsLimit, ARGUMENTS_LIMIT_VARIABLE)
  return variables
}
