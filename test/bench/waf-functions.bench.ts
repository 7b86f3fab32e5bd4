import { buildAutomaton } from '#inspectors/matching/aho-corasick.ts'
import { detectSqlInjection } from '#inspectors/waf/libinjection/sqli.ts'
import { detectXss } from '#inspectors/waf/libinjection/xss.ts'
import { TRANSFORMATIONS } from '#inspectors/waf/transformations/registry.ts'
import { compilePattern } from '#signatures/pcre/compile.ts'
import { SECLANG_OPTIONS } from '#signatures/pcre/pattern.ts'

/**
 * Cost of the functions a WAF value goes through, on one core. Prints one JSON line per case, and stops when
 * a case gives another answer than it should.
 *
 *     node test/bench/waf-functions.bench.ts [seconds per case]
 */

const PLAIN = 'john.doe@example.com'
const SENTENCE = "O'Brien & Sons; please select items by Friday, the rest later"
const ATTACK = '1%27%20UNION%20ALL%20SELECT%201,table_name%20FROM%20information_schema.tables--%20-'
const SCRIPT = '<img src="x" onerror="alert(String.fromCharCode(88,83,83))">'

const CHAIN = [
  'utf8toUnicode',
  'urlDecodeUni',
  'htmlEntityDecode',
  'jsDecode',
  'cssDecode',
  'removeNulls',
]
  .map((name) => TRANSFORMATIONS.get(name.toLowerCase()))
  .filter((transformation) => transformation !== undefined)

function transform(value: string): string {
  let result = value
  for (const transformation of CHAIN) result = transformation.apply(result)
  return result
}

const WORDS = Array.from(
  { length: 25_000 },
  (_, index) => `w${(index * 7919) % 1_000_003}x${index % 97}`,
)
const automaton = buildAutomaton(WORDS, { ignoreCase: true })
const found = new Uint32Array((WORDS.length >> 5) + 1)
const TEXT = `${SENTENCE} ${ATTACK} `.repeat(400)

function pattern(source: string): (value: string) => boolean {
  const result = compilePattern(source, SECLANG_OPTIONS)
  if (!result.ok) throw new Error(`${source}: ${result.message}`)
  return (value) => result.pattern.test(value)
}

const linear = pattern('(?i)\\bunion\\b.{0,12}?\\bselect\\b')
const counted = pattern('(?i)union.{1,100}?select')
const budget = pattern('(?i)([\'"]).*?\\1\\s*(?=or\\b)')

interface Case {
  readonly name: string
  readonly bytes: number
  readonly run: () => unknown
  readonly expected: unknown
}

const CASES: readonly Case[] = [
  { name: 'transform plain', bytes: PLAIN.length, run: () => transform(PLAIN), expected: PLAIN },
  {
    name: 'transform encoded',
    bytes: ATTACK.length,
    run: () => transform(ATTACK).includes("' UNION ALL"),
    expected: true,
  },
  { name: 'sqli plain', bytes: PLAIN.length, run: () => detectSqlInjection(PLAIN), expected: null },
  {
    name: 'sqli sentence',
    bytes: SENTENCE.length,
    run: () => detectSqlInjection(SENTENCE),
    expected: null,
  },
  {
    name: 'sqli attack',
    bytes: ATTACK.length,
    run: () => detectSqlInjection(transform(ATTACK)),
    expected: 'sUE1k',
  },
  { name: 'xss sentence', bytes: SENTENCE.length, run: () => detectXss(SENTENCE), expected: false },
  { name: 'xss attack', bytes: SCRIPT.length, run: () => detectXss(SCRIPT), expected: true },
  {
    name: 'automaton 25k patterns',
    bytes: TEXT.length,
    run: () => automaton.markString(TEXT, found),
    expected: 0,
  },
  { name: 'pattern linear', bytes: SENTENCE.length, run: () => linear(SENTENCE), expected: false },
  { name: 'pattern re2', bytes: SENTENCE.length, run: () => counted(SENTENCE), expected: false },
  { name: 'pattern budget', bytes: SENTENCE.length, run: () => budget(SENTENCE), expected: false },
]

const seconds = Number(process.argv[2] ?? 0.5)

for (const { name, bytes, run, expected } of CASES) {
  const answer = run()
  if (answer !== expected) throw new Error(`${name}: ${String(answer)}, not ${String(expected)}`)
  const until = performance.now() + seconds * 1000
  const batch = Math.max(1, Math.floor(20_000 / bytes))
  let runs = 0
  const startedAt = performance.now()
  while (performance.now() < until) {
    for (let count = 0; count < batch; count += 1) run()
    runs += batch
  }
  const elapsedMs = performance.now() - startedAt
  const nsPerRun = (elapsedMs * 1e6) / runs
  const megabytes = bytes / nsPerRun
  console.log(
    JSON.stringify({
      name,
      nsPerRun: Math.round(nsPerRun),
      mbPerSecond: Math.round(megabytes * 1000),
    }),
  )
}
