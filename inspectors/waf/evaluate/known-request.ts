import type { Connection } from '#inspectors/inspector.ts'
import type { HttpHeader, HttpResponseHead } from '#inspectors/http/transaction.ts'
import type { CompiledLink, TargetPart } from '../compile/program.ts'
import { queryArguments } from '../transaction/body-collections.ts'
import { type Collection, collectionNamed, valuesOf } from '../transaction/collections.ts'
import type { RuleState } from '../transaction/rule-state.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { WafConfiguration } from '../settings.ts'
import { MAX_KEPT_TEXT_BYTES } from '../values/kept-texts.ts'
import { Entry } from '../values/entry.ts'
import { RunReads } from './run-reads.ts'

/** Longest head that is remembered: what is cut out of it keeps it. */
const MAX_HEAD_BYTES = 4096
/** More fields, arguments or cookies are not remembered. */
const MAX_VALUES = 64
/** Answers to one request that are told apart. */
const MAX_ANSWERS = 4

/** Variables that follow from the request line. */
export const TARGET_TEXTS: readonly Collection[] = [
  'REQUEST_LINE',
  'QUERY_STRING',
  'REQUEST_URI_RAW',
  'REQUEST_URI',
].map((name) => collectionNamed(name))

export const COOKIES = collectionNamed('REQUEST_COOKIES')

/** What was read of the body of an answer. */
export interface AnswerBody {
  /** '': nothing; null: too much to be remembered. */
  readonly text: string | null
  readonly isInflated: boolean
  readonly hasError: boolean
}

export function answerBodyOf(transaction: Transaction): AnswerBody {
  const { responseBodyLatin1: text } = transaction
  return {
    text: text.length > MAX_KEPT_TEXT_BYTES ? null : text,
    isInflated: transaction.isResponseInflated,
    hasError: transaction.hasOutboundDataError,
  }
}

/** True when as much was read of a body, or as little. Its text may be another. */
export function isLikeBody(
  { responseBodyLatin1, isResponseInflated, hasOutboundDataError }: Transaction,
  { text, isInflated, hasError }: AnswerBody,
): boolean {
  return (
    (responseBodyLatin1 === '') === (text === '') &&
    isResponseInflated === isInflated &&
    hasOutboundDataError === hasError
  )
}

/** What rules made of a request up to the end of a phase. */
export class KnownRun {
  readonly state: RuleState
  /** Null: none had come. */
  readonly response: HttpResponseHead | null
  readonly body: AnswerBody
  /** By phase, those that can follow without an answer coming in between. */
  readonly #after: (KnownRun | undefined)[] = []
  readonly #answered: KnownRun[] = []

  constructor(state: RuleState, response: HttpResponseHead | null, body: AnswerBody) {
    this.state = state
    this.response = response
    this.body = body
  }

  after(phase: number): KnownRun | null {
    return this.#after[phase] ?? null
  }

  /** Runs of phase 3, the one used last at the beginning. */
  get answered(): readonly KnownRun[] {
    return this.#answered
  }

  add(phase: number, run: KnownRun): void {
    if (phase !== 3) {
      this.#after[phase] = run
      return
    }
    this.#answered.unshift(run)
    if (this.#answered.length > MAX_ANSWERS) this.#answered.pop()
  }
}

/** A link that no value satisfied, and one of the variables it looks at. */
interface TriedPart {
  readonly link: CompiledLink
  readonly part: TargetPart
}

/** A request that was inspected, and matched no rule that tells of it. */
export class KnownRequest {
  readonly configuration: WafConfiguration
  readonly connection: Connection
  readonly method: string
  readonly protocol: string
  readonly path: string
  /** In the order of TARGET_TEXTS. */
  readonly targetTexts: readonly string[]
  readonly hasUrlencodedError: boolean
  /** As it is before the first phase. */
  readonly processor: Transaction['processor']
  readonly headers: readonly HttpHeader[]
  readonly queryArguments: readonly Entry[]
  readonly cookies: readonly Entry[]
  /** What must not differ, and links that other values must not satisfy either. */
  readonly reads = new RunReads()
  /** By collection: where these links look at it. */
  readonly triedIn: (TriedPart[] | undefined)[] = []
  /** How often `reads` grew. */
  version = 0
  first: KnownRun | null = null

  constructor(transaction: Transaction) {
    const { http, target } = transaction
    this.configuration = transaction.configuration
    this.connection = transaction.connection
    this.method = http.request.method
    this.protocol = http.request.protocol
    this.path = target.path
    this.targetTexts = [http.request.line, target.query, http.request.target, target.uri]
    this.headers = http.request.headers
    this.queryArguments = queryArguments(transaction).map(copyOf)
    this.cookies = valuesOf(transaction, COOKIES).map(copyOf)
    this.processor = transaction.processor
    this.hasUrlencodedError = transaction.hasUrlencodedError
  }

  get line(): string {
    return this.targetTexts[0]
  }

  get query(): string {
    return this.targetTexts[1]
  }

  /** More of what must not differ. */
  fix(reads: RunReads): void {
    if (!this.reads.add(reads)) return
    this.version += 1
    this.triedIn.length = 0
    for (const link of this.reads.tried) {
      for (const part of link.targets.parts) {
        ;(this.triedIn[part.collection.id] ??= []).push({ link, part })
      }
    }
  }
}

/** The value without its facts, which are not kept with the request. */
export function copyOf({ name, nameLower, value }: Entry): Entry {
  return new Entry(name, value, nameLower)
}

/** True when a request is small enough to be remembered. */
export function isKeepable(transaction: Transaction): boolean {
  const { request } = transaction.http
  return (
    request.rawLatin1.length <= MAX_HEAD_BYTES &&
    request.headers.length <= MAX_VALUES &&
    queryArguments(transaction).length <= MAX_VALUES &&
    valuesOf(transaction, COOKIES).length <= MAX_VALUES
  )
}

export function isKeepableAnswer({ rawLatin1, headers }: HttpResponseHead): boolean {
  return rawLatin1.length <= MAX_HEAD_BYTES && headers.length <= MAX_VALUES
}

/** How far a transaction went the way of an earlier one. */
export class RepeatedRun {
  /** Null: it is like none, or no longer. */
  request: KnownRequest | null = null
  version = 0
  /** Null: no phase has run. */
  at: KnownRun | null = null
  /** Where its texts differ: bits of value-origins.ts. */
  parts = 0

  begin(request: KnownRequest, parts: number): void {
    this.request = request
    this.version = request.version
    this.parts = parts
  }
}

/** True when something was read of the request's body. */
export function hasBody(transaction: Transaction): boolean {
  return (
    transaction.requestBody.length > 0 ||
    transaction.bodyArguments.length > 0 ||
    transaction.files.length > 0 ||
    transaction.partHeaders.length > 0 ||
    transaction.multipart !== null ||
    transaction.xml !== null ||
    transaction.bodyError !== null ||
    transaction.hasInboundDataError
  )
}
