import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AlertComparison, ReplayFigures, ReplayRate } from './ids-bench-report.ts'

const ROOT = join(import.meta.dirname, '../..')
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning']
const PEER_TOOL = join(ROOT, '../shared/tools/peer-suricata')
/** The peer's tool may have to install a chroot first. */
const INSTALL_TIMEOUT_MS = 900_000
const RUN_TIMEOUT_MS = 600_000
/** Both sides take all addresses for their own, as the inspector does by default. */
const ANY_ADDRESS = [
  '--set',
  'vars.address-groups.HOME_NET=any',
  '--set',
  'vars.address-groups.EXTERNAL_NET=any',
]
/** Room for all flows: with the peer's defaults it missed 136 of 3,876 alerts of 100,000 transactions. */
const PEER_ROOM = [
  '--set',
  'stream.memcap=1gb',
  '--set',
  'stream.reassembly.memcap=2gb',
  '--set',
  'flow.memcap=1gb',
]
const ALERTS_ONLY =
  '%YAML 1.1\n---\noutputs:\n  - eve-log:\n      enabled: yes\n      filetype: regular\n      filename: eve.json\n      types:\n        - alert\n'
/** A capture without a packet: what is left is loading. */
const EMPTY_CAPTURE_BYTES = 24

interface Cost {
  readonly seconds: number
  readonly processorSeconds: number
}

interface Run {
  readonly whole: Cost
  readonly load: Cost
}

interface Round {
  readonly ours: Run
  readonly peer: Run | null
}

/** Rules and a capture shown to both sides, one after the other, each on the same cores. */
export class ReplayBench {
  readonly #folder: string
  readonly #rules: string
  readonly #capture: string
  readonly #emptyCapture: string
  readonly #config: string
  /** By the cores that they had. */
  readonly #rounds = new Map<string, Round[]>()
  /** Why there is no peer; null: there is one. */
  readonly peerSkipped: string | null

