import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import hyperid from 'hyperid'
import { Value } from 'typebox/value'
import { sortSpoolSegments } from '#chain/model/spool.ts'
import { TapConfig, type TapStatus } from '#chain/model/tap.ts'
import type { AlertEvent, HopContext } from '../chain/hop.ts'
import { RateLimit } from '../chain/rate-limit.ts'
import { serviceAlert } from '../chain/service-alert.ts'
import { flowIds } from '../eve/flow-id.ts'
import { Replay } from '../ids/capture/replay.ts'
import { createIds } from '../ids/ids.ts'
import type { Alert } from '../inspector.ts'
import { finishSegmentsOf } from '../spool/spool-writer.ts'
import { describeLoadError } from '../worker/load-error.ts'
import { AlertOutputs, spoolLossAlert } from '../worker/outputs.ts'
import { lossesIn } from './capture-losses.ts'
import { PcapStream } from './pcap-stream.ts'
import { tapObserver } from './tap-observer.ts'

/** Descriptors as `steering/tap/launch-tap.pl` leaves them: the capture, and what tcpdump says. */
const CAPTURE_FD = 3
const SAYINGS_FD = 4
/** How often the state is told and tcpdump is asked for its losses. */
const TELL_MS = 1_000
const LOSS_ALERT_INTERVAL_MS = 60_000
/** What tcpdump says once the interface is open and the filter in force. */
const LISTENING = /^tcpdump: listening on /
/** What tcpdump last said, for people. */
const MAX_WORDS = 300

export interface RunTapOptions {
  /** File with a TapConfig. */
  readonly config: string
  /** Process of the capture, asked for its losses with SIGUSR1. */
  readonly capturePid: number
}

/**
 * One mirrored port through a chain that looks and stops nothing. It ends when the capture does, which is for
 * the agent to start again, or on SIGTERM.
 *
 * @returns exit code
 */
export async function runTap({ config: path, capturePid }: RunTapOptions): Promise<number> {
  const config: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (!Value.Check(TapConfig, config)) throw new TypeError(`${path} is no configuration of a tap`)
  const status: TapStatus = {
    pid: process.pid,
    at: 0,
    state: 'loading',
    packets: 0,
    bytes: 0,
    flows: 0,
    alerts: 0,
    dropped: 0,
  }
  const tell = (): void => {
    status.at = Date.now()
    // Whole or not at all: the agent reads it at any time.
    writeFileSync(`${config.statusFile}.${process.pid}`, JSON.stringify(status))
    renameSync(`${config.statusFile}.${process.pid}`, config.statusFile)
  }
  tell()
  finishSegmentsOfTheDead(config.spoolFolder)
  const nextId = hyperid({ urlSafe: true, fixedLength: true })
  const nextFlowId = flowIds(Math.random())
  const own = (alert: Alert): void => outputs.alert(ownEvent(config, nextId(), nextFlowId(), alert))
  const outputs = new AlertOutputs(
    { spoolFolder: config.spoolFolder },
    { host: config.host, nextId, now: () => performance.timeOrigin + performance.now() },
    process.pid,
    (loss) => own(spoolLossAlert(loss)),
  )
  const replays: Replay[] = []
  try {
    for (const hop of loadHops(config)) {
      const observer = tapObserver(outputs, hop.context, () => (status.alerts += 1))
      replays.push(new Replay(hop.ids, { midstream: true, observer }))
    }
  } catch (error) {
    status.state = 'failed'
    status.reason = describeLoadError(error)
    tell()
    return 1
  }
  const lossAlerts = new RateLimit(LOSS_ALERT_INTERVAL_MS)
  let unalerted = 0
  let words = ''
  const sayings = createInterface({ input: new Socket({ fd: SAYINGS_FD, writable: false }) })
  sayings.on('error', () => {})
  sayings.on('line', (line) => {
    // Until it says so it sees nothing, and the signal that asks for its losses would end it.
    if (LISTENING.test(line) && status.state === 'loading') {
      status.state = 'running'
      tell()
      return
    }
    const losses = lossesIn(line)
    if (losses === null) {
      words = line.slice(0, MAX_WORDS)
      return
    }
    const dropped = losses.kernel + losses.interface
    unalerted += Math.max(0, dropped - status.dropped)
    status.dropped = Math.max(status.dropped, dropped)
    if (unalerted === 0 || lossAlerts.take('losses') === null) return
    own(
      serviceAlert(
        'capture-dropped',
        `${unalerted} packets of the mirrored port were dropped before they were looked at`,
        false,
      ),
    )
    unalerted = 0
  })
  const stream = new PcapStream((packet) => {
    status.packets += 1
    status.bytes += packet.bytes.length
    for (const replay of replays) replay.push(packet)
  })
  const ticker = setInterval(() => {
    status.flows = replays.reduce((sum, replay) => Math.max(sum, replay.counts.flows), 0)
    outputs.tick()
    if (status.state === 'running') ask(capturePid)
    tell()
  }, TELL_MS)
  const reason = await captured(stream, () => outputs.flush())
  clearInterval(ticker)
  for (const replay of replays) replay.end()
  outputs.close()
  if (reason === null) return 0
  status.state = 'failed'
  status.reason = words === '' ? reason : `${reason}: ${words}`
  tell()
  return 1
}

