import { runSignatures } from './cli/run.ts'
import { wantsColor } from './config.ts'

/** `portcullis signatures`: the rule content on its way from a folder to the hypervisors. */
const interruption = new AbortController()
process.once('SIGINT', () => interruption.abort())
process.once('SIGTERM', () => interruption.abort())

process.exitCode = await runSignatures(process.argv.slice(2), {
  out: process.stdout,
  err: process.stderr,
  color: process.stdout.isTTY && wantsColor(),
  signal: interruption.signal,
})
