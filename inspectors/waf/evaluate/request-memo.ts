import type { HttpResponseHead } from '#inspectors/http/transaction.ts'
import type { Program } from '../compile/program.ts'
import { queryArguments } from '../transaction/body-collections.ts'
import { type Collection, collectionNamed, valuesOf } from '../transaction/collections.ts'
import { isRepeatable, RuleState } from '../transaction/rule-state.ts'
import type { Transaction } from '../transaction/transaction.ts'
import {
  OF_ARGUMENTS,
  OF_COOKIES,
  OF_FIELDS,
  OF_RESPONSE_BODY,
  OF_RESPONSE_FIELDS,
  OF_TARGET,
  originOf,
} from '../transaction/value-origins.ts'
import { Entry } from '../values/entry.ts'
import {
  type AnswerBody,
  answerBodyOf,
  COOKIES,
  copyOf,
  hasBody,
  isKeepable,
  isKeepableAnswer,
  isLikeBody,
  KnownRequest,
  KnownRun,
  type RepeatedRun,
  TARGET_TEXTS,
} from './known-request.ts'
import type { PhaseGate } from './phase-gate.ts'
import { isPartValue } from './resolved-targets.ts'
import { RunReads } from './run-reads.ts'

/** Requests that are remembered, the one met last at the beginning. */
export const MAX_REQUESTS = 16
/** After so many requests in a row like none of them only one in RARELY is remembered. */
const MAX_MISSES = 16
const RARELY = 32

const ARGUMENTS = [collectionNamed('ARGS'), collectionNamed('ARGS_GET')]
const FIELDS = [collectionNamed('REQUEST_HEADERS')]
const COOKIE_VALUES = [COOKIES]
const RESPONSE_BODY = [collectionNamed('RESPONSE_BODY')]
const RESPONSE_HEADERS = collectionNamed('RESPONSE_HEADERS')

/**
 * Requests that went through the rules without one that tells of it, and what the rules made of them.
 *
 * Clients send the same request again and again: of all that rules look at only a few texts are new, the values
 * of arguments or a token in a cookie. Where no rule may match any of these, and everything else is as it was, the
 * phases do what they did before: the rules that match are the same ones, as are the variables they set.
 * So it is enough to gate the new texts, and to take over what was left in the transaction.
 *
 * That is exact because it is known what the rules looked at other than through the gate: while a request is
 * remembered, each link that is run says so (`RunReads`). What may differ and was looked at must not differ, or,
 * where the link was not satisfied, must not satisfy it either. A phase in which something is looked at
 * that cannot be compared (a time, a port, a body), or a rule tells, decides, or keeps something, is not repeated,
 * nor are those after it.
 *
 * The twin is `specialize: 'off'`.
 */
export class RequestMemo {
  readonly #program: Program
  readonly #gate: PhaseGate
  readonly #requests: KnownRequest[] = []
  #misses = 0
  /** The request at hand is one that is known, but for a text that a rule may match. */
  #isLoud = false
  /** By phase, what all its runs look at; undefined: not worked out yet. */
  readonly #always: (RunReads | undefined)[] = []
  readonly #reads = new RunReads()
  /** Texts that differ from those of a request that is known, and of what. The first `#count`. */
  #count = 0
  /** They are the ones of that request, not of the one at hand. */
  #isOfKnown = false
  readonly #texts: Entry[] = []
  readonly #collections: Collection[] = []
  #parts = 0

  constructor(program: Program, gate: PhaseGate) {
    this.#program = program
    this.#gate = gate
  }

  /** Does to a transaction what the phase did before. False: it has to be run. */
  replay(transaction: Transaction, phase: number, run: RepeatedRun): boolean {
    if (phase === 1) this.#find(transaction, run)
    const { request } = run
    if (request === null) return false
    if (run.version !== request.version || !isComparable(transaction, phase, run)) {
      run.request = null
      return false
    }
    const next = this.#next(transaction, phase, run)
    if (next === null) return false
    run.at = next
    next.state.give(transaction)
    return true
  }

  /** Before a phase is run. @returns where it has to say what it looks at; null: nowhere */
  begin(transaction: Transaction, phase: number, run: RepeatedRun): RunReads | null {
    if (phase === 1 && run.request === null && this.#isWorthwhile(transaction)) {
      run.begin(new KnownRequest(transaction), 0)
    }
    if (run.request === null) return null
    if (isComparable(transaction, phase, run) && this.#alwaysIn(phase).isKnown) {
      this.#reads.clear()
      return this.#reads
    }
    run.request = null
    return null
  }