  constructor(folder: string, rules: string, capture: string) {
    this.#folder = folder
    this.#rules = rules
    this.#capture = capture
    this.#emptyCapture = join(folder, 'empty.pcap')
    writeFileSync(
      this.#emptyCapture,
      readFileSync(capture, { encoding: null }).subarray(0, EMPTY_CAPTURE_BYTES),
    )
    this.#config = join(folder, 'alerts-only.yaml')
    writeFileSync(this.#config, ALERTS_ONLY)
    this.peerSkipped = preparePeer()
  }

  /**
   * @param cores for either side, as `taskset -c` takes them
   * @returns seconds net of loading
   */
  round(cores: string): { readonly ours: number; readonly peer: number | null } {
    const ours = {
      whole: this.#replay(cores, this.#capture),
      load: this.#replay(cores, this.#emptyCapture),
    }
    const peer = this.peerSkipped === null ? this.#peer(cores) : null
    const rounds = this.#rounds.get(cores) ?? []
    this.#rounds.set(cores, rounds)
    rounds.push({ ours, peer })
    return { ours: netSeconds(ours), peer: peer === null ? null : netSeconds(peer) }
  }

  /** Of the rounds with these cores, of which there was one at least. */
  figures(cores: string, transactions: number, bytes: number): ReplayFigures {
    const rounds = this.#rounds.get(cores) ?? []
    const rate = (runs: readonly Run[]): ReplayRate => ({
      transactionsPerSecond: Math.round(median(runs.map((run) => transactions / netSeconds(run)))),
      megabytesPerSecond: round(median(runs.map((run) => bytes / 1e6 / netSeconds(run)))),
      processorMicroseconds: round(
        median(runs.map((run) => (netProcessor(run) * 1e6) / transactions)),
      ),
      loadSeconds: round(median(runs.map(({ load }) => load.seconds))),
    })
    const portcullis = rate(rounds.map(({ ours }) => ours))
    const pairs = rounds.flatMap(({ ours, peer }) => (peer === null ? [] : [{ ours, peer }]))
    if (pairs.length === 0) return { portcullis, peer: null, ratio: null, processorRatio: null }
    const ratio = (net: (run: Run) => number): number =>
      round(median(pairs.map(({ ours, peer }) => net(peer) / net(ours))))
    return {
      portcullis,
      peer: rate(pairs.map(({ peer }) => peer)),
      ratio: ratio(netSeconds),
      processorRatio: ratio(netProcessor),
    }
  }

  /** Of the newest round; null: there is no peer. */
  alerts(): AlertComparison | null {
    if (this.peerSkipped !== null) return null
    return compareAlerts(
      alertSet(join(this.#folder, 'eve.json')),
      alertSet(join(this.#folder, 'peer', 'eve.json')),
    )
  }

  #peer(cores: string): Run {
    const out = join(this.#folder, 'peer')
    mkdirSync(out, { recursive: true })
    const run = [PEER_TOOL, 'run', '--', this.#rules, this.#capture, out]
    return {
      whole: timed(cores, [...run, ...ANY_ADDRESS, ...PEER_ROOM]),
      load: timed(cores, [PEER_TOOL, 'load', '--', this.#rules]),
    }
  }

  #replay(cores: string, capture: string): Cost {
    const eve = join(this.#folder, capture === this.#capture ? 'eve.json' : 'empty.json')
    const command = [...NODE, join(ROOT, 'inspectors/main.ts'), 'ids', 'replay']
    const inputs = ['--rules', this.#rules, '--pcap', capture, '-k', 'none']
    return timed(cores, command.concat(inputs, ['--eve', eve, '--config', this.#config]))
  }
}

/** The shell tells the processor time of all that the command started. */
function timed(cores: string, argv: readonly string[]): Cost {
  const run = spawnSync(
    'taskset',
    ['-c', cores, 'bash', '-c', 'time "$@" >/dev/null 2>&1', 'bash', ...argv],
    {
      encoding: 'utf8',
      timeout: RUN_TIMEOUT_MS,
      env: { ...process.env, TIMEFORMAT: '%R %U %S', LC_ALL: 'C' },
    },
  )
  const [seconds, user, system] = run.stderr.trim().split(' ').map(Number)
  if (run.status !== 0 || !Number.isFinite(seconds + user + system))
    throw new Error(`${argv.slice(0, 6).join(' ')} … ended with ${run.status}: ${run.stderr}`)
  return { seconds, processorSeconds: user + system }
}

function preparePeer(): string | null {
  if (!existsSync(PEER_TOOL)) return `${PEER_TOOL} is not on this machine`
  const install = spawnSync(PEER_TOOL, ['install'], {
    encoding: 'utf8',
    timeout: INSTALL_TIMEOUT_MS,
  })
  if (install.status === 0) return null
  return `${PEER_TOOL} failed: ${(install.stderr ?? '').trim().split('\n').slice(-3).join('; ')}`
}

const netSeconds = ({ whole, load }: Run): number => Math.max(1e-3, whole.seconds - load.seconds)
const netProcessor = ({ whole, load }: Run): number =>
  Math.max(1e-3, whole.processorSeconds - load.processorSeconds)

interface AlertRecord {
  readonly event_type: string
  readonly src_ip: string
  readonly src_port?: number
  readonly dest_ip: string
  readonly dest_port?: number
  readonly alert: { readonly signature_id: number }
}

/** `SID FLOW`, the ends of the flow in an order of their own. */
function alertSet(file: string): Set<string> {
  const found = new Set<string>()
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line.includes('"event_type":"alert"')) continue
    const record = JSON.parse(line) as AlertRecord
    const ends = [
      `${record.src_ip} ${record.src_port ?? 0}`,
      `${record.dest_ip} ${record.dest_port ?? 0}`,
    ].sort()
    found.add(`${record.alert.signature_id} ${ends.join(' ')}`)
  }
  return found
}

export function compareAlerts(
  ours: ReadonlySet<string>,
  theirs: ReadonlySet<string>,
): AlertComparison {
  const only = (these: ReadonlySet<string>, those: ReadonlySet<string>): Record<string, number> => {
    const counts: Record<string, number> = {}
    for (const alert of these) {
      if (those.has(alert)) continue
      const sid = alert.slice(0, alert.indexOf(' '))
      counts[sid] = (counts[sid] ?? 0) + 1
    }
    return counts
  }
  return {
    both: [...ours].filter((alert) => theirs.has(alert)).length,
    onlyPortcullis: only(ours, theirs),
    onlyPeer: only(theirs, ours),
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)]
}

export const round = (value: number): number => Number(value.toFixed(2))
