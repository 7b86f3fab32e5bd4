import type { GuestClient } from '#test/stage/guest-client.ts'
import { CLIENT, SERVER, type Stage } from '#test/stage/stage.ts'
import { waitUntil } from '#test/topology/wait-until.ts'
import type { Narrator } from './narrator.ts'
import { ATTACKS, BENIGN } from './requests.ts'
import type { DemoResult } from './result.ts'

const PORT = 80
const ATTACHMENT = 'shop-web'
/** Requests from which a median is taken. */
const SAMPLES = 200
/** What the IDS has a rule for and the WAF has none: a password in clear text. */
const IDS_ONLY = {
  path: '/',
  headers: { authorization: 'Basic YWxpY2U6d29uZGVybGFuZA==' },
} as const

/** The longest that conntrack remembers a connection that was reset. */
const DRAIN_TIMEOUT_MS = 60_000

/** Everything a step needs. */
export interface Demo {
  readonly stage: Stage
  readonly client: GuestClient
  readonly narrator: Narrator
  readonly result: DemoResult
}

const page = { host: SERVER, port: PORT, path: '/' } as const

export async function directPath({ client, narrator }: Demo): Promise<number> {
  const { p50Ms, statuses } = await client.repeat(page, SAMPLES)
  narrator.step(
    statuses.every((status) => status === 200),
    `the client reaches the web server directly: ${SAMPLES} requests, median ${p50Ms.toFixed(2)} ms`,
  )
  return p50Ms
}

/** @returns a keep-alive connection that is older than the attachment */
export async function attachChain({ stage, client, narrator }: Demo): Promise<number> {
  const connection = await client.open(SERVER, PORT)
  await client.getOn(connection, '/before', SERVER)
  await stage.putChain({
    name: 'shop',
    inspectors: [
      { type: 'waf', mode: 'block', rules: ['baseline'], settings: { paranoia: 1 } },
      { type: 'ids', mode: 'detect', rules: ['baseline'] },
    ],
    onFailure: 'closed',
  })
  narrator.say(
    'PUT /v1/chains/shop: WAF (block), then IDS (detect), rules of our own set "baseline"',
  )
  const startedAt = performance.now()
  await stage.attach(ATTACHMENT, 'web', 'shop')
  const status = await stage.attachmentStatus(ATTACHMENT)
  narrator.step(
    status?.state === 'realized',
    `PUT /v1/attachments/${ATTACHMENT}?wait=realized: in force after ${Math.round(performance.now() - startedAt)} ms, the agent reports ${status?.effective.join(', ') ?? 'nothing'}`,
  )
  return connection
}

export async function establishedConnection(demo: Demo, connection: number): Promise<void> {
  const answer = await demo.client.getOn(connection, '/after', SERVER).catch(() => '')
  demo.result.establishedSurvived = answer.startsWith('HTTP/1.1 200')
  demo.narrator.step(
    demo.result.establishedSurvived,
    'the connection that was open before the attachment goes on',
  )
  await demo.client.close(connection)
}

export async function benignRequests({ client, narrator, result }: Demo): Promise<void> {
  const seen = new Set<string>()
  for (const { call } of BENIGN) {
    result.benign.sent++
    const answer = await client.http({ ...page, ...call }).catch(() => null)
    if (answer?.status !== 200) continue
    result.benign.ok++
    seen.add((JSON.parse(answer.body) as { client: string }).client)
  }
  narrator.step(
    result.benign.ok === result.benign.sent,
    `${result.benign.ok} of ${result.benign.sent} benign requests pass: ${BENIGN.map(({ name }) => name).join(', ')}`,
  )
  result.clientAddressPreserved = seen.size === 1 && seen.has(CLIENT)
  narrator.step(
    result.clientAddressPreserved,
    `the server sees the client's own address: ${[...seen].join(', ')}`,
  )
}

export async function addedLatency(demo: Demo, directMs: number): Promise<void> {
  const { p50Ms } = await demo.client.repeat(page, SAMPLES)
  demo.result.p50AddedMs = Number((p50Ms - directMs).toFixed(3))
  demo.narrator.step(
    Number.isFinite(p50Ms),
    `the chain adds ${demo.result.p50AddedMs} ms to the median of a request on a new connection`,
  )
}

