import { createWaf } from '#inspectors/waf/waf.ts'

/**
 * Time to read and compile rules in a process of its own. Prints {ms, rules}.
 *
 * usage: waf-load.ts RULES SETUP
 */
const [rules, setup] = process.argv.slice(2)
const startedAt = performance.now()
const waf = createWaf({
  mode: 'block',
  rulePaths: [rules],
  setupPaths: [setup],
  settings: { paranoia: 1 },
})
const ms = performance.now() - startedAt
console.log(JSON.stringify({ ms, rules: waf.ruleCount }))
