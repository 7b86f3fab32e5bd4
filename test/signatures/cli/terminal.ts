import { runSignatures } from '#signatures/cli/run.ts'
import type { SecLangCompiler } from '#signatures/check/check-seclang.ts'

export interface Outcome {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** Runs one command line in this process and collects what it writes. */
export async function run(
  words: readonly string[],
  options: {
    readonly isTTY?: boolean
    readonly color?: boolean
    readonly signal?: AbortSignal
    readonly compile?: SecLangCompiler
  } = {},
): Promise<Outcome> {
  const { isTTY = false, color = false, signal = new AbortController().signal, compile } = options
  let out = ''
  let err = ''
  const status = await runSignatures(
    words,
    {
      out: { isTTY, write: (text) => (out += text) },
      err: { isTTY, columns: 80, write: (text) => (err += text) },
      color,
      signal,
    },
    compile,
  )
  return { status, out, err }
}
