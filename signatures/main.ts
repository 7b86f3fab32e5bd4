import { compileRules } from '#inspectors/waf/compile/compile.ts'
import type { SecLangCompiler } from './check/check-seclang.ts'
import { runSignatures } from './cli/run.ts'
import { wantsColor } from './config.ts'
import { Diagnostics } from './seclang/diagnostic.ts'

/** `portcullis signatures`: the rule content on its way from a folder to the hypervisors. */
const interruption = new AbortController()
process.once('SIGINT', () => interruption.abort())
process.once('SIGTERM', () => interruption.abort())

/** The WAF's own compiler, so that `check` says what a worker would say. */
const compile: SecLangCompiler = (ruleSet, files) => {
  const diagnostics = new Diagnostics()
  compileRules(ruleSet, files, [], diagnostics)
  return diagnostics.list
}

process.exitCode = await runSignatures(
  process.argv.slice(2),
  {
    out: process.stdout,
    err: process.stderr,
    color: process.stdout.isTTY && wantsColor(),
    signal: interruption.signal,
  },
  compile,
)
