import { Command } from 'commander'
import { missingForEndToEnd } from '#test/requirements.ts'
import { Stage } from '#test/stage/stage.ts'
import { Narrator } from './narrator.ts'
import { emptyResult } from './result.ts'
import {
  addedLatency,
  attachChain,
  attackRequests,
  benignRequests,
  type Demo,
  detach,
  directPath,
  establishedConnection,
  idsSignature,
  listAlerts,
  workerKill,
} from './steps.ts'

/** `portcullis demo`: the whole product on a private switch, step by step, and everything gone after. */

const INTERRUPTED = 130

async function main(): Promise<number> {
  const command = new Command('portcullis demo')
    .description(
      'a private Open vSwitch with two guests; a chain is attached through the API, attacked, detached',
    )
    .option('--json', 'print one object with the results on standard output')
    .option('--keep', 'attach again at the end and leave everything running until Ctrl-C')
    .parse()
  const options = command.opts<{ json?: boolean; keep?: boolean }>()
  const missing = missingForEndToEnd()
  if (missing !== null) {
    console.error(`portcullis demo: ${missing}`)
    return 1
  }
  const narrator = new Narrator(options.json === true ? process.stderr : process.stdout)
  const stage = new Stage({
    say: (step) => narrator.say(`starting ${step}`),
    leavesSignals: true,
  })
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => resolve('interrupted'))
  })
  const result = emptyResult()
  const work = play(stage, narrator, result, options.keep === true)
  // After Ctrl-C whatever step was under way fails; that is no news.
  work.catch(() => {})
  try {
    const end = await Promise.race([work, interrupted])
    if (end === 'interrupted') return INTERRUPTED
    if (options.json === true) process.stdout.write(`${JSON.stringify(result)}\n`)
    if (options.keep === true) await interrupted
    return narrator.failed > 0 ? 1 : 0
  } catch (error) {
    narrator.step(false, error instanceof Error ? error.message : String(error))
    return 1
  } finally {
    narrator.say('taking everything down')
    await stage.stop()
  }
}

async function play(
  stage: Stage,
  narrator: Narrator,
  result: Demo['result'],
  keep: boolean,
): Promise<void> {
  await stage.start()
  const client = await stage.addWebAndLaptop()
  const demo: Demo = { stage, client, narrator, result }

  const directMs = await directPath(demo)
  const older = await attachChain(demo)
  await benignRequests(demo)
  await establishedConnection(demo, older)
  await addedLatency(demo, directMs)
  await attackRequests(demo)
  await idsSignature(demo)
  await workerKill(demo)
  await detach(demo)
  await listAlerts(demo)
  narrator.say(narrator.failed === 0 ? 'every step holds' : `${narrator.failed} steps failed`)
  if (!keep) return
  await stage.attach('shop-web', 'web', 'shop')
  narrator.say(`left running until Ctrl-C: API ${stage.api.url} token ${stage.api.token}`)
  narrator.say(`logs and data: ${stage.folder}`)
}

process.exitCode = await main()
process.exit()
