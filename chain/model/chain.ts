import { type Static, Type } from 'typebox'
import { Name } from './names.ts'

/** Most inspectors one chain may run. */
export const MAX_CHAIN_INSPECTORS = 8
/** Most rule sets (or, for `portcullis inspect`, paths) one inspector may name. */
export const MAX_INSPECTOR_RULES = 32

export const InspectorMode = Type.Union([Type.Literal('detect'), Type.Literal('block')])
export type InspectorMode = Static<typeof InspectorMode>

export const OnFailure = Type.Union([Type.Literal('open'), Type.Literal('closed')])
export type OnFailure = Static<typeof OnFailure>

export const InspectorType = Type.Union([Type.Literal('waf'), Type.Literal('ids')])
export type InspectorType = Static<typeof InspectorType>

/** Rule set name (`baseline`, `crs@4.28.0`); a chain file of `portcullis inspect` may say a path. */
const RuleReference = Type.String({ minLength: 1, maxLength: 4096 })

/** Rule id or range of ids. */
const RuleIds = Type.String({ pattern: '^[0-9]{1,9}(-[0-9]{1,9})?$' })
const RuleTag = Type.String({ minLength: 1, maxLength: 128 })

/** Variables that an exclusion may name: what clients and servers send, not the engine's own state. */
const EXCLUDABLE =
  'ARGS|ARGS_NAMES|ARGS_GET|ARGS_GET_NAMES|ARGS_POST|ARGS_POST_NAMES|FILES|FILES_NAMES|' +
  'MULTIPART_PART_HEADERS|REQUEST_COOKIES|REQUEST_COOKIES_NAMES|REQUEST_HEADERS|' +
  'REQUEST_HEADERS_NAMES|RESPONSE_HEADERS|RESPONSE_HEADERS_NAMES'
const EXCLUDABLE_SCALARS =
  'QUERY_STRING|REQUEST_BASENAME|REQUEST_BODY|REQUEST_FILENAME|REQUEST_LINE|REQUEST_URI|' +
  'REQUEST_URI_RAW|RESPONSE_BODY'

const narrowing = {
  /**
   * What the rules do not look at: `ARGS:password`, `REQUEST_COOKIES:/^cart_/`, `REQUEST_BODY`,
   * `XML:/*`. Without it the rules themselves are left out.
   */
  target: Type.Optional(
    Type.String({
      maxLength: 256,
      pattern: `^(?:(?:${EXCLUDABLE})(?::(?:/[^/|,]+/|[^/'!&|,][^|,]*))?|${EXCLUDABLE_SCALARS}|XML:/(?:/@)?\\*)$`,
    }),
  ),
  /** Where: `/login` is that path alone, `/api/*` all that begins with `/api/`. Without it everywhere. */
  path: Type.Optional(Type.String({ maxLength: 1024, pattern: '^/[^*?#%;]*\\*?$' })),
}

/** Something that a chain does not want inspected: whose rules, and of those what and where. */
export const WafExclusion = Type.Union([
  Type.Object({ rule: RuleIds, ...narrowing }, { additionalProperties: false }),
  Type.Object({ tag: RuleTag, ...narrowing }, { additionalProperties: false }),
])
export type WafExclusion = Static<typeof WafExclusion>

/**
 * Settings of the WAF, as data: they never render into rule text. What ModSecurity keeps in
 * `modsecurity.conf` has the values of its recommended file.
 */
export const WafSettings = Type.Object(
  {
    /** Blocking paranoia level of CRS (`tx.blocking_paranoia_level`). */
    paranoia: Type.Optional(Type.Integer({ minimum: 1, maximum: 4 })),
    /** Detection paranoia level; default: the blocking one. */
    detectionParanoia: Type.Optional(Type.Integer({ minimum: 1, maximum: 4 })),
    inboundThreshold: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    outboundThreshold: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    requestBodyAccess: Type.Optional(Type.Boolean()),
    requestBodyLimit: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_073_741_824 })),
    requestBodyNoFilesLimit: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_073_741_824 })),
    responseBodyAccess: Type.Optional(Type.Boolean()),
    responseBodyLimit: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_073_741_824 })),
    argumentsLimit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    /** Transactions that the audit log of the worker has (`SecAuditEngine`). */
    auditEngine: Type.Optional(
      Type.Union([Type.Literal('on'), Type.Literal('off'), Type.Literal('relevant-only')]),
    ),
    auditLogParts: Type.Optional(Type.String({ pattern: '^A[B-K]{0,10}Z$' })),
    auditLogFormat: Type.Optional(Type.Union([Type.Literal('json'), Type.Literal('native')])),
    /** Rule ids or ranges (`942100`, `941000-941999`) that this chain leaves out. */
    excludeRules: Type.Optional(Type.Array(RuleIds, { maxItems: 1000 })),
    excludeTags: Type.Optional(Type.Array(RuleTag, { maxItems: 100 })),
    /** The same for some variables or some paths only. */
    exclusions: Type.Optional(Type.Array(WafExclusion, { maxItems: 500 })),
  },
  { additionalProperties: false },
)
export type WafSettings = Static<typeof WafSettings>

/** Settings of the IDS; `variables` are Suricata's `vars` (`HOME_NET`, `HTTP_PORTS`, ...). */
export const IdsSettings = Type.Object(
  {
    variables: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,62}$' }),
        Type.String({ maxLength: 4096 }),
      ),
    ),
    /** In mode `block`, rules of action `alert` with this priority or a more urgent one drop too. */
    dropPriority: Type.Optional(Type.Integer({ minimum: 1, maximum: 255 })),
    /** Bytes of a body or stream direction that are inspected before the rest passes. */
    inspectionDepth: Type.Optional(Type.Integer({ minimum: 1024, maximum: 16_777_216 })),
  },
  { additionalProperties: false },
)
export type IdsSettings = Static<typeof IdsSettings>

const common = {
  mode: InspectorMode,
  rules: Type.Array(RuleReference, { minItems: 1, maxItems: MAX_INSPECTOR_RULES }),
  /** What happens to a flow this hop cannot inspect; default: the chain's. */
  onFailure: Type.Optional(OnFailure),
}

export const ChainInspector = Type.Union([
  Type.Object(
    {
      type: Type.Literal('waf'),
      ...common,
      /** Rule set (or path) that is loaded before `rules`: CRS's `crs-setup.conf`. */
      setup: Type.Optional(RuleReference),
      settings: Type.Optional(WafSettings),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    { type: Type.Literal('ids'), ...common, settings: Type.Optional(IdsSettings) },
    { additionalProperties: false },
  ),
])
export type ChainInspector = Static<typeof ChainInspector>

/** An ordered list of inspectors. `inspectors: []` is legal: traffic is steered and only observed. */
export const Chain = Type.Object(
  {
    name: Name,
    inspectors: Type.Array(ChainInspector, { maxItems: MAX_CHAIN_INSPECTORS }),
    onFailure: OnFailure,
  },
  { additionalProperties: false },
)
export type Chain = Static<typeof Chain>
