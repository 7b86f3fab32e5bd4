import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { WafSettings } from '#chain/model/chain.ts'
import type { Program } from '#inspectors/waf/compile/program.ts'
import { RuleLibrary } from '#inspectors/waf/rule-library.ts'
import { createWaf, type Waf } from '#inspectors/waf/waf.ts'
import { idsOf, memoryFiles, send, wafOf } from './waf-of.ts'

const RULES = {
  '/rules/test.conf': `
    SecRule ARGS "@pmFromFile words.data" "id:1,phase:2,deny,msg:'one'"
    SecRule ARGS "@rx b+" "id:2,phase:2,deny,msg:'two'"`,
  '/rules/words.data': 'attack\n',
}

/** The program that a WAF runs. */
function programOf(
  library: RuleLibrary,
  texts: Record<string, string>,
  settings: WafSettings = {},
) {
  let program: Program | null = null
  const waf = wafOf('', {
    library,
    settings,
    files: memoryFiles(texts),
    onPhase: (one) => void (program = one),
  })
  send(waf, 'GET /')
  return program as Program | null
}

test('chains that name the same rules share what is compiled; equal settings share all', () => {
  const library = new RuleLibrary()
  const first = programOf(library, RULES)
  const milder = programOf(library, RULES, { excludeRules: ['2'] })
  assert.notEqual(first, milder)
  assert.equal(first?.rules, milder?.rules)
  assert.equal(first?.targetLists, milder?.targetLists)
  assert.equal(programOf(library, RULES, { excludeRules: ['2'] }), milder)
  assert.notEqual(programOf(new RuleLibrary(), RULES)?.rules, first?.rules)
})

test('rules of the same name with other content are compiled anew, data files included', () => {
  const library = new RuleLibrary()
  const first = programOf(library, RULES)
  const changed = { ...RULES, '/rules/words.data': 'other\n' }
  const second = programOf(library, changed)
  assert.notEqual(first?.rules, second?.rules)
  assert.equal(programOf(library, changed)?.rules, second?.rules)
  const waf = wafOf('', { library, files: memoryFiles(changed) })
  assert.deepEqual(idsOf(send(waf, 'GET /?a=other')), [1])
})

test('settings of one chain do not reach another that shares its rules', () => {
  const library = new RuleLibrary()
  const of = (settings: WafSettings, mode: 'block' | 'detect' = 'block'): Waf =>
    wafOf('', { library, settings, mode, files: memoryFiles(RULES) })
  const mild = of({ exclusions: [{ rule: '1', target: 'ARGS:a' }] })
  const strict = of({})
  const detecting = of({}, 'detect')
  for (let round = 0; round < 3; round += 1) {
    assert.deepEqual(idsOf(send(mild, 'GET /?a=attack')), [])
    assert.deepEqual(idsOf(send(strict, 'GET /?a=attack')), [1])
    assert.equal(send(strict, 'GET /?a=attack').status, 403)
    assert.deepEqual(idsOf(send(detecting, 'GET /?a=attackbbb')), [1, 2])
    assert.deepEqual(idsOf(send(mild, 'GET /?b=attack')), [1])
  }
})

const CRS = `${import.meta.dirname}/../../../../shared/data/crs`
const skip = existsSync(`${CRS}/rules`) ? false : 'CRS 4 is not on this machine'

/** What one more chain over rules that are loaded may cost. */
const MAX_CHAIN_BYTES = 2_000_000
const CHAINS = 20

test(
  'twenty chains with settings of their own over CRS 4 cost little more than one',
  { skip },
  (t) => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const heap = (): number => {
      collect()
      const { heapUsed, arrayBuffers, external } = process.memoryUsage()
      return heapUsed + arrayBuffers + external
    }
    const library = new RuleLibrary()
    const load = (index: number): Waf =>
      createWaf({
        mode: index % 2 === 0 ? 'block' : 'detect',
        setupPaths: [`${CRS}/crs-setup.conf.example`],
        rulePaths: [`${CRS}/rules`],
        library,
        settings: {
          paranoia: 1 + (index % 4),
          inboundThreshold: 5 + index,
          excludeRules: [String(942_100 + index)],
          excludeTags: index % 3 === 0 ? ['attack-xss'] : [],
          exclusions: [
            { tag: 'attack-sqli', target: `ARGS:field${index}` },
            { rule: '930000-934999', path: `/tenant${index}/*` },
          ],
        },
      })
    const startedAt = performance.now()
    const first = load(0)
    const firstMs = performance.now() - startedAt
    // Traffic first: what a worker keeps of it has one bound for all chains.
    const attack = "GET /?id=1'%20UNION%20SELECT%20password%20FROM%20users--%20-"
    send(first, attack, ['User-Agent: Firefox', 'Accept: */*'])
    const before = heap()
    const others: Waf[] = []
    const othersAt = performance.now()
    for (let index = 1; index <= CHAINS; index += 1) others.push(load(index))
    const eachMs = (performance.now() - othersAt) / CHAINS
    for (const waf of others) send(waf, attack, ['User-Agent: Firefox', 'Accept: */*'])
    const eachBytes = (heap() - before) / CHAINS
    t.diagnostic(
      `first ${firstMs.toFixed(0)} ms; each other ${eachMs.toFixed(1)} ms, ${(eachBytes / 1e3).toFixed(0)} kB`,
    )
    assert.ok(eachBytes < MAX_CHAIN_BYTES, `${eachBytes} bytes for one more chain`)
    assert.ok(eachMs < firstMs / 4, `${eachMs} ms, the first took ${firstMs} ms`)
    assert.ok(others.every((waf) => waf.ruleCount === first.ruleCount))
  },
)
