import { isDeepStrictEqual } from 'node:util'
import type { Redis } from 'ioredis'
import { ApiError } from '#chain/errors.ts'
import { chainsNaming, type DesiredState } from '#chain/model/desired.ts'
import { bundleKey } from '#chain/model/redis-keys.ts'
import type { InstalledVersion, RuleSet } from '#chain/model/rule-set.ts'
import type { Attachment } from '#chain/model/attachment.ts'
import { viewAttachment } from '#chain/plan/attachment-view.ts'
import type { HostDirectory } from '#chain/plan/host-directory.ts'
import type { Planner } from '#chain/plan/planner.ts'
import { waitFor } from '#chain/plan/wait.ts'
import { reachable } from '#chain/store/connection.ts'
import type { Actor, DesiredStore } from '#chain/store/desired-store.ts'
import type { RuleCheckReport } from '#signatures/check/rule-report.ts'
import { refusalOf, rolledBack, withActive, withRenewed, withVersion } from './change-rule-set.ts'
import type { BundleChecker } from './checked-bundle.ts'

/** How long an activation is watched for workers that refuse it. */
export const ACTIVATION_WATCH_MS = 60_000

export interface RuleSetsOptions {
  readonly redis: Redis
  readonly store: DesiredStore
  readonly planner: Planner
  readonly hosts: HostDirectory
  readonly check: BundleChecker
  readonly log: (message: string) => void
}

/** What an upload is answered with. */
export interface Installed {
  readonly version: InstalledVersion
  readonly report: RuleCheckReport
  /** False when the very same content was installed before. */
  readonly isNew: boolean
}

/** What became of an activation within the time that was given. */
export interface Activation {
  readonly ruleSet: RuleSet
  /** Empty when every attachment that uses the set runs it. */
  readonly pending: readonly string[]
}

interface Outcome {
  readonly refused: readonly string[]
  readonly pending: readonly string[]
}

/** Rule sets: installed versions, the active one, and the way from one to another. */
export class RuleSets {
  readonly #options: RuleSetsOptions
  /** Activation that is being watched, by rule set; a later one ends the earlier's watch. */
  readonly #watches = new Map<string, AbortController>()

  constructor(options: RuleSetsOptions) {
    this.#options = options
  }

  /** Checks an upload and stores it as a version of `name`. Idempotent by content. */
  async install(actor: Actor, name: string, bytes: Uint8Array): Promise<Installed> {
    const { redis, store, check } = this.#options
    const { bundle, report } = await check(bytes)
    if (report.accepted === 0) throw nothingLoads(report)
    // Content-addressed: a bundle whose record is never written is found again by the next upload.
    await reachable(redis.set(bundleKey(bundle.sha256), bundle.bytes))
    const version: InstalledVersion = {
      name,
      version: bundle.version,
      sha256: bundle.sha256,
      installedAt: new Date().toISOString(),
      bytes: bundle.bytes.length,
      accepted: report.accepted,
      rejected: report.rejected,
      refusal: refusalOf(report),
    }
    const { state, result } = await store.change(actor, (state) => {
      const before = state.ruleSets.get(name)?.value
      const known = before?.versions.find((installed) => installed.sha256 === bundle.sha256)
      if (before !== undefined && known !== undefined) {
        // Later engines may judge the same rules otherwise: what they say now counts.
        const renewed = { ...version, installedAt: known.installedAt }
        const write = isDeepStrictEqual(known, renewed)
          ? null
          : ({
              kind: 'rule-set',
              key: name,
              value: withRenewed(before, renewed),
              action: 'check',
            } as const)
        return { write, result: { version: renewed, dropped: [], isNew: false } }
      }
      const value = withVersion(state, name, version)
      const kept = new Set(value.versions.map((installed) => installed.sha256))
      const dropped = (before?.versions ?? []).filter(({ sha256 }) => !kept.has(sha256))
      const write = { kind: 'rule-set', key: name, value, action: 'install' } as const
      return { write, result: { version, dropped, isNew: true } }
    })
    await this.#dropBundles(state, result.dropped)
    return { version: result.version, report: listed(report), isNew: result.isNew }
  }

  /** A bundle may be a version of several rule sets: it goes with the last. */
  async #dropBundles(state: DesiredState, dropped: readonly InstalledVersion[]): Promise<void> {
    const used = new Set(
      [...state.ruleSets.values()].flatMap(({ value }) =>
        value.versions.map((installed) => installed.sha256),
      ),
    )
    const unused = dropped.map(({ sha256 }) => sha256).filter((sha256) => !used.has(sha256))
    if (unused.length > 0) await reachable(this.#options.redis.del(unused.map(bundleKey)))
  }

  /** @throws ApiError `rule-set-refused` when workers do not load it; the version before is back */
  async activate(actor: Actor, name: string, version: string, waitMs: number): Promise<Activation> {
    return this.#switch(actor, name, 'activate', waitMs, (set) => withActive(set, version))
  }

  /** @throws ApiError as `activate` does, and `conflict` when there is nothing to go back to */
  async rollback(actor: Actor, name: string, waitMs: number): Promise<Activation> {
    return this.#switch(actor, name, 'rollback', waitMs, rolledBack)
  }

