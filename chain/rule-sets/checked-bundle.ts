import type { Bundle } from '#signatures/bundle/bundle.ts'
import type { RuleCheckReport } from '#signatures/check/rule-report.ts'

/** An upload in its one canonical form, and what the engines say of its rules. */
export interface CheckedBundle {
  readonly bundle: Bundle
  readonly report: RuleCheckReport
}

/**
 * Unpacks and checks an upload (tar.gz).
 *
 * @throws ApiError `rule-set-refused` when it is not a bundle within the bounds
 */
export type BundleChecker = (bytes: Uint8Array) => Promise<CheckedBundle>