  /** After it was run. */
  end(transaction: Transaction, phase: number, run: RepeatedRun): void {
    const { request } = run
    const reads = this.#reads
    if (request === null) return
    run.request = null
    reads.add(this.#alwaysIn(phase))
    if (!reads.isKnown || !isRepeatable(transaction)) return
    const { response } = transaction.http
    if (phase === 3 && (response === null || !isKeepableAnswer(response))) return
    request.fix(reads)
    if (!this.#isAlsoOf(request, transaction, run)) return
    const next = new KnownRun(
      new RuleState(transaction),
      phase === 3 ? response : (run.at?.response ?? null),
      phase === 5 ? run.at!.body : answerBodyOf(transaction),
    )
    if (phase === 1) {
      if (request.first === null) this.#keep(request)
      request.first = next
    } else run.at?.add(phase, next)
    run.at = next
    run.version = request.version
    run.request = request
  }

  /** True when what a run came to holds for the request that it is like: of its own texts no rule may match any. */
  #isAlsoOf(request: KnownRequest, transaction: Transaction, run: RepeatedRun): boolean {
    if (run.parts === 0) return true
    if ((run.parts & (OF_RESPONSE_FIELDS | OF_RESPONSE_BODY)) !== 0) return false
    this.#isOfKnown = true
    const isQuiet = this.#isLike(transaction, request) && this.#isQuiet(transaction, request)
    this.#isOfKnown = false
    if (!isQuiet) this.#forget(request)
    return isQuiet
  }

  /** Another one may stand for those like it. */
  #forget(request: KnownRequest): void {
    const at = this.#requests.indexOf(request)
    if (at >= 0) this.#requests.splice(at, 1)
  }

  #keep(request: KnownRequest): void {
    this.#requests.unshift(request)
    if (this.#requests.length > MAX_REQUESTS) this.#requests.pop()
  }

  #isWorthwhile(transaction: Transaction): boolean {
    if (this.#isLoud) return false
    this.#misses += 1
    if (this.#misses > MAX_MISSES && this.#misses % RARELY !== 0) return false
    return isKeepable(transaction)
  }

  /** What a phase looks at each time, also in rules that were left out as they would not match. */
  #alwaysIn(phase: number): RunReads {
    const known = this.#always[phase]
    if (known !== undefined) return known
    const reads = new RunReads()
    for (const collection of this.#gate.collectionsOf(phase)) {
      const origin = originOf(collection.name)
      if (origin === null || !origin.isText) reads.value(collection, null)
    }
    for (const rule of this.#program.phases[phase].steady) {
      for (const input of rule?.inputs ?? []) reads.input(input)
    }
    this.#always[phase] = reads
    return reads
  }

  #find(transaction: Transaction, run: RepeatedRun): void {
    this.#isLoud = false
    const requests = this.#requests
    for (let at = 0; at < requests.length; at += 1) {
      const request = requests[at]
      if (!this.#isLike(transaction, request)) continue
      if (!this.#isQuiet(transaction, request)) {
        this.#isLoud = true
        return
      }
      this.#misses = 0
      if (at > 0) {
        requests[at] = requests[at - 1]
        requests[at - 1] = request
      }
      run.begin(request, this.#parts)
      return
    }
  }

  /** True when nothing differs but texts that may; these are listed then. */
  #isLike(transaction: Transaction, request: KnownRequest): boolean {
    const { http, connection, configuration, target } = transaction
    const { method, protocol, line, headers } = http.request
    if (
      configuration !== request.configuration ||
      transaction.processor !== request.processor ||
      method !== request.method ||
      protocol !== request.protocol ||
      target.path !== request.path ||
      headers.length !== request.headers.length ||
      connection.clientAddress !== request.connection.clientAddress ||
      connection.serverAddress !== request.connection.serverAddress ||
      connection.serverPort !== request.connection.serverPort
    ) {
      return false
    }
    this.#count = 0
    this.#parts = 0
    if (line !== request.line) this.#parts |= OF_TARGET
    return (
      this.#compareFields(transaction, request) &&
      (target.query === request.query || this.#compareArguments(transaction, request)) &&
      (this.#parts & request.reads.parts) === 0
    )
  }

  #compareFields(transaction: Transaction, { headers, reads, cookies }: KnownRequest): boolean {
    const { headers: fields, framing } = transaction.http.request
    const hasMore = framing.kind !== 'none'
    let hasOtherCookies = false
    for (let at = 0; at < fields.length; at += 1) {
      const field = fields[at]
      if (field === headers[at]) continue
      const { name, nameLower, value } = field
      if (name !== headers[at].name) return false
      if (value === headers[at].value) continue
      if (reads.fields.has(nameLower)) return false
      this.#parts |= OF_FIELDS
      // Where more phases are to come what is found out of the value is kept with it.
      const isShared = hasMore && !this.#isOfKnown
      const text = this.#isOfKnown ? headers[at].value : value
      this.#push(
        FIELDS,
        isShared ? valuesOf(transaction, FIELDS[0])[at] : new Entry(name, text, nameLower),
      )
      if (nameLower === 'cookie') hasOtherCookies = true
    }
    if (!hasOtherCookies) return true
    return this.#compareValues(COOKIE_VALUES, valuesOf(transaction, COOKIES), cookies, OF_COOKIES)
  }

