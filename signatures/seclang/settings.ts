import { compilePattern } from '../pcre/compile.ts'
import { SECLANG_OPTIONS } from '../pcre/pattern.ts'
import type { EngineMode, EngineSettings } from './model.ts'

type Apply = (values: readonly string[], settings: EngineSettings) => string | null

/**
 * Directives that set up the engine, by lower-case name. Each takes its words and answers null, or what
 * it expects instead.
 */
export const SETTINGS: ReadonlyMap<string, Apply> = new Map<string, Apply>([
  ['secruleengine', (values, settings) => mode(values, (value) => (settings.ruleEngine = value))],
  ['secrequestbodyaccess', flag((settings, on) => (settings.requestBodyAccess = on))],
  ['secrequestbodylimit', count((settings, bytes) => (settings.requestBodyLimit = bytes))],
  [
    'secrequestbodynofileslimit',
    count((settings, bytes) => (settings.requestBodyNoFilesLimit = bytes)),
  ],
  [
    'secrequestbodylimitaction',
    limitAction((settings, action) => (settings.requestBodyLimitAction = action)),
  ],
  [
    'secrequestbodyjsondepthlimit',
    count((settings, depth) => (settings.requestBodyJsonDepthLimit = depth)),
  ],
  ['secargumentslimit', count((settings, limit) => (settings.argumentsLimit = limit))],
  [
    'secargumentseparator',
    (values, settings) => {
      if (values.length !== 1 || values[0].length !== 1) return 'one character'
      settings.argumentSeparator = values[0]!
      return null
    },
  ],
  [
    'seccookieformat',
    (values, settings) => {
      if (values[0] !== '0' && values[0] !== '1') return '0 or 1'
      settings.cookieFormat = values[0] === '0' ? 0 : 1
      return null
    },
  ],
  ['secresponsebodyaccess', flag((settings, on) => (settings.responseBodyAccess = on))],
  [
    'secresponsebodymimetype',
    (values, settings) => {
      if (values.length === 0) return 'media types'
      settings.responseBodyMimeTypes = values.map((value) => value.toLowerCase())
      return null
    },
  ],
  [
    'secresponsebodymimetypesclear',
    (_values, settings) => {
      settings.responseBodyMimeTypes = []
      return null
    },
  ],
  ['secresponsebodylimit', count((settings, bytes) => (settings.responseBodyLimit = bytes))],
  [
    'secresponsebodylimitaction',
    limitAction((settings, action) => (settings.responseBodyLimitAction = action)),
  ],
  [
    'seccollectiontimeout',
    count((settings, seconds) => (settings.collectionTimeoutSeconds = seconds)),
  ],
  ['secuploadfilelimit', count((settings, limit) => (settings.uploadFileLimit = limit))],
  [
    'secauditengine',
    (values, settings) => {
      const value = values[0]?.toLowerCase()
      if (value === 'on' || value === 'off') settings.auditEngine = value
      else if (value === 'relevantonly') settings.auditEngine = 'relevant-only'
      else return 'On, Off or RelevantOnly'
      return null
    },
  ],
  [
    'secauditlogrelevantstatus',
    (values, settings) => {
      if (values.length !== 1) return 'one regular expression'
      const result = compilePattern(values[0], SECLANG_OPTIONS)
      if (!result.ok) return `a regular expression (${result.message})`
      settings.auditLogRelevantStatus = values[0]
      return null
    },
  ],
  [
    'secauditlogparts',
    (values, settings) => {
      const parts = values.length === 1 ? values[0].toUpperCase() : ''
      if (!/^A[B-K]*Z$/.test(parts)) return 'letters from A to K, A first and Z last'
      settings.auditLogParts = parts
      return null
    },
  ],
  [
    'secauditlogformat',
    (values, settings) => {
      const value = values[0]?.toLowerCase()
      if (value !== 'json' && value !== 'native') return 'JSON or Native'
      settings.auditLogFormat = value
      return null
    },
  ],
  ['secwebappid', text((settings, value) => (settings.webAppId = value))],
  ['secsensorid', text((settings, value) => (settings.sensorId = value))],
  [
    'secxmlexternalentity',
    (values) => (values[0]?.toLowerCase() === 'off' ? null : 'Off: entities are never fetched'),
  ],
])

const REWRITES = 'traffic is inspected and never rewritten'
const OWN_LOGS = 'alerts go to the alert spool'
const OWN_FILES = 'who runs the worker says where the audit log goes, a rule set never names a file'
const NO_UPLOADS = 'uploads are inspected in memory'
const NO_LOOKUP = 'the lookup it configures is not offered'

