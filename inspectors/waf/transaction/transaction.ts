import type { Connection } from '#inspectors/inspector.ts'
import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import { headerValue } from '#inspectors/http/transaction.ts'
import type {
  BodyProcessor,
  EngineMode,
  PersistentCollection,
  Phase,
} from '#signatures/seclang/model.ts'
import { type BodyBytes, NO_BYTES } from '../body/body-bytes.ts'
import { processorOf } from '../body/media-type.ts'
import type { MultipartFlags, UploadedFile } from '../body/multipart.ts'
import type { XmlDocument } from '../body/xml-document.ts'
import type { WafConfiguration } from '../settings.ts'
import type { Entry } from '../values/entry.ts'
import { NO_ENTRIES } from '../values/entry.ts'
import type { TargetExclusion } from '../values/selector.ts'
import type { RuleHit } from './rule-hit.ts'
import type { PersistentRecord, PersistentStore } from './persistent-store.ts'
import { splitTarget, type TargetParts } from './request-target.ts'
import type { TxStore } from './tx-store.ts'
import type { MatchedVariable } from './matched-variable.ts'
import type { Secret } from './secret.ts'

/** Room for the lists of all collections: an array that grows costs more than one that is copied. */
const NO_LISTS = Array.from({ length: 128 }, (): readonly Entry[] | undefined => undefined)

/** What rules decided to do with the transaction. */
export type Interception =
  | { readonly kind: 'deny'; readonly status: number }
  | { readonly kind: 'drop' }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string }

/**
 * State of one HTTP exchange as the rules see it. Collections that follow from the traffic are built
 * at the first use and kept (`lists`); those that rules write to are read afresh (collections.ts).
 */
export class Transaction {
  readonly http: HttpTransaction
  readonly connection: Connection
  readonly configuration: WafConfiguration
  readonly store: PersistentStore
  readonly nowMs: number
  readonly tx: TxStore
  /** Built collections by id. */
  readonly lists: (readonly Entry[] | undefined)[] = NO_LISTS.slice()
  readonly target: TargetParts

  engine: EngineMode
  requestBodyAccess: boolean
  requestBodyLimit: number
  responseBodyAccess: boolean
  responseBodyLimit: number
  processor: BodyProcessor | null
  forcesRequestBody = false

  /** As it was sent, content codings removed. */
  requestBody: BodyBytes = NO_BYTES
  responseBodyLatin1 = ''
  /** The response body was inflated: rules that skip coded bodies may look at this one. */
  isResponseInflated = false
  /** Null until they are asked for. */
  rawUri: readonly Entry[] | null = null
  queryArguments: readonly Entry[] | null = null
  /** Request body arguments, parsed. */
  bodyArguments: readonly Entry[] = NO_ENTRIES
  files: readonly UploadedFile[] = []
  partHeaders: readonly Entry[] = NO_ENTRIES
  multipart: MultipartFlags | null = null
  xml: XmlDocument | null = null
  /** Values of the paths that rules asked for. */
  xmlValues: Map<string, readonly Entry[]> | null = null
  bodyError: string | null = null
  hasInboundDataError = false
  hasOutboundDataError = false
  hasUrlencodedError = false

  environment: Map<string, string> | null = null
  records: Map<PersistentCollection, PersistentRecord> | null = null
  /** Variables that the rule at hand matched, and the one that any rule matched last. */
  matchedVariables: MatchedVariable[] = []
  matchedVariable: MatchedVariable | null = null
  highestSeverity = 255
  currentPhase: Phase = 1

  /** Bit sets of rule indices that `ctl:ruleRemoveBy*` left out. */
  removedRules: Int32Array | null = null
  removedTargets: TargetExclusion[] | null = null
  /** Set by `allow`: no more rules of this phase, the request phases, or any phase but the last. */
  allowed: 'none' | 'phase' | 'request' | 'transaction' = 'none'
  /** First interception; in mode `detect` the phases go on after it. */
  interception: Interception | null = null
  auditEngine: 'on' | 'off' | 'relevant-only'
  /** Letters of the parts that an entry of the audit log has. */
  auditParts: string
  secrets: Secret[] | null = null
  /** Rules that matched and are logged, in order. */
  readonly hits: RuleHit[] = []

  constructor(
    http: HttpTransaction,
    connection: Connection,
    configuration: WafConfiguration,
    store: PersistentStore,
    tx: TxStore,
  ) {
    this.http = http
    this.connection = connection
    this.configuration = configuration
    this.store = store
    this.nowMs = http.startedAt
    this.tx = tx
    this.target = splitTarget(http.request.target)
    this.engine = configuration.mode === 'block' ? 'on' : 'detection-only'
    this.requestBodyAccess = configuration.requestBodyAccess
    this.requestBodyLimit = configuration.requestBodyLimit
    this.responseBodyAccess = configuration.responseBodyAccess
    this.responseBodyLimit = configuration.responseBodyLimit
    this.auditEngine = configuration.audit.engine
    this.auditParts = configuration.audit.parts
    const contentType = headerValue(http.request.headers, 'content-type')
    this.processor = contentType === null ? null : processorOf(contentType)
  }

  header(nameLower: string): string | null {
    return headerValue(this.http.request.headers, nameLower)
  }

  responseHeader(nameLower: string): string | null {
    const { response } = this.http
    return response === null ? null : headerValue(response.headers, nameLower)
  }
}
