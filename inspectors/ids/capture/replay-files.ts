import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { parseThresholdConfig } from '#signatures/suricata/threshold-config.ts'
import type { ReplaySettings } from '../configuration/replay-settings.ts'
import { createIds, type Ids } from '../ids.ts'
import { type EveRecord, EveRecorder } from './eve/recorder.ts'
import { CaptureReader } from './pcap-file.ts'
import { Replay } from './replay.ts'

export interface ReplayRequest {
  readonly rulePaths: readonly string[]
  readonly capture: string
  readonly settings: ReplaySettings
  readonly classificationFile?: string
  /** Told every record as it is made. */
  readonly write: (record: EveRecord) => void
  /** Of the records only the last, the statistics, is wanted. */
  readonly isSilent: boolean
}

export interface ReplayResult {
  readonly loadSeconds: number
  readonly replaySeconds: number
  readonly packets: number
  readonly bytes: number
  readonly flows: number
  readonly transactions: number
  readonly alerts: number
  readonly ids: Ids
  /** What follows a damaged packet was left out. */
  readonly truncated: boolean
}

/**
 * Loads rules and shows them a capture file.
 *
 * @throws IdsLoadError for rules that cannot be loaded, Error for a capture that cannot be read
 */
export function replayFile(request: ReplayRequest): ReplayResult {
  const { settings } = request
  const { thresholdFile } = settings
  const startedAt = performance.now()
  const clock = { replay: null as Replay | null }
  const ids = createIds({
    mode: settings.isInline ? 'block' : 'detect',
    rulePaths: request.rulePaths,
    now: () => clock.replay?.nowMs ?? 0,
    packets: true,
    // EVE records have no place for it.
    quotesMatches: false,
    ...(request.classificationFile === undefined
      ? {}
      : { classificationFile: request.classificationFile }),
    ...(thresholdFile === null
      ? {}
      : { thresholds: parseThresholdConfig(readFileSync(thresholdFile, 'latin1'), thresholdFile) }),
    settings: { variables: settings.variables },
    bodyDepth: settings.bodyDepth,
    actionOrder: settings.actionOrder,
    packetAlertMax: settings.packetAlertMax,
  })
  const loadSeconds = (performance.now() - startedAt) / 1000
  const replayedAt = performance.now()
  const recorder = new EveRecorder(request.write, {
    inline: settings.isInline,
    isSilent: request.isSilent,
    settings: settings.eve,
    guessesTransaction: settings.guessesTransaction,
    rules: { loaded: ids.ruleCount, failed: ids.warnings.length },
  })
  const replay = new Replay(ids, {
    inline: settings.isInline,
    settings: settings.capture,
    policies: settings.policies,
    encryption: settings.encryption,
    dnsPorts: settings.dnsPorts,
    holdsPackets: true,
    observer: recorder,
  })
  clock.replay = replay
  const truncated = replayPackets(request.capture, replay)
  replay.end()
  recorder.stats(replay.nowMs, replay.counts, ids.limits.portSets)
  const { packets, bytes, flows, transactions, alerts } = replay.counts
  return {
    loadSeconds,
    replaySeconds: (performance.now() - replayedAt) / 1000,
    packets,
    bytes,
    flows,
    transactions,
    alerts,
    ids,
    truncated,
  }
}

/** @returns true when what follows a damaged packet was left out */
function replayPackets(path: string, replay: Replay): boolean {
  const file = openSync(path, 'r')
  try {
    const reader = new CaptureReader((into) => readSync(file, into, 0, into.length, null))
    const message = reader.open()
    if (message !== null) throw new Error(`${path}: ${message}`)
    for (let packet = reader.next(); packet !== null; packet = reader.next()) replay.push(packet)
    return reader.truncated
  } finally {
    closeSync(file)
  }
}
