import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import type { Explanation } from './explain.ts'

interface ExplainArguments {
  readonly chain: string
  readonly rule?: number
  readonly json?: boolean
}

/** Bytes of one value that the text output shows. */
const SHOWN_BYTES = 160

/**
 * `portcullis waf explain`: what every rule of a chain's WAFs makes of one request.
 *
 * @param home checkout, whose `signatures/baseline` is the rule set `baseline`
 */
export function wafCommand(home: string): Command {
  const command = new Command('waf').description('look into the WAF')
  command
    .command('explain')
    .description('show which rules match a raw HTTP request, and why')
    .requiredOption('--chain <file>', 'chain resource, JSON or YAML')
    .option('--rule <id>', 'show this rule too where it does not match', ruleId)
    .option('--json', 'print one object per WAF of the chain')
    .addHelpText('after', '\nThe request is read from standard input.')
    .action(async (options: ExplainArguments) => {
      process.exitCode = await run(options, home)
    })
  return command
}

function ruleId(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('it must be a rule id.')
  return Number(text)
}

async function run(options: ExplainArguments, home: string): Promise<number> {
  const { readChainFile } = await import('../cli/chain-file.ts')
  const { explain } = await import('./explain.ts')
  try {
    const { chain, rulePaths } = readChainFile(options.chain, home)
    const request = readFileSync(0)
    for (const entry of chain.inspectors) {
      if (entry.type !== 'waf') continue
      const explanation = explain(
        {
          mode: entry.mode,
          rulePaths: entry.rules.map((name) => rulePaths[name] ?? name),
          setupPaths: entry.setup === undefined ? [] : [rulePaths[entry.setup] ?? entry.setup],
          settings: entry.settings ?? {},
        },
        request,
        options.rule ?? null,
      )
      const text = options.json === true ? asJson(explanation) : asText(explanation, options.rule)
      process.stdout.write(`${text}\n`)
    }
    return 0
  } catch (error) {
    process.stderr.write(`portcullis waf explain: ${messageOf(error)}\n`)
    return 1
  }
}

function asJson({ outcome, hits, asked }: Explanation): string {
  return JSON.stringify({
    outcome,
    rules: hits.map((hit) => ({
      id: hit.rule.id,
      phase: hit.rule.phase,
      message: hit.msg,
      logdata: hit.logdata,
      matches: hit.matches,
      score: hit.score,
      decisive: hit.isDecisive,
      source: hit.rule.source,
    })),
    asked:
      asked === null
        ? null
        : {
            id: asked.rule.id,
            source: asked.rule.source,
            inForce: asked.isInForce,
            links: asked.links,
          },
  })
}

function asText({ outcome, hits, asked }: Explanation, ruleId: number | undefined): string {
  const lines: string[] = []
  for (const { rule, msg, matches, score, isDecisive } of hits) {
    const mark = isDecisive ? '  <- decides' : ''
    lines.push(`${rule.id}  phase ${rule.phase}  score ${score}  ${msg}${mark}`)
    for (const match of matches) {
      const steps =
        match.transformations.length === 0 ? '' : ` after ${match.transformations.join()}`
      const at = match.offset < 0 ? '' : ` at ${match.offset}`
      lines.push(`    ${match.variable}${steps}: ${shown(match.valueLatin1)}${at}`)
    }
    lines.push(`    ${rule.source}`)
  }
  if (ruleId !== undefined) {
    lines.push(`${ruleId}  ${askedState(asked)}`)
    for (const [index, link] of (asked?.links ?? []).entries()) {
      const steps = link.transformations.length === 0 ? 'as they are' : link.transformations.join()
      lines.push(`  link ${index + 1}: ${link.targets}, ${steps}`)
      if (link.values.length === 0) lines.push('    no such variable in this request')
      for (const value of link.values) {
        const answer = value.isMatch ? 'match   ' : 'no match'
        lines.push(`    ${answer}  ${value.variable} = ${shown(value.valueLatin1)}`)
      }
    }
  }
  lines.push(`outcome: ${outcome}`)
  return lines.join('\n')
}

function askedState(asked: Explanation['asked']): string {
  if (asked === null) return 'is not in the rules, or its phase did not run'
  return asked.isInForce
    ? `phase ${asked.rule.phase}, ${asked.rule.source}`
    : 'is left out by the settings (paranoia, exclusions); what it would look at:'
}

/** Bytes outside printable ASCII are escaped: requests are hostile, terminals obey them. */
function shown(valueLatin1: string): string {
  const cut = valueLatin1.slice(0, SHOWN_BYTES)
  const text = cut.replaceAll(
    /[^\x20-\x7e]/g,
    (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
  return `"${text}"${cut.length < valueLatin1.length ? '...' : ''}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
