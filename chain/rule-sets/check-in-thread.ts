import { Worker } from 'node:worker_threads'
import { ApiError } from '#chain/errors.ts'
import type { CheckAnswer } from './check-answer.ts'
import type { CheckedBundle } from './checked-bundle.ts'

/** Longest check of one upload; tens of thousands of rules take seconds. */
export const CHECK_DEADLINE_MS = 90_000
/** Memory one check may take; a hostile upload ends its thread, not the manager. */
const CHECK_MEMORY_MB = 1536

/**
 * Checks an upload in a thread of its own: the API goes on answering meanwhile, and rules that would
 * take the parser for ever or all memory cost no more than the bounds above.
 *
 * @throws ApiError `rule-set-refused`
 */
export async function checkInThread(upload: Uint8Array): Promise<CheckedBundle> {
  const worker = new Worker(new URL('checker/main.ts', import.meta.url), {
    workerData: upload,
    resourceLimits: { maxOldGenerationSizeMb: CHECK_MEMORY_MB },
    stdout: false,
    stderr: false,
  })
  const { promise, resolve, reject } = Promise.withResolvers<CheckAnswer>()
  const refuse = (reason: string): void => reject(new ApiError('rule-set-refused', reason))
  const timer = setTimeout(
    () => refuse(`checking it took longer than ${CHECK_DEADLINE_MS / 1000} seconds`),
    CHECK_DEADLINE_MS,
  )
  worker.once('message', resolve)
  worker.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
      refuse(`checking it took more than ${CHECK_MEMORY_MB} MiB`)
    } else reject(error)
  })
  worker.once('exit', () => refuse('the check ended without an answer'))
  try {
    const answer = await promise
    if (answer.ok) return withBuffer(answer.checked)
    if (answer.isRefusal) throw new ApiError('rule-set-refused', answer.reason)
    throw new Error(`checking a rule set failed: ${answer.reason}`)
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}

/** A Buffer that crosses threads arrives as a plain Uint8Array. */
function withBuffer({ bundle, report }: CheckedBundle): CheckedBundle {
  const { buffer, byteOffset, byteLength } = bundle.bytes
  return { bundle: { ...bundle, bytes: Buffer.from(buffer, byteOffset, byteLength) }, report }
}