export async function attackRequests({ stage, client, narrator, result }: Demo): Promise<void> {
  for (const { name, call } of ATTACKS) {
    result.attacks.sent++
    const answer = await client.http({ ...page, ...call }).catch(() => null)
    const id = answer?.headers['x-portcullis-request-id'] ?? ''
    const blocked = answer?.status === 403 && id !== ''
    if (blocked) result.attacks.blocked++
    const alert = !blocked
      ? undefined
      : await waitUntil(`the alert of ${name}`, async () => {
          const found = await stage.api.alerts(`&request_id=${encodeURIComponent(id)}`)
          return found.at(0)
        }).catch(() => undefined)
    narrator.step(
      blocked && alert !== undefined,
      `${name}: ${blocked ? 'blocked with 403' : `answered ${answer?.status ?? 'nothing'}`}; the id on the page finds the alert: ${alert?.alert.signature ?? 'none'}`,
    )
  }
}

export async function idsSignature({ stage, client, narrator }: Demo): Promise<void> {
  const answer = await client.http({ ...page, ...IDS_ONLY }).catch(() => null)
  const alert = await waitUntil('the alert of the IDS', async () => {
    const found = await stage.api.alerts('&inspector=ids')
    return found.at(0)
  }).catch(() => undefined)
  narrator.step(
    answer?.status === 200 && alert !== undefined,
    `a signature of the IDS alone, in mode detect: passes and is reported: ${alert?.alert.signature ?? 'none'}`,
  )
}

export async function workerKill({ stage, client, narrator, result }: Demo): Promise<void> {
  const stopLoad = await client.load({
    ...page,
    concurrency: 8,
    pauseMs: 2,
    timeoutMs: 5000,
    expect: 200,
    maxMs: 60_000,
  })
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const [victim] = await stage.workerPids()
  const killedAt = performance.timeOrigin + performance.now()
  process.kill(victim, 'SIGKILL')
  await new Promise((resolve) => setTimeout(resolve, 3000))
  const report = await stopLoad()
  const after = report.failures.filter((failure) => failure.openedAt > killedAt)
  result.workerKillFailures = after.length
  narrator.step(
    after.length === 0 && report.ok > 100,
    `worker ${victim} killed with SIGKILL under load: of ${report.sent} connections it took ${report.failures.length - after.length} with it, ${after.length} opened later failed`,
  )
}

export async function detach({ stage, client, narrator, result }: Demo): Promise<void> {
  await stage.detach(ATTACHMENT)
  const [first] = ATTACKS
  const answer = await client.http({ ...page, ...first.call }).catch(() => null)
  const isDirect = narrator.step(
    answer?.status === 200,
    `detached: the direct path is back, the ${first.name} now reaches the server (${answer?.status ?? 'no answer'})`,
  )
  const startedAt = performance.now()
  const isClean = await waitUntil(
    'the last steering flow is gone',
    async () => (await steeringFlows(stage)) === 0,
    DRAIN_TIMEOUT_MS,
  ).catch(() => false)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  narrator.step(
    isClean,
    `inspected connections were drained, no flow of ours is left after ${seconds} s`,
  )
  result.detachRestored = isDirect && isClean
}

async function steeringFlows(stage: Stage): Promise<number> {
  const flows = await stage.topology.ofctl('dump-flows', stage.topology.managementSocket)
  return flows.split('\n').filter((line) => line.includes('cookie=0x9c15')).length
}

export async function listAlerts({ stage, narrator, result }: Demo): Promise<void> {
  const alerts = await stage.api.alerts()
  result.alerts = alerts.length
  narrator.step(
    alerts.length >= ATTACKS.length + 1,
    `${alerts.length} alerts in the inbox, newest first:`,
  )
  for (const alert of alerts.slice(0, 8)) {
    narrator.say(
      `${alert.timestamp.slice(11, 23)}  ${alert.portcullis.inspector.padEnd(10)} ${alert.portcullis.verdict.padEnd(11)} ${alert.src_ip ?? '-'}  ${alert.alert.signature_id}  ${alert.alert.signature}`,
    )
  }
}