  #compareArguments(transaction: Transaction, request: KnownRequest): boolean {
    const entries = queryArguments(transaction)
    return (
      transaction.hasUrlencodedError === request.hasUrlencodedError &&
      this.#compareValues(ARGUMENTS, entries, request.queryArguments, OF_ARGUMENTS)
    )
  }

  #compareValues(
    collections: readonly Collection[],
    entries: readonly Entry[],
    known: readonly Entry[],
    part: number,
  ): boolean {
    if (entries.length !== known.length) return false
    for (let at = 0; at < entries.length; at += 1) {
      if (entries[at].name !== known[at].name) return false
      if (entries[at].value === known[at].value) continue
      this.#parts |= part
      this.#push(collections, this.#isOfKnown ? copyOf(known[at]) : entries[at])
    }
    return true
  }

  #push(collections: readonly Collection[], text: Entry): void {
    for (let at = 0; at < collections.length; at += 1) {
      this.#collections[this.#count] = collections[at]
      this.#texts[this.#count] = text
      this.#count += 1
    }
  }

  /** True when no rule may match a text that differs. */
  #isQuiet(transaction: Transaction, request: KnownRequest): boolean {
    // Arguments are where attacks are: then the target need not be looked at.
    if (!this.#areQuiet(request)) return false
    if ((this.#parts & OF_TARGET) === 0) return true
    this.#count = 0
    for (let at = 0; at < TARGET_TEXTS.length; at += 1) {
      const collection = TARGET_TEXTS[at]
      this.#collections[this.#count] = collection
      this.#texts[this.#count] = this.#isOfKnown
        ? new Entry('', request.targetTexts[at], '')
        : valuesOf(transaction, collection)[0]
      this.#count += 1
    }
    return this.#areQuiet(request)
  }

  /** True when no rule may match one of the texts that were listed. */
  #areQuiet({ triedIn }: KnownRequest): boolean {
    // Arguments were listed last.
    for (let at = this.#count - 1; at >= 0; at -= 1) {
      const collection = this.#collections[at]
      const text = this.#texts[at]
      if (!this.#gate.isQuiet(collection, text)) return false
      const tried = triedIn[collection.id]
      if (tried === undefined) continue
      for (let index = 0; index < tried.length; index += 1) {
        const { link, part } = tried[index]
        if (isPartValue(part, text) && this.#gate.satisfies(link, text)) return false
      }
    }
    return true
  }

  #next(transaction: Transaction, phase: number, run: RepeatedRun): KnownRun | null {
    const { at, request } = run
    if (phase === 1) return request?.first ?? null
    if (at === null) return null
    if (phase !== 3) return phase === 4 ? this.#withBody(transaction, run) : at.after(phase)
    const { response } = transaction.http
    if (response === null) return null
    for (let index = 0; index < at.answered.length; index += 1) {
      const answered = at.answered[index]
      if (this.#isLikeAnswer(response, answered.response!, request!.reads)) {
        run.parts |= this.#parts
        return answered
      }
    }
    return null
  }

  /** The run of phase 4, if the body is as the one before, or no rule may match it. */
  #withBody(transaction: Transaction, run: RepeatedRun): KnownRun | null {
    const { request } = run
    const next = run.at?.after(4) ?? null
    if (next === null || request === null) return null
    if (isLikeBody(transaction, next.body)) {
      if (transaction.responseBodyLatin1 === next.body.text) return next
      if ((request.reads.parts & OF_RESPONSE_BODY) === 0) {
        this.#count = 0
        this.#push(RESPONSE_BODY, valuesOf(transaction, RESPONSE_BODY[0])[0])
        if (this.#areQuiet(request)) {
          run.parts |= OF_RESPONSE_BODY
          return next
        }
      }
    }
    run.request = null
    return null
  }

  #isLikeAnswer(response: HttpResponseHead, known: HttpResponseHead, reads: RunReads): boolean {
    const { headers } = response
    this.#parts = 0
    if (response === known) return true
    if (response.line !== known.line || headers.length !== known.headers.length) return false
    for (let at = 0; at < headers.length; at += 1) {
      const field = headers[at]
      if (field === known.headers[at]) continue
      const { name, nameLower, value } = field
      if (name !== known.headers[at].name) return false
      if (value === known.headers[at].value) continue
      if ((reads.parts & OF_RESPONSE_FIELDS) !== 0 || reads.responseFields.has(nameLower)) {
        return false
      }
      if (!this.#gate.isQuiet(RESPONSE_HEADERS, new Entry(name, value, nameLower))) return false
      this.#parts = OF_RESPONSE_FIELDS
    }
    return true
  }
}

/** True when all that the phase may look at, and that can be compared, has been. */
function isComparable(transaction: Transaction, phase: number, { at }: RepeatedRun): boolean {
  const { response } = transaction.http
  if (hasBody(transaction)) return false
  if (phase === 5) {
    if (at === null || !isLikeBody(transaction, at.body)) return false
  } else if (phase !== 4 && !isLikeBody(transaction, NO_BODY)) return false
  if (phase <= 2) return response === null
  if (phase === 3) return response !== null
  return (response === null) === ((at?.response ?? null) === null)
}

const NO_BODY: AnswerBody = { text: '', isInflated: false, hasError: false }