/** Directives that are understood and have nothing to act on here, with the reason. */
export const IGNORED_DIRECTIVES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    SecAuditLog: OWN_FILES,
    SecAuditLog2: OWN_FILES,
    SecAuditLogDirMode: OWN_FILES,
    SecAuditLogFileMode: OWN_FILES,
    SecAuditLogStorageDir: OWN_FILES,
    SecAuditLogType: 'entries follow each other in one file, as with Serial',
    SecCacheTransformations: 'transformations are always cached',
    SecChrootDir: 'workers are confined by the agent',
    SecConnEngine: 'connections are limited by the proxy',
    SecConnReadStateLimit: 'connections are limited by the proxy',
    SecConnWriteStateLimit: 'connections are limited by the proxy',
    SecContentInjection: REWRITES,
    SecCookieV0Separator: 'cookies are separated by semicolons (RFC 6265)',
    SecDataDir: 'persistent collections are kept in memory, or in Redis',
    SecDebugLog: OWN_LOGS,
    SecDebugLogLevel: OWN_LOGS,
    SecDisableBackendCompression: REWRITES,
    SecGeoLookupDb: NO_LOOKUP,
    SecGsbLookupDb: NO_LOOKUP,
    SecGuardianLog: OWN_LOGS,
    SecHashEngine: REWRITES,
    SecHashKey: REWRITES,
    SecHashMethodPm: REWRITES,
    SecHashMethodRx: REWRITES,
    SecHashParam: REWRITES,
    SecHttpBlKey: NO_LOOKUP,
    SecInterceptOnError: 'the chain says what happens on failure (onFailure)',
    SecPcreMatchLimit: 'patterns run in linear time',
    SecPcreMatchLimitRecursion: 'patterns run in linear time',
    SecReadStateLimit: 'connections are limited by the proxy',
    SecRequestBodyInMemoryLimit: NO_UPLOADS,
    SecRequestEncoding: 'bytes are inspected as they are',
    SecRuleInheritance: 'there are no nested contexts',
    SecRulePerfTime: 'per-rule times are metrics',
    SecServerSignature: REWRITES,
    SecStatusEngine: 'nothing is reported to third parties',
    SecStreamInBodyInspection: 'the stream buffers are always available',
    SecStreamOutBodyInspection: 'the stream buffers are always available',
    SecTmpDir: NO_UPLOADS,
    SecTmpSaveUploadedFiles: NO_UPLOADS,
    SecUnicodeCodePage: 'the best-fit map of code page 20127 is built in',
    SecUnicodeMapFile: 'the best-fit map of code page 20127 is built in',
    SecUploadDir: NO_UPLOADS,
    SecUploadFileMode: NO_UPLOADS,
    SecUploadKeepFiles: NO_UPLOADS,
    SecWriteStateLimit: 'connections are limited by the proxy',
  }).map(([name, reason]) => [name.toLowerCase(), reason] as const),
)

export const REFUSED_DIRECTIVES: ReadonlyMap<string, string> = new Map([
  ['secrulescript', 'rules do not start programs or scripts'],
  ['secremoterules', 'rule sets are fetched by `portcullis signatures`, never while loading'],
  ['secremoterulesfailaction', 'rule sets are fetched by `portcullis signatures`'],
])

function mode(values: readonly string[], set: (mode: EngineMode) => void): string | null {
  const value = values[0]?.toLowerCase()
  if (value === 'on' || value === 'off') set(value)
  else if (value === 'detectiononly') set('detection-only')
  else return 'On, Off or DetectionOnly'
  return null
}

function flag(set: (settings: EngineSettings, on: boolean) => void): Apply {
  return (values, settings) => {
    const value = values[0]?.toLowerCase()
    if (value !== 'on' && value !== 'off') return 'On or Off'
    set(settings, value === 'on')
    return null
  }
}

function count(set: (settings: EngineSettings, value: number) => void): Apply {
  return (values, settings) => {
    if (values.length !== 1 || !/^\d{1,12}$/.test(values[0])) return 'a number'
    set(settings, Number(values[0]))
    return null
  }
}

function text(set: (settings: EngineSettings, value: string) => void): Apply {
  return (values, settings) => {
    if (values.length !== 1) return 'one value'
    set(settings, values[0])
    return null
  }
}

function limitAction(
  set: (settings: EngineSettings, action: 'reject' | 'process-partial') => void,
): Apply {
  return (values, settings) => {
    const value = values[0]?.toLowerCase()
    if (value === 'reject') set(settings, 'reject')
    else if (value === 'processpartial') set(settings, 'process-partial')
    else return 'Reject or ProcessPartial'
    return null
  }
}
