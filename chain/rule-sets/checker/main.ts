import { parentPort, workerData } from 'node:worker_threads'
import { compileRules } from '#inspectors/waf/compile/compile.ts'
import { packBundle } from '#signatures/bundle/pack-bundle.ts'
import { unpackBundle } from '#signatures/bundle/unpack-bundle.ts'
import { checkRuleFiles } from '#signatures/check/check-rule-files.ts'
import type { SecLangCompiler } from '#signatures/check/check-seclang.ts'
import { SignatureError } from '#signatures/errors.ts'
import { Diagnostics } from '#signatures/seclang/diagnostic.ts'
import type { CheckAnswer } from '../check-answer.ts'

/**
 * Thread of `check-in-thread.ts`: unpacks an upload, packs it anew in the one canonical form, and
 * checks its rules. It composes: what the WAF's own compiler refuses here, no worker has to.
 */

const compile: SecLangCompiler = (ruleSet, files) => {
  const diagnostics = new Diagnostics()
  compileRules(ruleSet, files, [], diagnostics)
  return diagnostics.list
}

async function check(upload: Uint8Array): Promise<CheckAnswer> {
  try {
    const files = await unpackBundle(upload)
    const bundle = await packBundle(files)
    return { ok: true, checked: { bundle, report: checkRuleFiles(files, compile) } }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { ok: false, isRefusal: error instanceof SignatureError, reason }
  }
}

// A thread's port has no origin.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
parentPort?.postMessage(await check(workerData as Uint8Array))
