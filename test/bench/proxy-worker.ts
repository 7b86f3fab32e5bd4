import net from 'node:net'
import hyperid from 'hyperid'
import type { ChainInspector } from '#chain/model/chain.ts'
import { newHopCounters } from '#inspectors/chain/counters.ts'
import type { Hop } from '#inspectors/chain/hop.ts'
import { RateLimit } from '#inspectors/chain/rate-limit.ts'
import { PASS, type Inspector } from '#inspectors/inspector.ts'
import { newProxyCounters } from '#inspectors/proxy/flow-services.ts'
import { ProxyServer } from '#inspectors/proxy/proxy-server.ts'
import { bindListeningSocket } from '#inspectors/supervisor/listening-socket.ts'
import { createInspector } from '#inspectors/worker/create-inspector.ts'

/**
 * One proxy process for `proxy.bench.ts`: `splice` relays with the fewest lines that do it, `empty` is an
 * empty chain, `pass` parses for an inspector that lets all pass, and JSON is a list of inspectors
 * with absolute rule paths. Reports the CPU time it used since it was last asked.
 */
const [, , kind = 'empty', upstreamText = ''] = process.argv
const upstreamPort = Number(upstreamText)

const passing: Inspector = {
  type: 'waf',
  mode: 'block',
  ruleCount: 0,
  open: () => ({
    bytes: () => PASS,
    requestHead: () => PASS,
    holdsRequestBody: () => true,
    requestBody: () => PASS,
    requestEnd: () => PASS,
    responseHead: () => PASS,
    holdsResponseBody: () => false,
    responseBody: () => PASS,
    responseEnd: () => PASS,
    transactionEnd: () => PASS,
    close: () => PASS,
  }),
}

type BenchEntry = ChainInspector & { readonly setup?: string }

function inspectorsOf(text: string): readonly Inspector[] {
  if (text === 'empty') return []
  if (text === 'pass') return [passing]
  return (JSON.parse(text) as readonly BenchEntry[]).map(
    (entry) =>
      createInspector({
        entry,
        rulePaths: entry.rules,
        setupPaths: entry.setup === undefined ? [] : [entry.setup],
        tenant: 'bench',
        chain: 'bench',
        kind: 'streams',
      }).inspector,
  )
}

async function startProxy(): Promise<number> {
  const hops: Hop[] = inspectorsOf(kind).map((inspector) => ({
    inspector,
    onFailure: 'closed',
    counters: newHopCounters(),
    context: {
      tenant: 'bench',
      port: 'bench',
      attachment: 'bench',
      chain: 'bench',
      inspector: inspector.type,
    },
  }))
  const nextId = hyperid({ urlSafe: true, fixedLength: true })
  let flowId = 0
  const proxy = new ProxyServer({
    services: {
      sink: { isPending: false, alert: () => {}, flush: () => {} },
      http: { nextId, now: Date.now },
      heldBudget: { bytes: 0 },
      counters: newProxyCounters(),
      violationAlerts: new RateLimit(60_000),
      failureAlerts: new RateLimit(60_000),
    },
    upstream: { host: '127.0.0.1', port: upstreamPort },
    route: () => hops,
    nextConnectionId: nextId,
    nextFlowId: () => flowId++,
  })
  const socket = bindListeningSocket('127.0.0.1', 0)
  await proxy.listen(socket.fd)
  return socket.port
}

async function startSplice(): Promise<number> {
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const target = net.connect({
      host: '127.0.0.1',
      port: upstreamPort,
      noDelay: true,
      allowHalfOpen: true,
    })
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      from.on('error', () => to.destroy())
      from.on('data', (chunk: Buffer) => {
        if (!to.write(chunk)) from.pause()
      })
      from.on('end', () => to.end())
      to.on('drain', () => from.resume())
    }
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return (server.address() as net.AddressInfo).port
}

let before = process.cpuUsage()
process.on('message', () => {
  const used = process.cpuUsage(before)
  before = process.cpuUsage()
  process.send?.({ cpuMicros: used.user + used.system, rssBytes: process.memoryUsage().rss })
})
process.on('disconnect', () => process.exit())
process.send?.({ port: await (kind === 'splice' ? startSplice() : startProxy()) })