/** Reads until the capture ends. @returns why; null: it was asked to */
function captured(stream: PcapStream, flush: () => void): Promise<string | null> {
  return new Promise((resolve) => {
    const capture = new Socket({ fd: CAPTURE_FD, writable: false })
    const end = (reason: string | null): void => {
      capture.destroy()
      resolve(reason)
    }
    capture.on('data', (chunk: Buffer) => {
      const fault = stream.push(chunk)
      flush()
      if (fault !== null) end(`the capture cannot be read: ${fault}`)
    })
    capture.on('error', (error) => end(`the capture cannot be read: ${error.message}`))
    capture.on('end', () => end('the capture has ended'))
    process.on('SIGTERM', () => end(null))
    process.on('SIGINT', () => {})
    process.on('SIGHUP', () => {})
  })
}

function loadHops(config: TapConfig) {
  const { chain: domainChain, attachment, port } = config
  const { chain, rulePaths, ruleVersions, tenant } = domainChain
  return chain.inspectors.map((entry) => {
    if (entry.type !== 'ids' || entry.mode !== 'detect')
      throw new TypeError(
        `chain ${chain.name}: ${entry.type}:${entry.mode} cannot look at a mirror`,
      )
    const paths = entry.rules.map((reference) => {
      if (Object.hasOwn(rulePaths, reference)) return rulePaths[reference]
      throw new TypeError(`chain ${chain.name}: rule set ${reference} has no path`)
    })
    const versions = entry.rules.map((name) =>
      Object.hasOwn(ruleVersions, name) ? ruleVersions[name] : name,
    )
    const { settings } = entry
    return {
      ids: createIds({
        mode: 'detect',
        rulePaths: paths,
        packets: true,
        ...(settings === undefined ? {} : { settings }),
      }),
      context: {
        tenant,
        network: port.network,
        port: port.id,
        attachment: attachment.id,
        chain: chain.name,
        inspector: 'ids',
        mode: 'detect' as const,
        ruleSet: versions.join(','),
      },
    }
  })
}

/** About the tap itself: of no flow, so without addresses. */
function ownEvent(config: TapConfig, id: string, flowId: number, alert: Alert): AlertEvent {
  const { attachment, port, chain } = config
  const context: HopContext = {
    tenant: attachment.tenant,
    network: port.network,
    port: port.id,
    attachment: attachment.id,
    chain: chain.chain.name,
    inspector: 'portcullis',
  }
  const nowhere = {
    clientAddress: '0.0.0.0',
    clientPort: 0,
    serverAddress: '0.0.0.0',
    serverPort: 0,
  }
  const connection = { id, flowId, ...nowhere, openedAt: Date.now() }
  return { context, connection, transaction: null, alert, verdict: 'passed', flow: 'to_server' }
}

/** It answers on standard error. One that is gone is heard of by the end of the capture. */
function ask(capturePid: number): void {
  try {
    process.kill(capturePid, 'SIGUSR1')
  } catch {
    // It has ended.
  }
}

/** What earlier processes of this tap left open; one that still runs goes on with its own. */
function finishSegmentsOfTheDead(folder: string): void {
  const open = sortSpoolSegments(readdirSync(folder)).filter(({ finished }) => !finished)
  for (const pid of new Set(open.map((segment) => segment.pid))) {
    try {
      process.kill(pid, 0)
    } catch {
      finishSegmentsOf(folder, pid)
    }
  }
}
