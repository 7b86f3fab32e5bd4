import { createIds } from '#inspectors/ids/ids.ts'

/**
 * Time and memory to read and compile rules in a process of its own. Prints {seconds, rules, rssMiB}.
 *
 * usage: ids-load.ts RULES
 */
const startedAt = performance.now()
const ids = createIds({ mode: 'detect', rulePaths: [process.argv[2]], packets: true })
const seconds = (performance.now() - startedAt) / 1000
const rssMiB = process.resourceUsage().maxRSS / 1024
console.log(JSON.stringify({ seconds, rules: ids.ruleCount, rssMiB }))