  async #switch(
    actor: Actor,
    name: string,
    action: string,
    waitMs: number,
    change: (ruleSet: RuleSet) => RuleSet,
  ): Promise<Activation> {
    const { store, planner } = this.#options
    const failedBefore = new Set(this.#failures(await store.load(), name).keys())
    const { state, result } = await store.change(actor, (state) => {
      const before = state.ruleSets.get(name)?.value
      if (before === undefined) throw new ApiError('not-found', `no rule set ${name} is installed`)
      const after = change(before)
      const isSame = after === before
      const write = isSame ? null : ({ kind: 'rule-set', key: name, value: after, action } as const)
      return { write, result: { before, after } }
    })
    const settled = await planner.settle()
    this.#watches.get(name)?.abort()
    const watch = new AbortController()
    this.#watches.set(name, watch)
    const outcome = this.#watch(settled, name, failedBefore, Math.max(waitMs, 1), watch.signal)
    const { refused, pending } = await outcome
    if (refused.length > 0) throw await this.#revert(actor, result.before, result.after, refused)
    if (pending.length === 0) this.#watches.delete(name)
    else this.#watchOn(actor, settled, result, failedBefore, watch.signal)
    return { ruleSet: state.ruleSets.get(name)!.value, pending }
  }

  /** Goes on watching after the answer was given: workers may refuse later. */
  #watchOn(
    actor: Actor,
    state: DesiredState,
    { before, after }: { before: RuleSet; after: RuleSet },
    failedBefore: ReadonlySet<string>,
    signal: AbortSignal,
  ): void {
    void this.#watch(state, after.name, failedBefore, ACTIVATION_WATCH_MS, signal)
      .then(async ({ refused }) => {
        if (refused.length > 0) await this.#revert(actor, before, after, refused)
      })
      .catch((error: unknown) => this.#options.log(`watching ${after.name}: ${String(error)}`))
  }

  async #watch(
    state: DesiredState,
    name: string,
    failedBefore: ReadonlySet<string>,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const look = () => {
      const failures = this.#failures(state, name)
      const refused = [...failures].flatMap(([id, reason]) =>
        failedBefore.has(id) ? [] : `${id}: ${reason}`,
      )
      const pending = this.#pending(state, name)
      return { isDone: refused.length > 0 || pending.length === 0, seen: { refused, pending } }
    }
    return (await waitFor(this.#options.hosts, look, timeoutMs, signal)).seen
  }

  async #revert(
    actor: Actor,
    before: RuleSet,
    after: RuleSet,
    refused: readonly string[],
  ): Promise<ApiError> {
    const { store, planner, log } = this.#options
    await store.change(actor, (state) => {
      const now = state.ruleSets.get(after.name)?.value
      if (now === undefined || now.active !== after.active) return { write: null, result: null }
      const value: RuleSet = { ...now, active: before.active, history: before.history }
      const write = { kind: 'rule-set', key: after.name, value, action: 'revert' } as const
      return { write, result: null }
    })
    planner.trigger()
    const detail =
      `workers do not load ${after.name}@${after.active}: ${refused[0]}; ` +
      (before.active === null ? 'no version is active' : `${before.active} is active again`)
    log(detail)
    return new ApiError('rule-set-refused', detail, {
      errors: refused.map((reason) => ({ pointer: '/version', detail: reason })),
    })
  }

  /** Attachments that use the set and that an agent reports as failed, with the reason. */
  #failures(state: DesiredState, name: string): Map<string, string> {
    const failures = new Map<string, string>()
    for (const { attachment, view } of this.#views(state, name)) {
      if (view.state !== 'failed') continue
      failures.set(`${attachment.tenant}/${attachment.id}`, view.reason ?? 'no reason given')
    }
    return failures
  }

  /** Attachments that use the set, are on some host, and do not run it yet. */
  #pending(state: DesiredState, name: string): string[] {
    return this.#views(state, name).flatMap(({ attachment, view, isPlaced }) =>
      view.state === 'pending' && isPlaced
        ? `${attachment.id}: ${view.reason ?? 'no reason given'}`
        : [],
    )
  }

  #views(state: DesiredState, name: string) {
    const { hosts, planner } = this.#options
    const known = hosts.all()
    return attachmentsUsing(state, name).map((attachment) => ({
      attachment,
      view: viewAttachment(attachment, state, known, (host) => planner.of(host)),
      isPlaced: known.some(
        ({ host, status }) =>
          status !== null && planner.of(host)?.since.has(`${attachment.tenant}/${attachment.id}`),
      ),
    }))
  }
}

/** Attachments whose chain names a rule set. */
function attachmentsUsing(state: DesiredState, name: string): Attachment[] {
  const chains = new Set(
    chainsNaming(state, name).map(({ tenant, chain }) => `${tenant}/${chain.name}`),
  )
  return [...state.attachments.values()]
    .map((stored) => stored.value)
    .filter(({ tenant, chain }) => chains.has(`${tenant}/${chain}`))
}

/** Rejections that the error's own list names; the report has more of them. */
const MAX_ERROR_ITEMS = 20

function nothingLoads(report: RuleCheckReport): ApiError {
  const reasons = report.rejections
    .slice(0, MAX_ERROR_ITEMS)
    .map(({ file, line, column, reason }) => `${file}:${line}:${column}: ${reason}`)
  const first = reasons[0] ?? 'there is none in it'
  return new ApiError('rule-set-refused', `no rule can be loaded, nothing is stored: ${first}`, {
    errors: reasons.map((detail) => ({ pointer: '', detail })),
    extensions: { report: listed(report) },
  })
}

/** Rejections that an upload's answer lists; `rejected` is always the full count. */
const MAX_ANSWERED_REJECTIONS = 1000

function listed(report: RuleCheckReport): RuleCheckReport {
  return { ...report, rejections: report.rejections.slice(0, MAX_ANSWERED_REJECTIONS) }
}
