import { parentPort, workerData } from 'node:worker_threads'
import { packBundle } from '#signatures/bundle/pack-bundle.ts'
import { unpackBundle } from '#signatures/bundle/unpack-bundle.ts'
import { checkRuleFiles } from '#signatures/check/check-rule-files.ts'
import { SignatureError } from '#signatures/errors.ts'
import type { CheckedBundle } from './checked-bundle.ts'

/** What the thread of `check-in-thread.ts` answers. */
export type CheckAnswer =
  | { readonly ok: true; readonly checked: CheckedBundle }
  /** `isRefusal`: the upload is at fault, otherwise we are. */
  | { readonly ok: false; readonly isRefusal: boolean; readonly reason: string }

/** Unpacks, packs anew in the one canonical form, and checks. Runs as a worker thread. */
async function check(upload: Uint8Array): Promise<CheckAnswer> {
  try {
    const files = await unpackBundle(upload)
    const bundle = await packBundle(files)
    return { ok: true, checked: { bundle, report: checkRuleFiles(files) } }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { ok: false, isRefusal: error instanceof SignatureError, reason }
  }
}

// A thread's port has no origin.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
parentPort?.postMessage(await check(workerData as Uint8Array))
